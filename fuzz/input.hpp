// Input: what libFuzzer gives, as a list of choices. It never ends: what lies
// behind it is zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <naru/base/bytes.hpp>

namespace naru::fuzz {

class Input {
 public:
  explicit Input(Bytes bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  std::uint8_t u8() {
    const Bytes b = take(1);
    return b.empty() ? std::uint8_t{0} : b[0];
  }
  std::uint16_t u16() {
    const std::uint8_t high = u8();
    return static_cast<std::uint16_t>(high << 8U | u8());
  }
  std::uint32_t u32() {
    const std::uint16_t high = u16();
    return std::uint32_t{high} << 16U | u16();
  }
  // Up to n bytes.
  Bytes take(std::size_t n) {
    const Bytes taken = rest_.first(std::min(n, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  template <class T, std::size_t N>
  const T& one_of(const T (&values)[N]) {
    return values[u8() % N];
  }
  // 0 to 16256: small ones are as easily had as large ones.
  std::uint32_t size() {
    const std::uint32_t v = u8();
    return v * v / 4;
  }

 private:
  Bytes rest_;
};

}  // namespace naru::fuzz
