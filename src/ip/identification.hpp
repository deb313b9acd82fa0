// The identification of packets that may be fragmented (RFC 791 3.2, RFC 6864).
#pragma once

#include <cstdint>

#include "base/siphash.hpp"

namespace naru::ip {

// A keyed permutation of 16 bits: counting through it, a destination sees every value
// once before any again, and can foretell none. A balanced Feistel network of four
// rounds (Luby, Rackoff 1988) whose round functions are SipHash.
inline std::uint16_t identification(const SipKey& key, std::uint16_t count, std::uint64_t salt) {
  auto left = static_cast<std::uint8_t>(count >> 8U);
  auto right = static_cast<std::uint8_t>(count);
  for (std::uint64_t round = 0; round < 4; ++round) {
    const std::uint64_t f = siphash(key, {salt, (round << 8U) | right});
    const auto mixed = static_cast<std::uint8_t>(left ^ f);
    left = right;
    right = mixed;
  }
  return static_cast<std::uint16_t>((left << 8U) | right);
}

}  // namespace naru::ip
