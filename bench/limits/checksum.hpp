// The Internet checksum (RFC 1071) with AVX2, alone and riding on a copy: what the
// machine can do at best, and what the lwIP peer is given in place of its own.
//
// A 16-bit word x is added as the signed number x - 32768, so that one vpmaddwd adds
// sixteen of them in pairs; 32768 for each word is put back at the end. Words are
// summed in memory order (RFC 1071, 2 (B): byte order does not matter).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2")

namespace naru::bench {

// Ones' complement sum of the 64-bit value's four 16-bit words.
inline std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffffU) + (sum >> 32U);
  sum = (sum & 0xffffffffU) + (sum >> 32U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

namespace detail {

inline std::uint64_t sum_of_lanes(__m256i acc) {
  alignas(32) std::int32_t lane[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lane), acc);
  std::int64_t sum = 0;
  for (const std::int32_t l : lane) sum += l;
  return static_cast<std::uint64_t>(sum);
}

// Adds (and copies, where kCopy) the words of one 32-byte block.
template <bool kCopy>
inline __m256i step(std::uint8_t* dst, const std::uint8_t* src, std::size_t at, __m256i acc) {
  const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + at));
  if constexpr (kCopy) _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + at), v);
  const __m256i centred = _mm256_xor_si256(v, _mm256_set1_epi16(INT16_MIN));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(centred, _mm256_set1_epi16(1)));
}

// The words of one integer's width.
template <bool kCopy, class T>
inline std::uint64_t part(std::uint8_t* dst, const std::uint8_t* src, std::size_t at) {
  T v;
  std::memcpy(&v, src + at, sizeof v);
  if constexpr (kCopy) std::memcpy(dst + at, &v, sizeof v);
  const std::uint64_t wide = v;
  return (wide & 0xffffffffU) + (wide >> 32U);
}

// The last bytes from `at`, fewer than 32.
template <bool kCopy>
inline std::uint64_t tail(std::uint8_t* dst, const std::uint8_t* src, std::size_t at,
                          std::size_t n) {
  std::uint64_t sum = 0;
  for (; n - at >= 8; at += 8) sum += part<kCopy, std::uint64_t>(dst, src, at);
  if (n - at >= 4) {
    sum += part<kCopy, std::uint32_t>(dst, src, at);
    at += 4;
  }
  if (n - at >= 2) {
    sum += part<kCopy, std::uint16_t>(dst, src, at);
    at += 2;
  }
  if (n > at) sum += part<kCopy, std::uint8_t>(dst, src, at);
  return sum;
}

// n at most 512 KiB: four 32-bit lanes are added, 65536 for each 32 bytes at most.
template <bool kCopy>
inline std::uint16_t sum(std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
  __m256i a = _mm256_setzero_si256();
  __m256i b = a;
  __m256i c = a;
  __m256i d = a;
  std::size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    a = step<kCopy>(dst, src, i, a);
    b = step<kCopy>(dst, src, i + 32, b);
    c = step<kCopy>(dst, src, i + 64, c);
    d = step<kCopy>(dst, src, i + 96, d);
  }
  for (; i + 32 <= n; i += 32) a = step<kCopy>(dst, src, i, a);
  if (i > 0) a = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
  const std::uint64_t vectors = i > 0 ? sum_of_lanes(a) + 32768U * (i / 2) : 0;
  return fold(vectors + tail<kCopy>(dst, src, i, n));
}

}  // namespace detail

inline std::uint16_t checksum(const void* src, std::size_t n) {
  return detail::sum<false>(nullptr, static_cast<const std::uint8_t*>(src), n);
}

inline std::uint16_t copy_and_checksum(void* dst, const void* src, std::size_t n) {
  return detail::sum<true>(static_cast<std::uint8_t*>(dst), static_cast<const std::uint8_t*>(src),
                           n);
}

}  // namespace naru::bench

#pragma GCC pop_options
