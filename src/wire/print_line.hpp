// What the printers of packets share: the line as it grows, and words for checksums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/checksum.hpp"

namespace naru::wire {

// What the layer above IP is printed with.
struct Upper {
  IpAddr src;
  IpAddr dst;
  Bytes payload;
};

class Line {
 public:
  Line& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  Line& operator<<(std::size_t number) {
    text_ += std::to_string(number);
    return *this;
  }
  template <class T>
  requires requires(const T& value) { value.to_string(); }
  Line& operator<<(const T& value) {
    text_ += value.to_string();
    return *this;
  }
  Line& hex(Bytes bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const std::uint8_t byte : bytes) {
      text_ += kDigits[byte >> 4U];
      text_ += kDigits[byte & 0xfU];
    }
    return *this;
  }
  Line& hex(std::uint16_t value) {
    std::uint8_t bytes[2];
    store_be16(bytes, value);
    *this << "0x";
    return hex(Bytes(bytes));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// "cksum ok" or what is wrong with it. `field` is the checksum as it came,
// `sum` that of everything it covers, itself included.
inline void print_checksum(std::uint16_t field, std::uint64_t sum, Line& line) {
  if (verifies(sum)) {
    line << "cksum ok";
    return;
  }
  const std::uint16_t raw = __builtin_bswap16(field);
  const std::uint16_t right = finish(add(sum, static_cast<std::uint16_t>(~raw)));
  line << "cksum bad (";
  line.hex(field) << ", right is ";
  line.hex(__builtin_bswap16(right)) << ")";
}

// An ICMPv6 message, with who sends it to whom.
void print_icmp6(const Upper& ip, Line& line);

}  // namespace naru::wire
