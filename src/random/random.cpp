#include <bit>
#include <cstring>

#include <naru/random/random.hpp>

namespace naru {
namespace {

void quarter_round(std::array<std::uint32_t, 16>& x, int a, int b, int c, int d) {
  x[a] += x[b];
  x[d] = std::rotl(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = std::rotl(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = std::rotl(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = std::rotl(x[b] ^ x[c], 7);
}

}  // namespace

Random::Random(const Key& key) { std::memcpy(key_.data(), key.data(), key.size()); }

Random Random::seeded(std::uint64_t seed) {
  Key key{};
  std::memcpy(key.data(), &seed, sizeof seed);
  return Random(key);
}

// The block function of RFC 8439 2.3, with the 64-bit counter of the original
// ChaCha and a zero nonce.
void Random::refill() {
  std::array<std::uint32_t, 16> input{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  std::memcpy(&input[4], key_.data(), sizeof key_);
  input[12] = static_cast<std::uint32_t>(counter_);
  input[13] = static_cast<std::uint32_t>(counter_ >> 32U);
  ++counter_;
  block_ = input;
  for (int i = 0; i < 10; ++i) {
    quarter_round(block_, 0, 4, 8, 12);
    quarter_round(block_, 1, 5, 9, 13);
    quarter_round(block_, 2, 6, 10, 14);
    quarter_round(block_, 3, 7, 11, 15);
    quarter_round(block_, 0, 5, 10, 15);
    quarter_round(block_, 1, 6, 11, 12);
    quarter_round(block_, 2, 7, 8, 13);
    quarter_round(block_, 3, 4, 9, 14);
  }
  for (unsigned i = 0; i < 16; ++i) block_[i] += input[i];
  position_ = 0;
}

std::uint32_t Random::next_u32() {
  if (position_ == block_.size()) refill();
  return block_[position_++];
}

std::uint64_t Random::next_u64() {
  const std::uint64_t high = next_u32();
  return high << 32U | next_u32();
}

// Lemire's method: multiply, and draw again only in the biased sliver.
std::uint32_t Random::below(std::uint32_t bound) {
  std::uint64_t product = std::uint64_t{next_u32()} * bound;
  if (static_cast<std::uint32_t>(product) < bound) {
    const std::uint32_t threshold = -bound % bound;
    while (static_cast<std::uint32_t>(product) < threshold) {
      product = std::uint64_t{next_u32()} * bound;
    }
  }
  return static_cast<std::uint32_t>(product >> 32U);
}

double Random::unit() { return static_cast<double>(next_u64() >> 11U) * 0x1.0p-53; }

void Random::fill(MutableBytes out) {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const std::uint32_t word = next_u32();
    std::memcpy(out.data() + i, &word, out.size() - i < 4 ? out.size() - i : 4);
  }
}

}  // namespace naru
