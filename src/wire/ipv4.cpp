#include "wire/ipv4.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace naru::wire {

std::size_t Ipv4::emit_with_options(std::uint8_t* p, Bytes options) const {
  NARU_CHECK(options.size() <= kMaxOptions);
  const std::size_t padded = (options.size() + 3) / 4 * 4;
  std::uint8_t* to = p + kHeaderSize;
  std::fill(std::copy(options.begin(), options.end(), to), to + padded, std::uint8_t{0});
  emit(p, kHeaderSize + padded, sum_bytes(to, padded));
  return kHeaderSize + padded;
}

std::optional<Ipv4View> Ipv4View::parse_quote(Bytes quote) {
  if (quote.size() < Ipv4::kHeaderSize) return std::nullopt;
  const std::uint8_t* p = quote.data();
  const std::uint8_t version_ihl = p[0];
  const std::size_t total = std::min<std::size_t>(load_be16(p + 2), quote.size());
  const std::size_t header = (version_ihl & 0x0fU) * 4U;
  if (version_ihl >> 4U != 4 || header < Ipv4::kHeaderSize || header > total) return std::nullopt;
  return Ipv4View(p, static_cast<std::uint16_t>(total), static_cast<std::uint8_t>(header));
}

bool Ipv4View::long_header_checksum_ok() const { return verifies(sum_bytes(data_, header_size_)); }

}  // namespace naru::wire
