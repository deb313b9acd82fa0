// Passages: the ways that packets for others took, by their addresses.
#pragma once

#include <bit>
#include <cstdint>

#include <naru/base/arena.hpp>

#include "base/siphash.hpp"
#include "ip/types.hpp"

namespace naru::ip {

// All that was found out about a packet between these two and holds for the next one, as
// long as the epoch and the neighbour's version do.
struct Passage {
  std::uint32_t source = 0;  // as in memory
  std::uint32_t destination = 0;
  std::uint32_t epoch = 0;
  std::uint32_t neighbour = 0;
  std::uint32_t version = 0;
  std::uint16_t mtu = 0;
  std::uint8_t in = 0;  // interfaces
  std::uint8_t out = 0;
  bool is_translated = false;  // by the NAT, on its way outside
};

// A place for each of some thousand pairs, which later ones take over: nothing is lost with
// an entry but the time to find it again.
class Passages {
 public:
  [[nodiscard]] bool init(Arena& arena, const SipKey& key, std::uint32_t capacity) {
    const std::uint32_t size = std::bit_ceil(capacity);
    entries_ = static_cast<Passage*>(arena.take(sizeof(Passage) * size));
    mask_ = size - 1;
    salt_ = key.k0;
    factor_ = key.k1 | 1U;
    return entries_ != nullptr;
  }

  Passage& place_of(std::uint32_t source, std::uint32_t destination, std::uint8_t in) {
    const std::uint64_t addresses = (std::uint64_t{source} << 32U) | destination;
    const std::uint64_t mixed = (addresses ^ salt_ ^ in) * factor_;
    return entries_[std::rotl(mixed, 24) & mask_];
  }

 private:
  Passage* entries_ = nullptr;
  std::uint64_t mask_ = 0;
  std::uint64_t salt_ = 0;
  std::uint64_t factor_ = 1;
};

}  // namespace naru::ip
