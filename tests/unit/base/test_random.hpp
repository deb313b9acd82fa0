// Numbers for the tests of rooms that naru's own generator stands upon.
#pragma once

#include <cstdint>
#include <random>

namespace naru {

class TestRandom {
 public:
  explicit TestRandom(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t next_u64() { return engine_(); }
  // In [0, bound); the bias of a remainder of 64 bits does not matter here.
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(engine_() % bound); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace naru
