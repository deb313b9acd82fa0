// Passages: which pairs of addresses have their way kept.
#include "ip/forwarding/passage.hpp"

#include <cstdint>

#include <gtest/gtest.h>

#include <naru/base/arena.hpp>

namespace naru::ip::test {
namespace {

constexpr std::uint32_t kCapacity = 1'024;
constexpr std::uint32_t kEpoch = 7;

// Of a pair, in no order that a hash could make use of.
Passage pair(std::uint32_t i, std::uint32_t epoch = kEpoch) {
  return {.source = IpAddr::v4(0x0a000000U + i * 2'654'435'761U),
          .destination = IpAddr::v4(0xc0000000U ^ i * 40'503U),
          .epoch = epoch,
          .neighbour = i,
          .in = 1};
}

class PassageTest : public ::testing::Test {
 protected:
  PassageTest() {
    EXPECT_TRUE(passages.init(mapping.arena(), {0x0123456789abcdef, 42}, kCapacity));
  }

  const Passage* find(const Passage& p, std::uint32_t epoch = kEpoch) const {
    return passages.find(p.source, p.destination, p.ports, p.in, epoch);
  }
  const Passage* find(std::uint32_t i, std::uint32_t epoch = kEpoch) const {
    return find(pair(i), epoch);
  }
  std::uint32_t count_known(std::uint32_t from, std::uint32_t to) const {
    std::uint32_t known = 0;
    for (std::uint32_t i = from; i < to; ++i) {
      const Passage* p = find(i);
      if (p != nullptr && p->neighbour == i) ++known;
    }
    return known;
  }

  ArenaMapping mapping = ArenaMapping::map_private(std::size_t{1} << 20U).value();
  Passages passages;
};

TEST_F(PassageTest, KeepsPairsWhosePlaceIsTaken) {
  constexpr std::uint32_t kPairs = kCapacity / 4;
  for (std::uint32_t i = 0; i < kPairs; ++i) passages.put(pair(i));
  EXPECT_GE(count_known(0, kPairs), kPairs - kPairs / 64);
}

TEST_F(PassageTest, KeepsOneForEachInterfaceAndFlow) {
  Passage other_interface = pair(1);
  other_interface.in = 2;
  other_interface.neighbour = 5;
  Passage other_flow = pair(1);
  other_flow.ports = 2;
  other_flow.neighbour = 6;
  passages.put(pair(1));
  passages.put(other_interface);
  passages.put(other_flow);
  EXPECT_EQ(find(1)->neighbour, 1U);
  EXPECT_EQ(find(other_interface)->neighbour, 5U);
  EXPECT_EQ(find(other_flow)->neighbour, 6U);
  other_flow.ports = 3;
  EXPECT_EQ(find(other_flow), nullptr);
}

TEST_F(PassageTest, TakesTheLatestWord) {
  Passage changed = pair(1);
  changed.version = 3;
  passages.put(pair(1));
  passages.put(changed);
  EXPECT_EQ(find(1)->version, 3U);
}

TEST_F(PassageTest, KnowsNothingOfAnotherEpoch) {
  passages.put(pair(1));
  EXPECT_EQ(find(1, kEpoch + 1), nullptr);
  passages.put(pair(1, kEpoch + 1));
  EXPECT_EQ(find(1), nullptr);
  EXPECT_NE(find(1, kEpoch + 1), nullptr);
}

// Whoever was there first has not got their places for ever.
TEST_F(PassageTest, MakesRoomForWhoeverComes) {
  constexpr std::uint32_t kGone = 16 * kCapacity;
  constexpr std::uint32_t kPairs = kCapacity / 8;
  for (std::uint32_t i = 0; i < kGone; ++i) passages.put(pair(i));
  for (int round = 0; round < 16; ++round) {
    for (std::uint32_t i = kGone; i < kGone + kPairs; ++i) {
      if (find(i) == nullptr) passages.put(pair(i));
    }
  }
  EXPECT_GE(count_known(kGone, kGone + kPairs), kPairs - kPairs / 64);
}

}  // namespace
}  // namespace naru::ip::test
