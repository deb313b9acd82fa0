// The arena: the one memory range that holds all state of a stack.
//
//   base                                                        base + size
//   | Arena | slab | slab | pool | ...    untouched address space         |
//           '----------- used -----------'
//
// An arena hands out address space once and takes nothing back; slabs and pools
// inside it recycle. Untouched pages cost nothing, so a slab reserves room for
// its maximum on the first day. Pointers into an arena are plain pointers: a
// shared arena is mapped at the same address in every process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <naru/base/result.hpp>

namespace naru {

class Arena {
 public:
  // Formats `size` bytes at `base` (64-byte aligned, zero-filled) as an empty arena.
  static Arena* format(void* base, std::size_t size);
  // An arena that another process formatted at the same address.
  static Result<Arena*> attach(void* base, std::size_t size);

  // Zero-filled address space, or nullptr when the arena is full.
  void* take(std::size_t size, std::size_t align = 64);

  template <class T, class... Args>
  T* make(Args&&... args) {
    void* p = take(sizeof(T), alignof(T) < 64 ? 64 : alignof(T));
    return p == nullptr ? nullptr : ::new (p) T(std::forward<Args>(args)...);
  }

  // The memory bound of everything inside.
  std::size_t size() const { return size_; }
  // Address space handed out so far.
  std::size_t used() const { return used_; }
  bool contains(const void* p) const;

  // Where an attaching process finds the root object; set once by the creator.
  void* root() const { return root_; }
  void set_root(void* root) { root_ = root; }

 private:
  Arena(std::size_t size, std::size_t used) : size_(size), used_(used) {}

  std::uint64_t magic_ = kMagic;
  std::size_t size_;
  std::size_t used_;
  void* root_ = nullptr;

  static constexpr std::uint64_t kMagic = 0x31306172656e614eULL;  // "Narena01"
};

// Owns the pages under an arena: private to this process, or shared with the
// processes that it forks (later: with all of a session).
class ArenaMapping {
 public:
  // Private memory. Pages are taken when touched.
  static Result<ArenaMapping> map_private(std::size_t size);
  // Memory shared with children, at the fixed address `at` (see kSharedArenaAddress).
  static Result<ArenaMapping> map_shared(std::size_t size, std::uintptr_t at);

  ArenaMapping(ArenaMapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  ArenaMapping& operator=(ArenaMapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~ArenaMapping();

  Arena& arena() const { return *static_cast<Arena*>(base_); }

 private:
  ArenaMapping(void* base, std::size_t size) : base_(base), size_(size) {}

  void* base_ = nullptr;
  std::size_t size_ = 0;
};

// Far from where Linux and the sanitizers map anything by themselves.
inline constexpr std::uintptr_t kSharedArenaAddress = 0x200000000000;

}  // namespace naru
