#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <naru/buf/packet.hpp>
#include <naru/buf/tx_frame.hpp>
#include <naru/random/random.hpp>

#include "unit/base/test_arena.hpp"

namespace naru {
namespace {

struct PacketPoolTest : ::testing::Test {
  TestArena arena{std::size_t{4} << 20U};
  PacketPool pool;

  void SetUp() override { ASSERT_TRUE(pool.init(*arena, 100, 8)); }

  // A packet of `size` bytes that count up from `first`.
  Packet* filled(std::uint32_t size, std::uint8_t first = 0) {
    Packet* p = pool.take(size);
    if (p == nullptr) return nullptr;
    p->length = size;
    for (std::uint32_t i = 0; i < size; ++i) p->data[i] = static_cast<std::uint8_t>(first + i);
    return p;
  }
};

TEST_F(PacketPoolTest, GivesRoomForWhatIsAskedAndHeadroom) {
  for (const std::uint32_t size :
       {0U, 1U, 60U, 1'514U, PacketPool::kSmallFrame, PacketPool::kSmallFrame + 1, 4'096U, 8'192U,
        16'384U, 20'000U, 65'535U, PacketPool::kLargeFrame}) {
    Packet* p = pool.take(size);
    ASSERT_NE(p, nullptr) << size;
    EXPECT_EQ(p->length, 0U);
    EXPECT_GE(p->headroom(), PacketPool::kHeadroom);
    EXPECT_GE(p->tailroom(), size);
    EXPECT_EQ(p->size_class != 0, size > PacketPool::kSmallFrame);
    EXPECT_FALSE(PacketPool::is_too_large(*p, size));
    EXPECT_TRUE(arena->contains(p->data));
    EXPECT_TRUE(arena->contains(p->data + size));
    // All of the buffer is the packet's.
    std::memset(p->buffer(), 0x5a, p->capacity);
    pool.give_back(p);
  }
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_EQ(pool.take(PacketPool::kLargeFrame + 1), nullptr);
  EXPECT_EQ(pool.take(0xffffffffU), nullptr);
}

TEST_F(PacketPoolTest, IsBoundedByClass) {
  std::vector<Packet*> small;
  std::vector<Packet*> large;
  while (Packet* p = pool.take(100)) small.push_back(p);
  EXPECT_EQ(small.size(), 100U);
  EXPECT_EQ(pool.large_in_use(), 0U) << "a small request took a large buffer";
  while (Packet* p = pool.take(30'000)) large.push_back(p);
  EXPECT_EQ(large.size(), 8U);
  EXPECT_EQ(pool.in_use(), 108U);
  pool.give_back(large[3]);
  EXPECT_EQ(pool.take(100), nullptr) << "large buffers are not for small packets";
  EXPECT_EQ(pool.take(30'000), large[3]);
}

TEST_F(PacketPoolTest, GivesTheNextLargerWhereASizeIsUsedUp) {
  for (std::uint32_t i = 0; i < 3 * 8; ++i) {
    const Packet* p = pool.take(4'096);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(p->size_class, 1 + i / 8);
    EXPECT_EQ(PacketPool::is_too_large(*p, 4'096), i >= 8);
  }
  EXPECT_EQ(pool.take(4'096), nullptr);
  EXPECT_NE(pool.take(100), nullptr);
}

TEST_F(PacketPoolTest, OversizeRequestsDoNotTakeAFreeBuffer) {
  Packet* p = pool.take(10'000);
  pool.give_back(p);
  EXPECT_EQ(pool.take(PacketPool::kLargeFrame + 1), nullptr);
  EXPECT_EQ(pool.take(10'000), p);
}

TEST_F(PacketPoolTest, GivesAUsedBufferAsNew) {
  Packet* p = pool.take(100);
  p->push(20);
  p->interface = 3;
  p->checksum = ChecksumState::good;
  p->link_broadcast = p->fragmented = true;
  p->gso_size = 1'460;
  p->flags = 0xff;
  p->next = p;
  pool.give_back(p);
  Packet* again = pool.take(100);
  ASSERT_EQ(again, p) << "the last one freed comes first";
  EXPECT_EQ(again->next, nullptr);
  EXPECT_EQ(again->more, nullptr);
  EXPECT_EQ(again->headroom(), PacketPool::kHeadroom);
  EXPECT_EQ(again->length, 0U);
  EXPECT_EQ(again->interface, 0);
  EXPECT_EQ(again->checksum, ChecksumState::unchecked);
  EXPECT_FALSE(again->link_broadcast);
  EXPECT_FALSE(again->fragmented);
  EXPECT_EQ(again->gso_size, 0);
  EXPECT_EQ(again->flags, 0);
}

TEST_F(PacketPoolTest, GivesBackAWholeChain) {
  Packet* chain = filled(100);
  chain->more = filled(20'000);
  chain->more->more = filled(50);
  EXPECT_EQ(pool.in_use(), 3U);
  EXPECT_EQ(chain->chain_length(), 20'150U);
  pool.give_back(chain);
  EXPECT_EQ(pool.in_use(), 0U);
  pool.give_back(nullptr);
}

TEST_F(PacketPoolTest, LinearizesAChain) {
  Packet* chain = filled(1'000, 0);
  chain->more = filled(1'400, static_cast<std::uint8_t>(1'000));
  chain->more->more = filled(0);
  chain->more->more->more = filled(1, static_cast<std::uint8_t>(2'400));
  chain->interface = 7;
  chain->checksum = ChecksumState::good;
  chain->link_broadcast = true;
  Packet* whole = pool.linearize(chain);
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(whole->more, nullptr);
  ASSERT_EQ(whole->length, 2'401U);
  for (std::uint32_t i = 0; i < whole->length; ++i) {
    ASSERT_EQ(whole->data[i], static_cast<std::uint8_t>(i)) << i;
  }
  EXPECT_EQ(whole->interface, 7);
  EXPECT_EQ(whole->checksum, ChecksumState::good);
  EXPECT_TRUE(whole->link_broadcast);
  EXPECT_EQ(pool.in_use(), 1U);
}

TEST_F(PacketPoolTest, LeavesASingleBufferAsItIs) {
  Packet* p = filled(500);
  EXPECT_EQ(pool.linearize(p), p);
}

TEST_F(PacketPoolTest, LinearizingWhatDoesNotFitGivesItBack) {
  Packet* chain = filled(60'000);
  chain->more = filled(60'000);
  EXPECT_EQ(pool.linearize(chain), nullptr) << "longer than the largest buffer";
  EXPECT_EQ(pool.in_use(), 0U);
  chain = filled(1'500);
  chain->more = filled(1'500);
  while (pool.take(3'000) != nullptr) {
  }
  EXPECT_EQ(pool.linearize(chain), nullptr) << "no buffer is free";
  EXPECT_EQ(pool.small_in_use(), 0U);
}

using PacketPoolDeathTest = PacketPoolTest;

TEST_F(PacketPoolDeathTest, StopsWhenAPacketIsGivenBackTwice) {
  Packet* p = pool.take(100);
  Packet* other = pool.take(100);
  pool.give_back(p);
  EXPECT_DEATH(pool.give_back(p), "check failed") << "while others are in use";
  pool.give_back(other);
  EXPECT_DEATH(pool.give_back(other), "check failed");
}

TEST(PacketPool, DoesNotFitIntoASmallArena) {
  TestArena arena(64 * 1024);
  PacketPool pool;
  EXPECT_FALSE(pool.init(*arena, 100, 1));
}

TEST_F(PacketPoolTest, NeverSharesABufferUnderRandomUse) {
  Random random = Random::seeded(1);
  std::vector<Packet*> live;
  for (int step = 0; step < 100'000; ++step) {
    if (random.below(2) == 0) {
      const std::uint32_t size = random.below(8) == 0 ? random.below(60'000) : random.below(1'500);
      const auto mark = static_cast<std::uint8_t>(step);
      Packet* p = pool.take(size);
      if (p == nullptr) continue;
      p->seq = size;
      p->tos = mark;
      std::memset(p->data, mark, size);
      live.push_back(p);
    } else if (!live.empty()) {
      const std::uint32_t i = random.below(static_cast<std::uint32_t>(live.size()));
      Packet* p = live[i];
      for (std::uint32_t at = 0; at < p->seq; at += 97) ASSERT_EQ(p->data[at], p->tos);
      pool.give_back(p);
      live[i] = live.back();
      live.pop_back();
    }
    ASSERT_EQ(pool.in_use(), live.size());
  }
}

TEST_F(PacketPoolTest, PacketsPeelHeaders) {
  Packet* p = filled(100);
  p->pull(14);
  EXPECT_EQ(p->length, 86U);
  EXPECT_EQ(p->data[0], 14);
  EXPECT_EQ(p->headroom(), PacketPool::kHeadroom + 14);
  p->push(14)[0] = 99;
  EXPECT_EQ(p->bytes()[0], 99);
  EXPECT_EQ(p->length, 100U);
  p->trim(60);
  EXPECT_EQ(p->bytes().size(), 60U);
}

TEST_F(PacketPoolTest, QueuesKeepOrder) {
  PacketQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop_front(), nullptr);
  for (int round = 0; round < 3; ++round) {
    std::vector<Packet*> packets;
    for (int i = 0; i < 5; ++i) {
      packets.push_back(pool.take(10));
      queue.push_back(packets.back());
    }
    EXPECT_EQ(queue.size(), 5U);
    EXPECT_EQ(queue.front(), packets[0]);
    for (Packet* p : packets) {
      EXPECT_EQ(queue.pop_front(), p);
      EXPECT_EQ(p->next, nullptr);
      pool.give_back(p);
    }
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.size(), 0U);
  }
}

TEST(TxFrame, CountsItsFramesOnTheWire) {
  TxFrame frame;
  frame.header_length = 54;
  EXPECT_EQ(frame.wire_frames(), 1U);
  EXPECT_EQ(frame.length(), 54U);
  frame.gso_size = 1'460;
  EXPECT_EQ(frame.wire_frames(), 1U);
  for (const std::uint32_t segments : {1U, 2U, 44U}) {
    frame.payload_length = segments * 1'460;
    EXPECT_EQ(frame.wire_frames(), segments);
    frame.payload_length -= 1'459;
    EXPECT_EQ(frame.wire_frames(), segments);
    frame.payload_length += 1'460;
    EXPECT_EQ(frame.wire_frames(), segments + 1);
  }
}

TEST_F(PacketPoolTest, KeepsWhatQueuesStillHoldAfterADeath) {
  PacketQueue queue;
  for (int i = 0; i < 5; ++i) queue.push_back(filled(100));
  queue.push_back(filled(30'000));
  for (int i = 0; i < 20; ++i) pool.take(100);
  PacketPool::Extent extent;
  ASSERT_TRUE(pool.measure(queue.front(), queue.back(), extent));
  EXPECT_EQ(extent.packets, 6U);
  EXPECT_EQ(extent.bytes, 30'500U);
  pool.forget();
  EXPECT_TRUE(pool.keep(queue.front()));
  EXPECT_FALSE(pool.keep(queue.front())) << "held twice";
  pool.rebuild();
  EXPECT_EQ(pool.small_in_use(), 5U);
  EXPECT_EQ(pool.large_in_use(), 1U);
  for (int i = 0; i < 95; ++i) EXPECT_NE(pool.take(1), nullptr);
  EXPECT_EQ(pool.take(1), nullptr);
  while (Packet* packet = queue.pop_front()) pool.give_back(packet);
}

TEST_F(PacketPoolTest, MeasuresNoListThatLeadsAstray) {
  Packet* first = filled(10);
  Packet* second = filled(10);
  first->next = second;
  const auto is_sound = [&] {
    PacketPool::Extent extent;
    return pool.measure(first, second, extent);
  };
  EXPECT_TRUE(is_sound());
  second->next = first;
  EXPECT_FALSE(is_sound()) << "a circle";
  second->next = second + 1;
  EXPECT_FALSE(is_sound()) << "between two packets";
  second->next = reinterpret_cast<Packet*>(std::uintptr_t{0x10});
  EXPECT_FALSE(is_sound()) << "nowhere";
  second->next = filled(10);
  EXPECT_FALSE(is_sound()) << "beyond the tail";
  second->next = nullptr;
  second->length = second->capacity;
  EXPECT_FALSE(is_sound()) << "more than there is room for";
  second->length = 10;
  pool.give_back(second);
  first->next = second;
  EXPECT_FALSE(is_sound()) << "a free packet";
}

}  // namespace
}  // namespace naru
