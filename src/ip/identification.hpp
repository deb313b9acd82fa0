// The identification of packets that may be fragmented (RFC 791 3.2, RFC 6864; RFC 8200 4.5,
// RFC 7739).
#pragma once

#include <cstdint>

#include "base/siphash.hpp"

namespace naru::ip {

// A keyed permutation of 16 or 32 bits: counting through it, a destination sees every value
// once before any again, and can foretell none. A balanced Feistel network of four
// rounds (Luby, Rackoff 1988) whose round functions are SipHash.
template <class Word, class Half>
Word permute(const SipKey& key, Word count, std::uint64_t salt) {
  constexpr unsigned kBits = 8 * sizeof(Half);
  auto left = static_cast<Half>(count >> kBits);
  auto right = static_cast<Half>(count);
  for (std::uint64_t round = 0; round < 4; ++round) {
    const std::uint64_t f = siphash(key, {salt, (round << kBits) | right});
    const auto mixed = static_cast<Half>(left ^ f);
    left = right;
    right = mixed;
  }
  return static_cast<Word>((Word{left} << kBits) | right);
}

inline std::uint16_t identification(const SipKey& key, std::uint16_t count, std::uint64_t salt) {
  return permute<std::uint16_t, std::uint8_t>(key, count, salt);
}
inline std::uint32_t identification6(const SipKey& key, std::uint32_t count, std::uint64_t salt) {
  return permute<std::uint32_t, std::uint16_t>(key, count, salt);
}

}  // namespace naru::ip
