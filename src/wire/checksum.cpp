#include "wire/checksum.hpp"

#include <immintrin.h>

namespace naru::wire {
namespace {

const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;

// From this many bytes on, vector registers pay.
constexpr std::size_t kVectorSize = 96;

// Fewer than 8 bytes. A last odd byte is the first of a word whose second is 0.
std::uint64_t load_few(const std::uint8_t* p, std::size_t n) {
  std::uint64_t value = 0;
  std::size_t at = 0;
  if ((n & 4U) != 0) {
    value = load_word32(p);
    at = 4;
  }
  if ((n & 2U) != 0) {
    value |= std::uint64_t{load_checksum(p + at)} << (8 * at);
    at += 2;
  }
  if ((n & 1U) != 0) value |= std::uint64_t{p[at]} << (8 * at);
  return value;
}

// The last n % 8 of at least 8 bytes, as the low bytes of a word: one load that
// reaches back into what has been summed, which is then shifted out (in two
// steps, since a shift by 64 has no meaning).
std::uint64_t load_last(const std::uint8_t* end, std::size_t n) {
  return (load_word64(end - 8) >> 1U) >> (63 - 8 * (n & 7U));
}

inline std::uint64_t sum_words(const std::uint8_t* p, std::size_t n, std::uint64_t acc) {
  if (n < 8) return add(acc, load_few(p, n));
  const std::uint8_t* end = p + n;
  for (std::size_t left = n; left >= 8; left -= 8, p += 8) acc = add(acc, load_word64(p));
  return add(acc, load_last(end, n));
}

inline std::uint64_t copy_and_sum_words(std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
  if (n < 8) {
    const std::uint64_t value = load_few(src, n);
    for (std::size_t i = 0; i < n; ++i) dst[i] = static_cast<std::uint8_t>(value >> (8 * i));
    return value;
  }
  // The last 8 bytes first: the loop may leave up to 7 of them.
  const std::uint8_t* end = src + n;
  const std::uint64_t last = load_word64(end - 8);
  std::memcpy(dst + n - 8, &last, sizeof last);
  std::uint64_t acc = load_last(end, n);
  for (std::size_t left = n; left >= 8; left -= 8, src += 8, dst += 8) {
    const std::uint64_t word = load_word64(src);
    std::memcpy(dst, &word, sizeof word);
    acc = add(acc, word);
  }
  return acc;
}

// Adds 16 words, pair by pair, to the eight lanes of `sum`. The multiplication
// that adds pairs takes signed words, so each is lowered by 0x8000 (by turning
// its top bit over); total() gives that back.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i accumulate(__m256i sum, __m256i data) {
  const __m256i lowered = _mm256_xor_si256(data, _mm256_set1_epi16(-0x8000));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(lowered, _mm256_set1_epi16(1)));
}

// The sum of the first n / 32 * 32 bytes from the lanes they were added to. For
// a block of at most detail::kAvx2Block bytes nothing here can overflow.
[[gnu::target("avx2"), gnu::always_inline]] inline std::uint64_t total(__m256i sum, std::size_t n) {
  __m128i lanes = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  lanes = _mm_add_epi32(lanes, _mm_shuffle_epi32(lanes, 0x4e));
  lanes = _mm_add_epi32(lanes, _mm_shuffle_epi32(lanes, 0xb1));
  const auto lowered = static_cast<std::uint32_t>(_mm_cvtsi128_si32(lanes));
  const auto given_back = static_cast<std::uint32_t>(n / 32 * 16 * 0x8000);
  return std::uint32_t{lowered + given_back};
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load32(const std::uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i copy32(std::uint8_t* dst,
                                                                  const std::uint8_t* src) {
  const __m256i data = load32(src);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst), data);
  return data;
}

}  // namespace

namespace detail {

bool has_avx2() { return kHasAvx2; }

std::uint64_t sum_portable(const std::uint8_t* p, std::size_t n, std::uint64_t acc) {
  return sum_words(p, n, acc);
}

std::uint64_t copy_and_sum_portable(std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
  return copy_and_sum_words(dst, src, n);
}

[[gnu::target("avx2")]] std::uint64_t sum_avx2(const std::uint8_t* p, std::size_t n,
                                               std::uint64_t acc) {
  __m256i a = _mm256_setzero_si256();
  __m256i b = a;
  std::size_t left = n;
  for (; left >= 128; left -= 128, p += 128) {
    a = accumulate(a, load32(p));
    b = accumulate(b, load32(p + 32));
    a = accumulate(a, load32(p + 64));
    b = accumulate(b, load32(p + 96));
  }
  for (; left >= 32; left -= 32, p += 32) a = accumulate(a, load32(p));
  return sum_words(p, left, add(acc, total(_mm256_add_epi32(a, b), n)));
}

[[gnu::target("avx2")]] std::uint64_t copy_and_sum_avx2(std::uint8_t* dst, const std::uint8_t* src,
                                                        std::size_t n) {
  __m256i a = _mm256_setzero_si256();
  __m256i b = a;
  std::size_t left = n;
  for (; left >= 128; left -= 128, src += 128, dst += 128) {
    a = accumulate(a, copy32(dst, src));
    b = accumulate(b, copy32(dst + 32, src + 32));
    a = accumulate(a, copy32(dst + 64, src + 64));
    b = accumulate(b, copy32(dst + 96, src + 96));
  }
  for (; left >= 32; left -= 32, src += 32, dst += 32) a = accumulate(a, copy32(dst, src));
  return add(copy_and_sum_words(dst, src, left), total(_mm256_add_epi32(a, b), n));
}

}  // namespace detail

namespace {

// More than an IP packet can hold: block by block, out of the way of the rest.
[[gnu::noinline]] std::uint64_t sum_blocks(const std::uint8_t* p, std::size_t n,
                                           std::uint64_t acc) {
  for (; n > detail::kAvx2Block; n -= detail::kAvx2Block, p += detail::kAvx2Block) {
    acc = detail::sum_avx2(p, detail::kAvx2Block, acc);
  }
  return detail::sum_avx2(p, n, acc);
}

[[gnu::noinline]] std::uint64_t copy_and_sum_blocks(std::uint8_t* dst, const std::uint8_t* src,
                                                    std::size_t n) {
  std::uint64_t acc = 0;
  for (; n > detail::kAvx2Block; n -= detail::kAvx2Block) {
    acc = add(acc, detail::copy_and_sum_avx2(dst, src, detail::kAvx2Block));
    src += detail::kAvx2Block;
    dst += detail::kAvx2Block;
  }
  return add(acc, detail::copy_and_sum_avx2(dst, src, n));
}

}  // namespace

std::uint64_t sum_bytes(const std::uint8_t* p, std::size_t n, std::uint64_t acc) {
  if (n < kVectorSize || !kHasAvx2) return sum_words(p, n, acc);
  if (n <= detail::kAvx2Block) return detail::sum_avx2(p, n, acc);
  return sum_blocks(p, n, acc);
}

std::uint64_t copy_and_sum(std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
  if (n < kVectorSize || !kHasAvx2) return copy_and_sum_words(dst, src, n);
  if (n <= detail::kAvx2Block) return detail::copy_and_sum_avx2(dst, src, n);
  return copy_and_sum_blocks(dst, src, n);
}

}  // namespace naru::wire
