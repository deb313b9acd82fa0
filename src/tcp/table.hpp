// Table: from four-tuple to connection or TIME-WAIT record.
#pragma once

#include <cstdint>

#include <naru/base/arena.hpp>

#include "base/slab.hpp"
#include "tcp/tuple_hash.hpp"

namespace naru::tcp {

// Open addressing with linear probing under a keyed hash, 8 bytes an entry, at
// most half full, so that a lookup is one cache miss with a million connections.
// Removal moves later entries back; there are no tombstones.
class Table {
 public:
  // Entries name their object by index; this bit says that it is a TIME-WAIT record.
  static constexpr std::uint32_t kTimeWaitBit = 0x80000000U;

  [[nodiscard]] bool init(Arena& arena, std::uint32_t objects, const SipKey& key);

  std::uint32_t hash(const Endpoint& local, const Endpoint& remote) const {
    return static_cast<std::uint32_t>(tuple_hash(key_, local, remote));
  }

  // The object for which `same(object)` holds among those with this hash, or kNoIndex.
  template <class Same>
  std::uint32_t find(std::uint32_t hash, Same&& same) const {
    for (std::uint32_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Entry& e = entries_[i];
      if (e.object == 0) return kNoIndex;
      if (e.hash == hash && same(e.object - 1)) return e.object - 1;
    }
  }
  void insert(std::uint32_t hash, std::uint32_t object);
  void remove(std::uint32_t hash, std::uint32_t object);
  void clear();
  std::uint32_t size() const { return size_; }

 private:
  struct Entry {
    std::uint32_t hash;
    std::uint32_t object;  // + 1; 0: free
  };

  Entry* entries_ = nullptr;
  std::uint32_t mask_ = 0;
  std::uint32_t size_ = 0;
  SipKey key_;
};

}  // namespace naru::tcp
