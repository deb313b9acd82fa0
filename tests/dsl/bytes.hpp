// Bytes for tests: buffers, a test stream and a slow, obvious checksum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru::test {

using Buffer = std::vector<std::uint8_t>;

inline Buffer bytes(std::string_view text) { return {text.begin(), text.end()}; }
inline std::string text(Bytes data) { return {data.begin(), data.end()}; }

// "10.0.0.2" and "02:00:00:00:00:02"; the text is known to be right.
inline IpAddr ip4(std::string_view text) { return IpAddr::parse(text).value(); }
inline MacAddr mac(std::string_view text) { return MacAddr::parse(text).value(); }

// Byte n of the test stream. Neighbours and shifted copies differ, so a byte
// that is delivered at the wrong place is noticed.
constexpr std::uint8_t stream_byte(std::uint64_t n) {
  const std::uint64_t mixed = (n + 1) * 0x9e3779b97f4a7c15U;
  return static_cast<std::uint8_t>((mixed >> 56U) ^ (mixed >> 24U));
}

// Bytes [offset, offset + n) of the test stream.
inline Buffer stream(std::uint64_t offset, std::size_t n) {
  Buffer out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = stream_byte(offset + i);
  return out;
}

inline void append(Buffer& to, Bytes data) { to.insert(to.end(), data.begin(), data.end()); }
inline void append16(Buffer& to, std::uint16_t v) {
  to.push_back(static_cast<std::uint8_t>(v >> 8U));
  to.push_back(static_cast<std::uint8_t>(v));
}
inline void append32(Buffer& to, std::uint32_t v) {
  append16(to, static_cast<std::uint16_t>(v >> 16U));
  append16(to, static_cast<std::uint16_t>(v));
}

// RFC 1071 word by word, so that the tests do not trust wire/checksum.hpp.
inline std::uint16_t slow_checksum(Bytes data, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{data[i]} << 8U : data[i];
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(~sum);
}

// The sum over the IPv4 pseudo header, to start slow_checksum() with.
inline std::uint32_t slow_pseudo_sum(IpAddr src, IpAddr dst, std::uint8_t protocol,
                                     std::size_t length) {
  const std::uint32_t a = src.to_v4();
  const std::uint32_t b = dst.to_v4();
  return (a >> 16U) + (a & 0xffffU) + (b >> 16U) + (b & 0xffffU) + protocol +
         static_cast<std::uint32_t>(length);
}

}  // namespace naru::test
