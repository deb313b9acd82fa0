// The portable checksum: 64 bits at a time, the carries added back in.
#include "wire/checksum.hpp"

namespace naru::wire {
namespace {

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

std::uint64_t copy_word(std::uint8_t* dst, const std::uint8_t* src) {
  const std::uint64_t word = load_word64(src);
  store_word64(dst, word);
  return word;
}

}  // namespace

namespace detail {

std::uint64_t sum_portable(const std::uint8_t* p, std::size_t n, std::uint64_t acc) {
  if (n < 8) return add(acc, load_few(p, n));
  const std::uint8_t* end = p + n;
  std::size_t left = n;
  for (; left >= 32; left -= 32, p += 32) {
    // By pairs: one sum would wait for each carry in turn.
    const std::uint64_t first = add(load_word64(p), load_word64(p + 8));
    acc = add(acc, add(first, add(load_word64(p + 16), load_word64(p + 24))));
  }
  for (; left >= 8; left -= 8, p += 8) acc = add(acc, load_word64(p));
  return add(acc, load_last(end, n));
}

std::uint64_t copy_and_sum_portable(std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
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
  std::size_t left = n;
  for (; left >= 32; left -= 32, src += 32, dst += 32) {
    const std::uint64_t a = copy_word(dst, src);
    const std::uint64_t b = copy_word(dst + 8, src + 8);
    const std::uint64_t c = copy_word(dst + 16, src + 16);
    const std::uint64_t d = copy_word(dst + 24, src + 24);
    acc = add(acc, add(add(a, b), add(c, d)));
  }
  for (; left >= 8; left -= 8, src += 8, dst += 8) acc = add(acc, copy_word(dst, src));
  return acc;
}

}  // namespace detail
}  // namespace naru::wire
