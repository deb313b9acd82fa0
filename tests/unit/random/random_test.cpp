// ChaCha20 against RFC 8439 appendix A.1, and what is made of its words.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <naru/random/random.hpp>

namespace naru {
namespace {

std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The block of `counter` (64 bytes) of the key's stream.
std::vector<std::uint8_t> block(const Random::Key& key, int counter) {
  Random random = Random::secure(key);
  std::vector<std::uint8_t> bytes(64);
  for (int i = 0; i <= counter; ++i) random.fill(bytes);
  return bytes;
}

TEST(Random, IsChaCha20) {
  Random::Key key{};
  EXPECT_EQ(block(key, 0),
            from_hex("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                     "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"))
      << "test vector 1";
  EXPECT_EQ(block(key, 1),
            from_hex("9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                     "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"))
      << "test vector 2";
  key[31] = 1;
  EXPECT_EQ(block(key, 1),
            from_hex("3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
                     "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0"))
      << "test vector 3";
  key = {};
  key[1] = 0xff;
  EXPECT_EQ(block(key, 2),
            from_hex("72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
                     "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096"))
      << "test vector 4";
}

TEST(Random, ReplaysASeed) {
  Random a = Random::seeded(42);
  Random b = Random::seeded(42);
  Random c = Random::seeded(43);
  int same = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t n = a.next_u64();
    ASSERT_EQ(n, b.next_u64());
    same += n == c.next_u64();
  }
  EXPECT_EQ(same, 0);
  Random copy = a;
  EXPECT_EQ(copy.next_u32(), a.next_u32()) << "plain data";
}

TEST(Random, FillsWithTheSameStreamInAnyPieces) {
  for (std::size_t size = 0; size <= 200; ++size) {
    Random whole = Random::seeded(1);
    Random words = Random::seeded(1);
    std::vector<std::uint8_t> bytes(size + 1, 0xaa);
    whole.fill({bytes.data(), size});
    EXPECT_EQ(bytes[size], 0xaa) << "wrote past the end of " << size;
    for (std::size_t i = 0; i < size; i += 4) {
      const std::uint32_t word = words.next_u32();
      for (std::size_t j = i; j < std::min(i + 4, size); ++j) {
        ASSERT_EQ(bytes[j], static_cast<std::uint8_t>(word >> (8 * (j - i))));
      }
    }
  }
}

TEST(Random, BelowIsUniform) {
  Random random = Random::seeded(1);
  for (const std::uint32_t bound : {2U, 3U, 7U, 10U, 100U, 1'000U}) {
    std::vector<std::uint32_t> counts(bound);
    const std::uint32_t draws = 1'000 * bound;
    for (std::uint32_t i = 0; i < draws; ++i) {
      const std::uint32_t n = random.below(bound);
      ASSERT_LT(n, bound);
      ++counts[n];
    }
    double chi_square = 0;
    for (const std::uint32_t n : counts) chi_square += (n - 1'000.0) * (n - 1'000.0) / 1'000;
    const double freedom = bound - 1;
    EXPECT_LT(chi_square, freedom + 5 * std::sqrt(2 * freedom)) << bound;
  }
}

// With a bound of 3 * 2^30 the plain remainder would give numbers below 2^30
// twice as often as the others; the plain product every third twice as often.
TEST(Random, BelowHasNoBias) {
  Random random = Random::seeded(1);
  constexpr std::uint32_t kBound = 3U << 30U;
  std::array<int, 3> thirds{};
  std::array<int, 3> remainders{};
  for (int i = 0; i < 300'000; ++i) {
    const std::uint32_t n = random.below(kBound);
    ASSERT_LT(n, kBound);
    ++thirds[n >> 30U];
    ++remainders[n % 3];
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(thirds[i], 100'000, 1'500);
    EXPECT_NEAR(remainders[i], 100'000, 1'500);
  }
}

TEST(Random, BelowOneIsZero) {
  Random random = Random::seeded(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, UnitLiesInTheHalfOpenInterval) {
  Random random = Random::seeded(1);
  double sum = 0;
  double least = 1;
  double most = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double u = random.unit();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    least = std::min(least, u);
    most = std::max(most, u);
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);
  EXPECT_LT(least, 0.001);
  EXPECT_GT(most, 0.999);
}

TEST(Random, DoesNotRepeatItself) {
  Random random = Random::seeded(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(seen.insert(random.next_u64()).second);
}

}  // namespace
}  // namespace naru
