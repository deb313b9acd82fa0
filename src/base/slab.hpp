// Slab: objects of one type, addressed by a 32-bit index, recycled last-in first-out.
#pragma once

#include <cstdint>
#include <type_traits>

#include <naru/base/arena.hpp>

#include "base/check.hpp"

namespace naru {

inline constexpr std::uint32_t kNoIndex = 0xffffffffU;

// Room for `capacity` objects is reserved in the arena at once; a slot's page is
// touched when the slot is first used. The last slot freed is the next one given
// (its cache lines are warm). A bit per slot tells which are live, so tables can
// be rebuilt by walking a slab.
template <class T>
class Slab {
  static_assert(std::is_trivially_destructible_v<T>, "arena objects are dropped, not destroyed");
  static_assert(sizeof(T) >= sizeof(std::uint32_t));

 public:
  [[nodiscard]] bool init(Arena& arena, std::uint32_t capacity) {
    slots_ = static_cast<T*>(arena.take(sizeof(T) * capacity, alignof(T) < 64 ? 64 : alignof(T)));
    live_ = static_cast<std::uint64_t*>(arena.take((capacity / 64 + 1) * sizeof(std::uint64_t)));
    capacity_ = slots_ == nullptr || live_ == nullptr ? 0 : capacity;
    return capacity_ == capacity;
  }

  // A slot whose bytes from offset 4 on are what the last owner left (zero at
  // first), or nullptr when all are taken. For owners that keep a generation.
  T* take_raw() {
    std::uint32_t index = free_;
    if (index != kNoIndex) {
      free_ = *link(index);
    } else if (fresh_ < capacity_) {
      index = fresh_++;
    } else {
      return nullptr;
    }
    live_[index / 64] |= std::uint64_t{1} << (index % 64);
    ++in_use_;
    return slots_ + index;
  }

  // A value-initialised object, or nullptr when all slots are taken.
  T* take() {
    T* slot = take_raw();
    return slot == nullptr ? nullptr : ::new (slot) T();
  }

  void give_back(T* slot) {
    const std::uint32_t index = index_of(slot);
    NARU_CHECK(is_live(index));
    live_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
    *link(index) = free_;
    free_ = index;
    --in_use_;
  }

  T* at(std::uint32_t index) { return slots_ + index; }
  const T* at(std::uint32_t index) const { return slots_ + index; }
  std::uint32_t index_of(const T* slot) const { return static_cast<std::uint32_t>(slot - slots_); }
  bool is_live(std::uint32_t index) const {
    return index < fresh_ && (live_[index / 64] >> (index % 64) & 1U) != 0;
  }

  // --- after a death ---
  // Whoever died may have been in the middle of take() or give_back(), and may have left
  // any pointer behind. forget() and keep() write the bits anew; rebuild() makes the free
  // list from them.

  // The index of a slot that was in use at some time, or kNoIndex for any other pointer.
  std::uint32_t find(const T* slot) const {
    const auto at =
        reinterpret_cast<std::uintptr_t>(slot) - reinterpret_cast<std::uintptr_t>(slots_);
    const bool is_slot = at % sizeof(T) == 0 && at / sizeof(T) < fresh_;
    return is_slot ? static_cast<std::uint32_t>(at / sizeof(T)) : kNoIndex;
  }
  bool was_used(std::uint32_t index) const { return index < fresh_; }
  // No slot is live any more, but for those that are kept.
  void forget() {
    for (std::uint32_t i = 0; i < fresh_; i += 64) live_[i / 64] = 0;
  }
  // False for what never was a slot in use, and for what is kept already.
  bool keep(std::uint32_t index) {
    if (!was_used(index) || is_live(index)) return false;
    live_[index / 64] |= std::uint64_t{1} << (index % 64);
    return true;
  }
  void rebuild() {
    free_ = kNoIndex;
    in_use_ = 0;
    for (std::uint32_t i = fresh_; i-- > 0;) {
      if (is_live(i)) {
        ++in_use_;
      } else {
        *link(i) = free_;
        free_ = i;
      }
    }
  }

  std::uint32_t in_use() const { return in_use_; }
  std::uint32_t capacity() const { return capacity_; }

  template <class F>
  void for_each(F&& f) {
    for (std::uint32_t i = 0; i < fresh_; ++i) {
      if (is_live(i)) f(slots_[i]);
    }
  }

 private:
  std::uint32_t* link(std::uint32_t index) {
    return reinterpret_cast<std::uint32_t*>(slots_ + index);
  }

  T* slots_ = nullptr;
  std::uint64_t* live_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t fresh_ = 0;  // slots from here on were never used
  std::uint32_t free_ = kNoIndex;
  std::uint32_t in_use_ = 0;
};

}  // namespace naru
