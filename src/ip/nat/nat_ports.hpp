// NatPorts: the outside ports of one protocol that are taken.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include <naru/random/random.hpp>

namespace naru::ip {

class NatPorts {
 public:
  bool is_taken(std::uint16_t port) const { return (words_[port / 64] >> (port % 64) & 1U) != 0; }
  void take(std::uint16_t port) { words_[port / 64] |= std::uint64_t{1} << (port % 64); }
  void give_back(std::uint16_t port) { words_[port / 64] &= ~(std::uint64_t{1} << (port % 64)); }
  void clear() { words_ = {}; }

  // A free port by chance (RFC 6056), of the same range as the one inside, below 1024 or
  // not, and of its parity where there is one (RFC 4787 REQ-3, REQ-4); none: all are taken.
  std::optional<std::uint16_t> pick(std::uint16_t inside, Random& random) const {
    const Range range = inside < kSystemPorts ? Range{0, kSystemPorts / 64}
                                              : Range{kSystemPorts / 64, words_.size()};
    const std::uint64_t same_parity = inside % 2 == 0 ? kEven : ~kEven;
    if (const auto found = pick_of(range, same_parity, random)) return found;
    return pick_of(range, ~same_parity, random);
  }

 private:
  static constexpr std::uint16_t kSystemPorts = 1'024;  // RFC 6335 6
  static constexpr std::uint64_t kEven = 0x5555'5555'5555'5555ULL;

  struct Range {  // of words
    std::size_t first;
    std::size_t end;
  };

  // Any port that is free; when that took too many attempts, the first word with a free one.
  std::optional<std::uint16_t> pick_of(Range range, std::uint64_t parity, Random& random) const {
    constexpr int kAttempts = 64;
    const auto size = static_cast<std::uint32_t>(range.end - range.first);
    for (int i = 0; i < kAttempts; ++i) {
      const auto port = static_cast<std::uint16_t>(range.first * 64 + random.below(size * 64));
      if ((parity >> (port % 64) & 1U) != 0 && !is_taken(port)) return port;
    }
    const std::uint32_t start = random.below(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::size_t at = range.first + (start + i) % size;
      const std::uint64_t free = ~words_[at] & parity;
      if (free != 0) return static_cast<std::uint16_t>(at * 64 + lowest(free));
    }
    return std::nullopt;
  }
  static unsigned lowest(std::uint64_t word) {
    return static_cast<unsigned>(std::countr_zero(word));
  }

  std::array<std::uint64_t, 1'024> words_{};
};

}  // namespace naru::ip
