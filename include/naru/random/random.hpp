// Random numbers: one generator, two kinds of seed.
#pragma once

#include <array>
#include <cstdint>

#include <naru/base/bytes.hpp>

namespace naru {

// ChaCha20 (RFC 8439) in counter mode under a 256-bit key. With a key from the
// operating system it is a secure source for sequence numbers, ports and ids;
// with a key from a small seed the same code replays a simulation byte for byte.
// Plain data, so it can live in an arena.
class Random {
 public:
  using Key = std::array<std::uint8_t, 32>;

  // For real hosts: `key` comes from the kernel (naru/socket/entropy.hpp).
  static Random secure(const Key& key) { return Random(key); }
  // For tests and simulation: the same seed gives the same numbers.
  static Random seeded(std::uint64_t seed);

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  // Uniform in [0, bound), without modulo bias; bound > 0.
  std::uint32_t below(std::uint32_t bound);
  // Uniform in [0, 1).
  double unit();
  void fill(MutableBytes out);

 private:
  explicit Random(const Key& key);
  void refill();

  std::array<std::uint32_t, 8> key_{};
  std::uint64_t counter_ = 0;
  std::array<std::uint32_t, 16> block_{};
  std::uint32_t position_ = 16;  // words of block_ already given out
};

}  // namespace naru
