// The Internet checksum (RFC 1071).
//
// An accumulator is a 64-bit ones' complement sum of 16-bit words *as they lie
// in memory*: nothing is byte-swapped while summing, and nothing is when the
// result is stored, because the sum commutes with the swap (RFC 1071 2(B)). So
// fold(), finish() and update16() speak in values to be copied to and from the
// packet with memcpy (load_checksum, store_checksum), never with store_be16.
//
// An accumulator is 0 only when every byte summed was 0; otherwise it folds to
// 1..0xffff. Two accumulators are joined with add() or combine(), not with +.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "base/cpu.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

// Ones' complement addition: the carry out comes back in at the end.
constexpr std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t sum = a + b;
  return sum + (sum < b ? 1 : 0);
}

// Adds the sum of a piece to the sum of what stood before it. A piece that
// starts at an odd offset has its bytes in the other halves of the words; a
// rotation by one byte puts them right, since 2^16 - 1 divides 2^64 - 1.
constexpr std::uint64_t combine(std::uint64_t acc, std::uint64_t piece, bool offset_is_odd) {
  return add(acc, offset_is_odd ? std::rotl(piece, 8) : piece);
}

// The 16-bit ones' complement sum, not inverted.
constexpr std::uint16_t fold(std::uint64_t acc) {
  const auto half = static_cast<std::uint32_t>((acc + std::rotl(acc, 32)) >> 32U);
  return static_cast<std::uint16_t>((half + std::rotl(half, 16)) >> 16U);
}

// The checksum: the inverted sum, ready for store_checksum().
constexpr std::uint16_t finish(std::uint64_t acc) { return static_cast<std::uint16_t>(~fold(acc)); }

// Data that includes a right checksum sums up to all ones.
constexpr bool verifies(std::uint64_t acc) { return fold(acc) == 0xffffU; }

inline std::uint16_t load_checksum(const std::uint8_t* field) {
  std::uint16_t v;
  std::memcpy(&v, field, sizeof v);
  return v;
}
inline void store_checksum(std::uint8_t* field, std::uint16_t checksum) {
  std::memcpy(field, &checksum, sizeof checksum);
}

// The checksum after one word of the data changed from `old_word` to
// `new_word`, all three as they lie in memory (RFC 1624 eq. 3).
constexpr std::uint16_t update16(std::uint16_t checksum, std::uint16_t old_word,
                                 std::uint16_t new_word) {
  const std::uint32_t sum = std::uint32_t{static_cast<std::uint16_t>(~checksum)} +
                            std::uint32_t{static_cast<std::uint16_t>(~old_word)} + new_word;
  return finish(sum);
}

namespace detail {

// From this many bytes on, 32-byte registers pay: below, adding up their lanes at the
// end costs more than they save.
inline constexpr std::size_t kAvx2From = 128;

// The three ways to do the work: one is chosen by what the processor can do. The
// portable one is also the reference for the tests.
std::uint64_t sum_portable(const std::uint8_t* p, std::size_t n, std::uint64_t acc);
std::uint64_t sum_avx2(const std::uint8_t* p, std::size_t n, std::uint64_t acc);
std::uint64_t sum_avx512(const std::uint8_t* p, std::size_t n, std::uint64_t acc);
std::uint64_t copy_and_sum_portable(std::uint8_t* dst, const std::uint8_t* src, std::size_t n);
std::uint64_t copy_and_sum_avx2(std::uint8_t* dst, const std::uint8_t* src, std::size_t n);
std::uint64_t copy_and_sum_avx512(std::uint8_t* dst, const std::uint8_t* src, std::size_t n);

}  // namespace detail

// Adds n bytes to `acc`; the piece starts at an even offset (see combine()).
inline std::uint64_t sum_bytes(const std::uint8_t* p, std::size_t n, std::uint64_t acc = 0) {
  if (kHasAvx512) return detail::sum_avx512(p, n, acc);
  if (n >= detail::kAvx2From && kHasAvx2) return detail::sum_avx2(p, n, acc);
  return detail::sum_portable(p, n, acc);
}
inline std::uint64_t sum_bytes(Bytes bytes, std::uint64_t acc = 0) {
  return sum_bytes(bytes.data(), bytes.size(), acc);
}

// Copies n bytes (the ranges do not overlap) and gives their sum: the checksum
// rides on the copy.
inline std::uint64_t copy_and_sum(std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
  if (kHasAvx512) return detail::copy_and_sum_avx512(dst, src, n);
  if (n >= detail::kAvx2From && kHasAvx2) return detail::copy_and_sum_avx2(dst, src, n);
  return detail::copy_and_sum_portable(dst, src, n);
}

// The sum of a header whose size is known when compiling: no loop, no branch.
template <std::size_t size>
requires(size % 4 == 0) inline std::uint64_t
    sum_fixed(const std::uint8_t* p, std::uint64_t acc = 0) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i + 8 <= size; i += 8) acc = add(acc, load_word64(p + i));
  if constexpr (size % 8 != 0) acc = add(acc, load_word32(p + size - 4));
  return acc;
}

// The sum of the pseudo header of IPv4 (RFC 9293 3.1, RFC 768) or IPv6 (RFC
// 8200 8.1). One formula does for both families: the ::ffff of a v4-mapped
// address adds 0xffff, which is zero in ones' complement, and length and
// protocol add the same whatever the width of their fields.
inline std::uint64_t pseudo_header_sum(const IpAddr& src, const IpAddr& dst, Protocol protocol,
                                       std::uint32_t length) {
  std::uint64_t acc = __builtin_bswap32(length);
  acc += std::uint64_t{static_cast<std::uint8_t>(protocol)} << 8U;
  acc = sum_fixed<16>(src.bytes().data(), acc);
  return sum_fixed<16>(dst.bytes().data(), acc);
}

}  // namespace naru::wire
