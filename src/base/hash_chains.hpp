// HashChains: a hash table of slab objects, chained by index through the objects.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/slab.hpp"

namespace naru {

// The table is an array of heads; who is in a chain is told by the member kNext of
// T. Keys stay with the caller, who hands in their (keyed) hash and a predicate.
template <class T, std::uint32_t T::*kNext>
class HashChains {
 public:
  // About one object to a chain when `objects` are in it.
  [[nodiscard]] bool init(Arena& arena, Slab<T>& slab, std::uint32_t objects) {
    const std::uint32_t heads = std::bit_ceil(objects);
    heads_ = static_cast<std::uint32_t*>(arena.take(sizeof(std::uint32_t) * heads));
    slab_ = &slab;
    mask_ = heads - 1;
    return heads_ != nullptr;
  }

  // All chains are empty; the objects' links are left as they are.
  void clear() { std::fill_n(heads_, mask_ + 1, 0U); }

  T* first(std::uint64_t hash) const { return object(*head(hash)); }
  T* next(const T& o) const { return object(o.*kNext); }

  template <class Predicate>
  T* find(std::uint64_t hash, Predicate&& is_it) const {
    for (T* o = first(hash); o != nullptr; o = next(*o)) {
      if (is_it(*o)) return o;
    }
    return nullptr;
  }

  void insert(std::uint64_t hash, T* o) {
    o->*kNext = *head(hash);
    *head(hash) = slab_->index_of(o) + 1;
  }

  void remove(std::uint64_t hash, T* o) {
    std::uint32_t* link = head(hash);
    while (object(*link) != o) {
      NARU_CHECK(*link != 0);
      link = &(object(*link)->*kNext);
    }
    *link = o->*kNext;
  }

 private:
  // Links are index + 1, so that fresh arena memory is a table of empty chains.
  T* object(std::uint32_t link) const { return link == 0 ? nullptr : slab_->at(link - 1); }
  std::uint32_t* head(std::uint64_t hash) const { return &heads_[hash & mask_]; }

  std::uint32_t* heads_ = nullptr;
  Slab<T>* slab_ = nullptr;
  std::uint64_t mask_ = 0;
};

}  // namespace naru
