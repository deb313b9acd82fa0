// What is sent in the fuzz targets: a byte's value says its place in the stream, so
// that one that comes to the wrong place is noticed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <naru/base/bytes.hpp>

namespace naru::fuzz {

// Repeats after a prime number of bytes.
inline constexpr std::uint32_t kContentPeriod = 65'521;

inline std::uint8_t content(std::uint64_t place) {
  static const std::array<std::uint8_t, kContentPeriod> table = [] {
    std::array<std::uint8_t, kContentPeriod> t;
    std::uint64_t x = 1;
    for (auto& byte : t) {
      x = x * 6364136223846793005U + 1442695040888963407U;
      byte = static_cast<std::uint8_t>(x >> 56U);
    }
    return t;
  }();
  return table[place % kContentPeriod];
}

inline std::vector<std::uint8_t> content(std::uint64_t place, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = content(place++);
  return bytes;
}

inline bool is_content(Bytes bytes, std::uint64_t place) {
  for (const std::uint8_t byte : bytes) {
    if (byte != content(place++)) return false;
  }
  return true;
}

// The same for a stream whose places are TCP sequence numbers.
inline std::vector<std::uint8_t> content_at_seq(std::uint32_t seq, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = content(seq++);
  return bytes;
}

inline bool is_content_at_seq(Bytes bytes, std::uint32_t seq) {
  for (const std::uint8_t byte : bytes) {
    if (byte != content(seq++)) return false;
  }
  return true;
}

}  // namespace naru::fuzz
