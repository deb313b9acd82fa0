// The checksum in 32-byte registers, for processors without AVX-512.
#include <array>
#include <immintrin.h>

#include "wire/checksum.hpp"

namespace naru::wire {
namespace {

// From this many bytes on, stores that never cross a cache line pay for a first
// one that does.
constexpr std::size_t kAlignFrom = 256;

using Words = std::uint64_t __attribute__((vector_size(32)));

// Four sums side by side. What is added to `all` wraps around; `high` has the
// upper halves of the same words and cannot, so it tells how often `all` did.
struct Lanes {
  Words all;
  Words high;
};

NARU_AVX2 inline Lanes operator+(const Lanes& a, const Lanes& b) {
  return {a.all + b.all, a.high + b.high};
}

NARU_AVX2 inline Lanes operator+(const Lanes& lanes, Words data) {
  // Or g++ makes it two operands in memory, and the processor loads it twice.
  asm("" : "+x"(data));
  return {lanes.all + data, lanes.high + (data >> 32U)};
}

// The lower halves are the difference: they add up to less than 2^64.
NARU_AVX2 inline std::uint64_t total(const Lanes& lanes) {
  const Words four = lanes.all - (lanes.high << 32U) + lanes.high;
  const auto two =
      __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
  return two[0] + two[1];
}

NARU_AVX2 inline Words load(const std::uint8_t* p) {
  return reinterpret_cast<Words>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

NARU_AVX2 inline void store(std::uint8_t* p, Words data) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(data));
}

NARU_AVX2 inline Words copy(std::uint8_t* dst, const std::uint8_t* src) {
  const Words data = load(src);
  store(dst, data);
  return data;
}

// Where a load starts in it decides which of the 32 bytes a mask keeps.
constexpr std::array<std::uint8_t, 96> kMasks = [] {
  std::array<std::uint8_t, 96> masks{};
  for (std::size_t i = 32; i < 64; ++i) masks[i] = 0xff;
  return masks;
}();

NARU_AVX2 inline Words keep_first(Words data, std::size_t n) {
  return data & load(&kMasks[64 - n]);
}

NARU_AVX2 inline Words keep_last(Words data, std::size_t n) { return data & load(&kMasks[n]); }

// The sum with the `left` < 32 bytes before `end` that fill no register: one load
// that reaches back into what has been summed, which is masked out. It starts at
// an even offset, so a last odd byte is added by itself.
NARU_AVX2 inline std::uint64_t total_with(const Lanes& lanes, const std::uint8_t* end,
                                          std::size_t left) {
  const std::size_t odd = left & 1U;
  const std::uint64_t odd_byte = odd != 0 ? end[-1] : 0;
  return total(lanes + keep_last(load(end - odd - 32), left - odd)) + odd_byte;
}

}  // namespace

namespace detail {

NARU_AVX2 std::uint64_t sum_avx2(const std::uint8_t* p, std::size_t n, std::uint64_t acc) {
  if (n < kAvx2From) return sum_portable(p, n, acc);
  Lanes a{};
  Lanes b{};
  for (; n >= 128; n -= 128, p += 128) {
    a = a + load(p) + load(p + 32);
    b = b + load(p + 64) + load(p + 96);
  }
  a = a + b;
  for (; n >= 32; n -= 32, p += 32) a = a + load(p);
  return add(acc, total_with(a, p + n, n));
}

NARU_AVX2 std::uint64_t copy_and_sum_avx2(std::uint8_t* dst, const std::uint8_t* src,
                                          std::size_t n) {
  if (n < kAvx2From) return copy_and_sum_portable(dst, src, n);
  Lanes a{};
  copy(dst + n - 32, src + n - 32);
  if (n >= kAlignFrom) {
    // An even number: words stay words.
    const std::size_t head = -reinterpret_cast<std::uintptr_t>(dst) & 30U;
    a = a + keep_first(copy(dst, src), head);
    dst += head;
    src += head;
    n -= head;
    Lanes b{};
    for (; n >= 128; n -= 128, src += 128, dst += 128) {
      // Loads first: a store might change what a later load finds, for all that
      // the compiler knows, so it would not move them.
      const Words w = load(src);
      const Words x = load(src + 32);
      const Words y = load(src + 64);
      const Words z = load(src + 96);
      store(dst, w);
      store(dst + 32, x);
      store(dst + 64, y);
      store(dst + 96, z);
      a = a + w + x;
      b = b + y + z;
    }
    a = a + b;
  }
  for (; n >= 32; n -= 32, src += 32, dst += 32) a = a + copy(dst, src);
  return total_with(a, src + n, n);
}

}  // namespace detail
}  // namespace naru::wire
