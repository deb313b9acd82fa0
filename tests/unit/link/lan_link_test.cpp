// Frames between members of one process, under a virtual clock.
#include <poll.h>

#include <gtest/gtest.h>

#include "frames.hpp"
#include "lan_place.hpp"
#include "link/lan_layout.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::TcpSpec;
using test::TestPool;

// A frame of so many bytes from one member to another.
Frame make_frame(const MacAddr& to, const MacAddr& from, std::size_t size, std::uint8_t fill = 7) {
  Frame frame(size, fill);
  std::copy(to.bytes.begin(), to.bytes.end(), frame.begin());
  std::copy(from.bytes.begin(), from.bytes.end(), frame.begin() + 6);
  frame[12] = 0x88;
  frame[13] = 0xb5;  // for experiments (IEEE 802)
  return frame;
}

bool is_readable(int descriptor) {
  pollfd polled{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&polled, 1, 0) == 1;
}

struct End {
  explicit End(std::unique_ptr<LanLink> joined) : link(std::move(joined)) {
    link->attach(pool.get());
  }
  ~End() { EXPECT_EQ(pool->in_use(), 0U); }

  std::size_t send(const Frame& bytes, Time now = {}) {
    TxFrame frame;
    set_raw(frame, bytes);
    return link->transmit({&frame, 1}, now);
  }
  Frame to(const End& other, std::size_t size, std::uint8_t fill = 7) const {
    return make_frame(other.link->mac(), link->mac(), size, fill);
  }
  std::vector<Frame> receive(Time now = {}) { return test::receive_all(*link, pool, now); }

  std::unique_ptr<LanLink> link;
  TestPool pool{4096, 64};
};

class LanFrames : public test::LanPlace {
 protected:
  End a{join()};
  End b{join()};
};

TEST_F(LanFrames, BothWaysAsTheyAre) {
  for (const std::size_t size : {14UL, 15UL, 60UL, 64UL, 1514UL, 1522UL}) {
    const Frame there = a.to(b, size);
    const Frame back = b.to(a, size, 9);
    EXPECT_EQ(a.send(there), 1U);
    EXPECT_EQ(b.send(back), 1U);
    EXPECT_EQ(b.receive(), std::vector<Frame>{there});
    EXPECT_EQ(a.receive(), std::vector<Frame>{back});
  }
  EXPECT_EQ(a.link->stats().tx_frames, 6U);
  EXPECT_EQ(a.link->stats().rx_frames, 6U);
}

TEST_F(LanFrames, GroupsReachEverybodyElse) {
  End c{join()};
  for (const char* group : {"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"}) {
    const Frame frame = make_frame(*MacAddr::parse(group), a.link->mac(), 100);
    EXPECT_EQ(a.send(frame), 1U);
    EXPECT_EQ(b.receive(), std::vector<Frame>{frame});
    EXPECT_EQ(c.receive(), std::vector<Frame>{frame});
    EXPECT_TRUE(a.receive().empty());
  }
}

TEST_F(LanFrames, OnlyWhomTheyAreFor) {
  End c{join()};
  a.send(a.to(b, 100));
  EXPECT_TRUE(c.receive().empty());
  EXPECT_EQ(b.receive().size(), 1U);
}

TEST_F(LanFrames, ToNobodyAreLostAndCounted) {
  const MacAddr gone = b.link->mac();
  for (const MacAddr& to :
       {test::kMacA, a.link->mac(), MacAddr{}, MacAddr{{2, 0x6e, 0, 0, 1, 63}}}) {
    EXPECT_EQ(a.send(make_frame(to, a.link->mac(), 100)), 1U);
  }
  EXPECT_EQ(a.send(Frame(13, 0)), 1U);
  EXPECT_EQ(a.link->stats().tx_refused, 5U);
  b.link = join("follower");
  b.link->attach(b.pool.get());
  EXPECT_EQ(a.send(make_frame(gone, a.link->mac(), 100)), 1U);
  EXPECT_EQ(a.link->stats().tx_refused, 6U);
  EXPECT_TRUE(b.receive().empty());
}

TEST_F(LanFrames, GiantsAreRefused) {
  EXPECT_EQ(a.send(a.to(b, 1523)), 1U);
  EXPECT_EQ(a.link->stats().tx_refused, 1U);
  EXPECT_TRUE(b.receive().empty());
}

TEST_F(LanFrames, LargeSegmentsCrossWhole) {
  Random random = Random::seeded(1);
  for (const bool ipv6 : {false, true}) {
    const TcpSpec spec{.ipv6 = ipv6,
                       .tcp_options = 12,
                       .gso_size = 1448,
                       .payload = test::random_bytes(random, 65'000)};
    TxFrame frame = test::make_tcp(spec, random);
    const MacAddr to = b.link->mac();
    std::copy(to.bytes.begin(), to.bytes.end(), frame.header.begin());
    EXPECT_EQ(a.link->transmit({&frame, 1}, {}), 1U);
    Packet* packet = nullptr;
    ASSERT_EQ(b.link->receive({&packet, 1}, {}), 1U);
    EXPECT_EQ(packet->gso_size, 1448);
    EXPECT_EQ(packet->checksum, ChecksumState::good);
    ASSERT_GE(packet->length, spec.payload.size());
    EXPECT_TRUE(std::equal(spec.payload.begin(), spec.payload.end(),
                           packet->bytes().end() - static_cast<long>(spec.payload.size())));
    b.pool->give_back(packet);
  }
  EXPECT_EQ(a.link->stats().tx_frames, 90U);
}

TEST_F(LanFrames, VouchesOnlyForFramesWithoutAChecksum) {
  const Frame payload(100, 1);
  TxFrame frame = test::make_udp(payload);
  const MacAddr to = b.link->mac();
  std::copy(to.bytes.begin(), to.bytes.end(), frame.header.begin());
  a.link->transmit({&frame, 1}, {});
  frame.needs_checksum = false;
  a.link->transmit({&frame, 1}, {});
  std::array<Packet*, 2> burst;
  ASSERT_EQ(b.link->receive(burst, {}), 2U);
  EXPECT_EQ(burst[0]->checksum, ChecksumState::good);
  EXPECT_EQ(burst[1]->checksum, ChecksumState::unchecked);
  for (Packet* p : burst) b.pool->give_back(p);
}

// What transmit_room() says is taken; what does not fit stays with the sender.
TEST_F(LanFrames, NothingIsLostForWantOfRoom) {
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  for (int round = 0; round < 50; ++round) {
    a.send(a.to(b, 100, 0xff));
    for (std::size_t room = a.link->transmit_room(); room != 0; --room) {
      Frame frame = a.to(b, 1514);
      store_be32(frame.data() + 14, sent);
      ASSERT_EQ(a.send(frame), 1U);
      ++sent;
    }
    for (const Frame& frame : b.receive()) {
      if (frame[13] == 0xb5 && frame.size() == 1514) {
        ASSERT_EQ(load_be32(frame.data() + 14), received++);
      }
    }
  }
  EXPECT_EQ(sent, received);
  EXPECT_GT(sent, 2000U);
  EXPECT_EQ(a.link->stats().tx_refused, 0U);
}

TEST_F(LanFrames, AFullRingRefuses) {
  const Frame frame = a.to(b, 1514);
  std::size_t count = 0;
  while (a.send(frame, Time(1s)) == 1) ++count;
  EXPECT_GT(count, 100U);
  EXPECT_EQ(a.link->transmit_room(), 0U);
  EXPECT_EQ(b.receive().size(), count);
  EXPECT_GT(a.link->transmit_room(), 40U);
  EXPECT_EQ(a.send(frame, Time(1s)), 1U);
  b.receive();
}

// A stopped member: the others wait for it for a tenth of a second, once.
TEST_F(LanFrames, WhoTakesNothingIsNotWaitedFor) {
  End c{join()};
  Time now(1s);
  while (a.send(a.to(b, 1514), now) == 1) {
  }
  EXPECT_EQ(a.link->transmit_room(), 0U);
  now += 99ms;
  a.receive(now);
  EXPECT_EQ(a.link->transmit_room(), 0U);
  now += 1ms;
  a.receive(now);
  EXPECT_GT(a.link->transmit_room(), 100U);
  EXPECT_EQ(a.send(a.to(c, 100), now), 1U);
  EXPECT_EQ(c.receive().size(), 1U);
  EXPECT_EQ(a.send(a.to(b, 1514), now), 1U) << "taken, and lost";
  EXPECT_EQ(a.link->stats().tx_refused, 1U);
  // It goes on.
  const std::size_t kept = b.receive().size();
  EXPECT_GT(kept, 100U);
  EXPECT_EQ(a.send(a.to(b, 1000), now), 1U);
  EXPECT_EQ(b.receive().size(), 1U);
  EXPECT_EQ(a.link->stats().tx_refused, 1U);
}

TEST_F(LanFrames, ASlowMemberThatGoesOnIsWaitedFor) {
  Time now(1s);
  while (a.send(a.to(b, 1514), now) == 1) {
  }
  for (int i = 0; i < 20; ++i) {
    now += 90ms;
    a.receive(now);
    EXPECT_EQ(a.link->transmit_room(), 0U);
    Packet* packet = nullptr;
    ASSERT_EQ(b.link->receive({&packet, 1}, now), 1U);
    b.pool->give_back(packet);
  }
  EXPECT_EQ(a.link->stats().tx_refused, 0U);
  b.receive();
}

TEST_F(LanFrames, OnlySleepersAreRung) {
  a.send(a.to(b, 100));
  EXPECT_FALSE(is_readable(b.link->descriptor())) << "awake";
  EXPECT_FALSE(b.link->arm()) << "a frame waits";
  EXPECT_EQ(b.receive().size(), 1U);
  EXPECT_TRUE(b.link->arm());
  EXPECT_FALSE(is_readable(b.link->descriptor()));
  a.send(a.to(b, 100));
  EXPECT_TRUE(is_readable(b.link->descriptor()));
  EXPECT_EQ(b.receive().size(), 1U);
  EXPECT_FALSE(is_readable(b.link->descriptor()));
}

TEST_F(LanFrames, ASenderIsRungWhenThereIsRoomAgain) {
  while (a.send(a.to(b, 1514)) == 1) {
  }
  EXPECT_EQ(a.link->transmit_room(), 0U);
  EXPECT_TRUE(a.link->arm());
  EXPECT_FALSE(is_readable(a.link->descriptor()));
  b.receive();
  EXPECT_TRUE(is_readable(a.link->descriptor()));
  EXPECT_FALSE(a.link->arm()) << "there is room";
  a.receive();
  EXPECT_TRUE(a.link->arm()) << "it was said once";
}

// The threads of a session sleep at one port; one of them is called.
TEST_F(LanFrames, TheAlarmSaysWhoIsCalled) {
  constexpr LanAlarm kDoor{LanAlarm::Kind::door, 3};
  constexpr LanAlarm kOtherDoor{LanAlarm::Kind::door, 4};
  const std::uint32_t before = b.link->door(3);
  EXPECT_TRUE(b.link->arm(kOtherDoor));
  EXPECT_TRUE(b.link->arm(kDoor)) << "the last one has it";
  a.send(a.to(b, 100));
  a.send(a.to(b, 100));
  EXPECT_EQ(b.link->door(3), before + 1) << "once";
  EXPECT_EQ(b.link->door(4), 0U);
  EXPECT_FALSE(is_readable(b.link->descriptor()));
  EXPECT_FALSE(b.link->is_armed());
  EXPECT_FALSE(b.link->arm(kDoor)) << "frames wait";
  EXPECT_EQ(b.receive().size(), 2U);
  EXPECT_TRUE(b.link->arm(kDoor));
  b.link->disarm(kOtherDoor);
  EXPECT_TRUE(b.link->is_armed()) << "it was not this one's";
  b.link->disarm(kDoor);
  a.send(a.to(b, 100));
  EXPECT_EQ(b.link->door(3), before + 1);
}

TEST_F(LanFrames, EndOfTheLanIsRung) {
  EXPECT_TRUE(b.link->arm());
  ASSERT_TRUE(take_down_lan("lan0", folder));
  EXPECT_TRUE(is_readable(b.link->descriptor()));
  EXPECT_FALSE(b.link->is_up());
  EXPECT_EQ(a.send(a.to(b, 100)), 1U);
  EXPECT_TRUE(b.receive().empty());
}

TEST_F(LanFrames, RunnableCountsWhoIsAwake) {
  EXPECT_EQ(a.link->runnable(), 2U);
  EXPECT_TRUE(b.link->arm());
  EXPECT_EQ(a.link->runnable(), 1U);
  b.receive();
  EXPECT_EQ(a.link->runnable(), 2U);
}

TEST_F(LanFrames, WhatSomebodyLeftBehindIsRead) {
  const Frame last = a.to(b, 100);
  a.send(last);
  a.link.reset();
  EXPECT_EQ(b.receive(), std::vector<Frame>{last});
  a.link = join();
  a.link->attach(a.pool.get());
  const Frame first = a.to(b, 200);
  a.send(first);
  EXPECT_EQ(b.receive(), std::vector<Frame>{first});
}

// Two processes of a session share a port.
TEST_F(LanFrames, APortWithTwoDrivers) {
  End other{test::LanPlace::must(LanLink::attach("lan0", a.link->seat(), folder))};
  EXPECT_EQ(other.link->mac(), a.link->mac());
  EXPECT_EQ(other.link->address(), a.link->address());
  for (int i = 0; i < 1000; ++i) {
    End& sender = i % 3 == 0 ? other : a;
    End& receiver = i % 5 == 0 ? other : a;
    const Frame there = a.to(b, 100 + static_cast<std::size_t>(i));
    ASSERT_EQ(sender.send(there), 1U);
    ASSERT_EQ(b.receive(), std::vector<Frame>{there});
    ASSERT_EQ(b.send(b.to(a, 300)), 1U);
    ASSERT_EQ(receiver.receive(), std::vector<Frame>{b.to(a, 300)});
  }
  other.link.reset();
  EXPECT_TRUE(a.link->is_up());
  EXPECT_FALSE(LanLink::attach("lan0", {a.link->seat().number, 77}, folder));
  EXPECT_FALSE(LanLink::attach("lan0", {64, 1}, folder));
}

TEST_F(LanFrames, WithoutBuffersFramesAreDroppedAndCounted) {
  TestPool little(4, 0);
  b.link->attach(little.get());
  for (int i = 0; i < 6; ++i) a.send(a.to(b, 100));
  std::array<Packet*, kBurst> burst;
  ASSERT_EQ(b.link->receive(burst, {}), 4U);
  EXPECT_EQ(b.link->stats().rx_no_buffer, 2U);
  for (std::size_t i = 0; i < 4; ++i) little->give_back(burst[i]);
  b.link->attach(b.pool.get());
}

// Nobody is starved by one who sends more than is read.
TEST_F(LanFrames, EverySenderHasItsTurn) {
  End c{join()};
  for (int i = 0; i < 100; ++i) {
    a.send(a.to(b, 60));
    c.send(c.to(b, 61));
  }
  std::array<Packet*, 1> burst;
  int from_c = 0;
  for (int i = 0; i < 128; ++i) {
    ASSERT_EQ(b.link->receive(burst, {}), 1U);
    from_c += burst[0]->length == 61 ? 1 : 0;
    b.pool->give_back(burst[0]);
  }
  EXPECT_GT(from_c, 0);
  EXPECT_LT(from_c, 128);
  b.receive();
}

}  // namespace
}  // namespace naru::link
