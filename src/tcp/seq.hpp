// Sequence numbers: modular arithmetic (RFC 9293 3.4). Plain integers compared
// only through these functions, and only when less than 2^31 apart.
#pragma once

#include <cstdint>

namespace naru::tcp {

constexpr std::int32_t seq_diff(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}
constexpr bool seq_lt(std::uint32_t a, std::uint32_t b) { return seq_diff(a, b) < 0; }
constexpr bool seq_le(std::uint32_t a, std::uint32_t b) { return seq_diff(a, b) <= 0; }
constexpr bool seq_gt(std::uint32_t a, std::uint32_t b) { return seq_diff(a, b) > 0; }
constexpr bool seq_ge(std::uint32_t a, std::uint32_t b) { return seq_diff(a, b) >= 0; }
constexpr std::uint32_t seq_max(std::uint32_t a, std::uint32_t b) { return seq_gt(a, b) ? a : b; }
constexpr std::uint32_t seq_min(std::uint32_t a, std::uint32_t b) { return seq_lt(a, b) ? a : b; }
// first <= x < first + length, for any length up to 2^32 - 1.
constexpr bool seq_within(std::uint32_t x, std::uint32_t first, std::uint32_t length) {
  return x - first < length;
}

}  // namespace naru::tcp
