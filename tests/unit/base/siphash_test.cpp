// SipHash-1-3 against the algorithm of the paper, byte by byte; that one against
// the paper's and the reference code's vectors for SipHash-2-4.
#include "base/siphash.hpp"

#include <bit>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "unit/base/test_random.hpp"

namespace naru {
namespace {

std::uint64_t reference(int c_rounds, int d_rounds, const std::vector<std::uint8_t>& key,
                        const std::vector<std::uint8_t>& message) {
  const auto word = [](const std::vector<std::uint8_t>& bytes, std::size_t at) {
    std::uint64_t w = 0;
    for (int i = 7; i >= 0; --i) w = w << 8U | bytes[at + static_cast<std::size_t>(i)];
    return w;
  };
  const std::uint64_t k0 = word(key, 0);
  const std::uint64_t k1 = word(key, 8);
  // "somepseudorandomlygeneratedbytes"
  std::uint64_t v0 = k0 ^ 0x736f6d6570736575;
  std::uint64_t v1 = k1 ^ 0x646f72616e646f6d;
  std::uint64_t v2 = k0 ^ 0x6c7967656e657261;
  std::uint64_t v3 = k1 ^ 0x7465646279746573;
  const auto rounds = [&](int n) {
    while (n-- > 0) {
      v0 += v1, v2 += v3;
      v1 = std::rotl(v1, 13), v3 = std::rotl(v3, 16);
      v1 ^= v0, v3 ^= v2;
      v0 = std::rotl(v0, 32);
      v2 += v1, v0 += v3;
      v1 = std::rotl(v1, 17), v3 = std::rotl(v3, 21);
      v1 ^= v2, v3 ^= v0;
      v2 = std::rotl(v2, 32);
    }
  };
  // The message ends with zeros and its length, up to a whole word.
  std::vector<std::uint8_t> padded = message;
  while (padded.size() % 8 != 7) padded.push_back(0);
  padded.push_back(static_cast<std::uint8_t>(message.size()));
  for (std::size_t at = 0; at < padded.size(); at += 8) {
    v3 ^= word(padded, at);
    rounds(c_rounds);
    v0 ^= word(padded, at);
  }
  v2 ^= 0xff;
  rounds(d_rounds);
  return v0 ^ v1 ^ v2 ^ v3;
}

std::vector<std::uint8_t> counting(std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

TEST(SipHash, TheReferenceIsSipHash) {
  EXPECT_EQ(reference(2, 4, counting(16), counting(15)), 0xa129ca6149be45e5) << "appendix A";
  EXPECT_EQ(reference(2, 4, counting(16), {}), 0x726fdb47dd0e0e31);
  EXPECT_EQ(reference(2, 4, counting(16), counting(8)), 0x93f5f5799a932462);
}

TEST(SipHash, OfWordsIsSipHash13OfTheirBytes) {
  TestRandom random(1);
  const auto as_bytes = [](const std::vector<std::uint64_t>& words) {
    std::vector<std::uint8_t> bytes(words.size() * 8);
    if (!words.empty()) std::memcpy(bytes.data(), words.data(), bytes.size());
    return bytes;
  };
  for (int i = 0; i < 1'000; ++i) {
    std::vector<std::uint64_t> w(8);
    for (std::uint64_t& word : w) word = random.next_u64();
    const SipKey key{random.next_u64(), random.next_u64()};
    const auto key_bytes = as_bytes({key.k0, key.k1});
    const auto expect = [&](std::size_t n) {
      return reference(1, 3, key_bytes, as_bytes({w.begin(), w.begin() + static_cast<int>(n)}));
    };
    ASSERT_EQ(siphash(key, {}), expect(0));
    ASSERT_EQ(siphash(key, {w[0]}), expect(1));
    ASSERT_EQ(siphash(key, {w[0], w[1]}), expect(2));
    ASSERT_EQ(siphash(key, {w[0], w[1], w[2]}), expect(3));
    ASSERT_EQ(siphash(key, {w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]}), expect(8));
  }
}

TEST(SipHash, TheNumberOfWordsCounts) {
  const SipKey key{1, 2};
  EXPECT_NE(siphash(key, {0}), siphash(key, {0, 0}));
  EXPECT_NE(siphash(key, {}), siphash(key, {0}));
}

// Each bit of input and key turns half of the output's bits.
TEST(SipHash, EveryBitOfInputTurnsHalfOfTheOutput) {
  TestRandom random(2);
  for (unsigned bit = 0; bit < 128; ++bit) {
    int turned = 0;
    for (int i = 0; i < 500; ++i) {
      const SipKey key{random.next_u64(), random.next_u64()};
      const std::uint64_t word = random.next_u64();
      const std::uint64_t flip = std::uint64_t{1} << (bit % 64);
      const std::uint64_t other =
          bit < 64 ? siphash(key, {word ^ flip}) : siphash({key.k0 ^ flip, key.k1}, {word});
      turned += std::popcount(siphash(key, {word}) ^ other);
    }
    EXPECT_NEAR(turned / 500.0, 32, 1) << bit;
  }
}

}  // namespace
}  // namespace naru
