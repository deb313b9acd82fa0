// The checksum in 64-byte registers. A mask takes what fills none, so that even
// a header is one load and no loop.
#include <immintrin.h>

#include "wire/checksum.hpp"

namespace naru::wire {
namespace {

// From so many bytes on, accesses that never cross a cache line pay for a first
// one that does: stores sooner than loads, of which two go at once.
constexpr std::size_t kAlignStoresFrom = 256;
constexpr std::size_t kAlignLoadsFrom = 512;

using Words = std::uint64_t __attribute__((vector_size(64)));

// Eight sums side by side. What is added to `all` wraps around; `high` has the
// upper halves of the same words and cannot, so it tells how often `all` did.
struct Lanes {
  Words all;
  Words high;
};

NARU_AVX512 inline Lanes operator+(const Lanes& lanes, Words data) {
  return {lanes.all + data, lanes.high + (data >> 32U)};
}

NARU_AVX512 inline Lanes operator+(const Lanes& a, const Lanes& b) {
  return {a.all + b.all, a.high + b.high};
}

NARU_AVX512 inline std::uint64_t across(Words eight) {
  const auto four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +
                    __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  const auto two =
      __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
  return two[0] + two[1];
}

// The lower halves are the difference: they add up to less than 2^64.
NARU_AVX512 inline std::uint64_t total(const Lanes& lanes) {
  return across(lanes.all - (lanes.high << 32U) + lanes.high);
}

// The same of one register: fold() without its last step, eight at a time.
NARU_AVX512 inline std::uint64_t total(Words data) {
  return across((data + (data << 32U | data >> 32U)) >> 32U);
}

// The first n <= 64 of a register's bytes.
NARU_AVX512 inline __mmask64 first(std::size_t n) {
  return _bzhi_u64(~0ULL, static_cast<unsigned>(n));
}

NARU_AVX512 inline Words load(const std::uint8_t* p) {
  return reinterpret_cast<Words>(_mm512_loadu_si512(p));
}

// At most 64 bytes; none outside is touched.
NARU_AVX512 inline Words load_few(const std::uint8_t* p, std::size_t n) {
  return reinterpret_cast<Words>(_mm512_maskz_loadu_epi8(first(n), p));
}

NARU_AVX512 inline Words keep_few(Words data, std::size_t n) {
  return reinterpret_cast<Words>(_mm512_maskz_mov_epi8(first(n), reinterpret_cast<__m512i>(data)));
}

NARU_AVX512 inline void store(std::uint8_t* p, Words data) {
  _mm512_storeu_si512(p, reinterpret_cast<__m512i>(data));
}

NARU_AVX512 inline Words copy(std::uint8_t* dst, const std::uint8_t* src) {
  const Words data = load(src);
  store(dst, data);
  return data;
}

NARU_AVX512 inline Words copy_few(std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
  const Words data = load_few(src, n);
  _mm512_mask_storeu_epi8(dst, first(n), reinterpret_cast<__m512i>(data));
  return data;
}

// How far it is to the next cache line, as an even number: words stay words.
std::size_t to_line(const std::uint8_t* p) { return -reinterpret_cast<std::uintptr_t>(p) & 62U; }

}  // namespace

namespace detail {

NARU_AVX512 std::uint64_t sum_avx512(const std::uint8_t* p, std::size_t n, std::uint64_t acc) {
  if (n <= 64) return add(acc, total(load_few(p, n)));
  Lanes a{};
  if (n >= kAlignLoadsFrom) {
    if (const std::size_t head = to_line(p); head != 0) {
      a = a + load_few(p, head);
      p += head;
      n -= head;
    }
    Lanes b{};
    for (; n >= 256; n -= 256, p += 256) {
      a = a + load(p) + load(p + 64);
      b = b + load(p + 128) + load(p + 192);
    }
    a = a + b;
  }
  for (; n > 64; n -= 64, p += 64) a = a + load(p);
  return add(acc, total(a + load_few(p, n)));
}

NARU_AVX512 std::uint64_t copy_and_sum_avx512(std::uint8_t* dst, const std::uint8_t* src,
                                              std::size_t n) {
  if (n <= 64) return total(copy_few(dst, src, n));
  Lanes a{};
  if (n >= kAlignStoresFrom) {
    if (const std::size_t head = to_line(dst); head != 0) {
      a = a + keep_few(copy(dst, src), head);
      dst += head;
      src += head;
      n -= head;
    }
    Lanes b{};
    for (; n >= 256; n -= 256, src += 256, dst += 256) {
      // Loads first: a store might change what a later load finds, for all that
      // the compiler knows, so it would not move them.
      const Words w = load(src);
      const Words x = load(src + 64);
      const Words y = load(src + 128);
      const Words z = load(src + 192);
      store(dst, w);
      store(dst + 64, x);
      store(dst + 128, y);
      store(dst + 192, z);
      a = a + w + x;
      b = b + y + z;
    }
    a = a + b;
  }
  for (; n > 64; n -= 64, src += 64, dst += 64) a = a + copy(dst, src);
  return total(a + copy_few(dst, src, n));
}

}  // namespace detail
}  // namespace naru::wire
