// Packets as text: hex("4500 0073") is four bytes.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <naru/base/bytes.hpp>

namespace naru::test {

using Buffer = std::vector<std::uint8_t>;

// Spaces are free.
inline Buffer hex(std::string_view text) {
  Buffer bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const auto digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) throw std::invalid_argument("no hexadecimal digit");
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high * 16 + static_cast<int>(digit)));
      high = -1;
    }
  }
  return bytes;
}

// The first n bytes in a buffer of exactly that size, so that the address
// sanitizer sees a read past the end.
inline Buffer cut(Bytes bytes, std::size_t n) { return {bytes.begin(), bytes.begin() + n}; }

inline bool lies_within(Bytes inner, Bytes outer) {
  return inner.empty() || (inner.data() >= outer.data() &&
                           inner.data() + inner.size() <= outer.data() + outer.size());
}

}  // namespace naru::test
