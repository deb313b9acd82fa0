// SipHash-1-3 (Aumasson, Bernstein 2012): the keyed hash behind every table that
// a peer can fill, and the PRF behind ISNs, cookies and ports.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>

namespace naru {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

namespace detail {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
};

}  // namespace detail

// The hash of whole 64-bit words (callers pack their fields into words).
inline std::uint64_t siphash(const SipKey& key, std::initializer_list<std::uint64_t> words) {
  detail::SipState s{key.k0 ^ 0x736f6d6570736575ULL, key.k1 ^ 0x646f72616e646f6dULL,
                     key.k0 ^ 0x6c7967656e657261ULL, key.k1 ^ 0x7465646279746573ULL};
  for (const std::uint64_t word : words) {
    s.v3 ^= word;
    s.round();
    s.v0 ^= word;
  }
  const std::uint64_t last = static_cast<std::uint64_t>(words.size() * 8) << 56U;
  s.v3 ^= last;
  s.round();
  s.v0 ^= last;
  s.v2 ^= 0xff;
  s.round();
  s.round();
  s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace naru
