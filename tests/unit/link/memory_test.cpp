#include <gtest/gtest.h>

#include <naru/link/memory.hpp>

#include "dsl/checks.hpp"
#include "frames.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::TcpSpec;
using test::TestPool;

std::size_t send_raw(Link& link, Bytes bytes) {
  TxFrame frame;
  set_raw(frame, bytes);
  return link.transmit({&frame, 1}, {});
}

// Two ends without stacks.
struct Wire {
  explicit Wire(const MemoryWireOptions& options = {}) : wire(options) {
    wire.a().attach(pool_a.get());
    wire.b().attach(pool_b.get());
  }

  TestPool pool_a;
  TestPool pool_b;
  MemoryWire wire;
};

TEST(MemoryWire, CarriesFramesBothWays) {
  Wire w;
  Random random = Random::seeded(1);
  const Frame there = test::random_bytes(random, 1514);
  const Frame back = test::random_bytes(random, 60);
  EXPECT_EQ(send_raw(w.wire.a(), there), 1U);
  EXPECT_EQ(send_raw(w.wire.b(), back), 1U);
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b), std::vector<Frame>{there});
  EXPECT_EQ(test::receive_all(w.wire.a(), w.pool_a), std::vector<Frame>{back});
  EXPECT_EQ(w.pool_a->in_use() + w.pool_b->in_use(), 0U);
  EXPECT_EQ(w.wire.a().stats().tx_frames, 1U);
  EXPECT_EQ(w.wire.b().stats().rx_frames, 1U);
}

TEST(MemoryWire, CutsAndChecksumsLargeSegments) {
  Wire w;
  Random random = Random::seeded(2);
  const TcpSpec spec{
      .tcp_options = 12, .gso_size = 1448, .payload = test::random_bytes(random, 65'000)};
  const TxFrame frame = test::make_tcp(spec, random);
  EXPECT_EQ(w.wire.a().transmit({&frame, 1}, {}), 1U);
  std::array<Packet*, kBurst> burst;
  ASSERT_EQ(w.wire.b().receive(burst, {}), 45U);
  const std::vector<Frame> expected = test::reference_frames(spec);
  for (std::size_t i = 0; i < 45; ++i) {
    EXPECT_EQ(burst[i]->checksum, ChecksumState::unchecked);
    EXPECT_EQ(burst[i]->gso_size, 0);
    EXPECT_EQ(test::drain(w.pool_b, burst[i]), expected[i]);
  }
  EXPECT_EQ(w.wire.a().stats().tx_frames, 45U);
}

TEST(MemoryWire, CarriesLargeSegmentsWhole) {
  Wire w({.carries_large = true});
  EXPECT_TRUE(w.wire.a().caps().carries_large);
  Random random = Random::seeded(3);
  const TcpSpec spec{
      .tcp_options = 12, .gso_size = 1448, .payload = test::random_bytes(random, 65'000)};
  const TxFrame frame = test::make_tcp(spec, random);
  w.wire.a().transmit({&frame, 1}, {});
  Packet* packet = nullptr;
  ASSERT_EQ(w.wire.b().receive({&packet, 1}, {}), 1U);
  EXPECT_EQ(packet->gso_size, 1448);
  EXPECT_EQ(packet->checksum, ChecksumState::unchecked);
  EXPECT_EQ(test::drain(w.pool_b, packet), test::reference_frames(spec, true).at(0));
}

TEST(MemoryWire, WithoutChecksumsVouchesOnlyForFramesThatNeededOne) {
  Wire w({.checksums = false});
  EXPECT_TRUE(w.wire.a().caps().transmits_checksum);
  Random random = Random::seeded(4);
  const TcpSpec spec{.payload = test::random_bytes(random, 100)};
  const TxFrame frame = test::make_tcp(spec, random);
  w.wire.a().transmit({&frame, 1}, {});
  send_raw(w.wire.a(), test::reference_frames(spec).at(0));
  std::array<Packet*, 2> burst;
  ASSERT_EQ(w.wire.b().receive(burst, {}), 2U);
  EXPECT_EQ(burst[0]->checksum, ChecksumState::good);
  EXPECT_EQ(burst[1]->checksum, ChecksumState::unchecked);
  EXPECT_FALSE(test::checksums_verify(burst[0]->bytes()));
  for (Packet* p : burst) w.pool_b->give_back(p);
}

// Never bytes that the buffer held before.
TEST(MemoryWire, PadsShortFramesWithZeros) {
  NARU_CHECKS("LNK-003");
  Wire w;
  for (int i = 0; i < 4; ++i) {
    send_raw(w.wire.a(), Frame(1514, 0xaa));
    test::receive_all(w.wire.b(), w.pool_b);
    for (std::size_t size = 0; size <= 61; ++size) {
      const Frame bytes(size, 0x55);
      send_raw(w.wire.a(), bytes);
      Frame expected = bytes;
      if (size < 60) expected.resize(60, 0);
      ASSERT_EQ(test::receive_all(w.wire.b(), w.pool_b), std::vector<Frame>{expected});
    }
  }
}

TEST(MemoryWire, PadsShortTcpFramesWithZeros) {
  NARU_CHECKS("LNK-003");
  Wire w;
  Random random = Random::seeded(5);
  TxFrame frame = test::make_tcp(TcpSpec{}, random);
  std::fill(frame.header.begin() + frame.header_length, frame.header.end(), std::uint8_t{0xaa});
  w.wire.a().transmit({&frame, 1}, {});
  Frame expected = test::reference_frames(TcpSpec{}).at(0);
  expected.resize(60, 0);
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b), std::vector<Frame>{expected});
}

TEST(MemoryWire, FcsIsSentCheckedAndTakenOff) {
  Wire w({.fcs = true});
  const Frame bytes = {0x01, 0x02, 0x03};
  send_raw(w.wire.a(), bytes);
  ASSERT_EQ(w.wire.waiting(w.wire.b(), 0).size(), 64U);
  Frame expected = bytes;
  expected.resize(60, 0);
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b), std::vector<Frame>{expected});
  EXPECT_EQ(w.wire.b().stats().rx_bad_fcs, 0U);
}

TEST(MemoryWire, FcsOfAKnownFrame) {
  Wire w({.fcs = true});
  // The check value of CRC-32: "123456789" gives 0xcbf43926; sixty zeros 0x04128908.
  send_raw(w.wire.a(), Frame(60, 0));
  const MutableBytes frame = w.wire.waiting(w.wire.b(), 0);
  EXPECT_EQ(Frame(frame.end() - 4, frame.end()), (Frame{0x08, 0x89, 0x12, 0x04}));
}

TEST(MemoryWire, EveryDamagedBitIsFoundByTheFcs) {
  Wire w({.fcs = true});
  Random random = Random::seeded(6);
  std::uint64_t bad = 0;
  for (std::size_t bit = 0; bit < 8 * 104; ++bit) {
    send_raw(w.wire.a(), test::random_bytes(random, 100));
    w.wire.waiting(w.wire.b(), 0)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_TRUE(test::receive_all(w.wire.b(), w.pool_b).empty());
    ASSERT_EQ(w.wire.b().stats().rx_bad_fcs, ++bad);
  }
  EXPECT_EQ(w.pool_b->in_use(), 0U);
  EXPECT_EQ(w.wire.b().stats().rx_frames, 0U);
}

// What does not fit stays with the sender.
TEST(MemoryWire, AFullRingTakesFewerFrames) {
  Wire w({.ring_size = 8});
  std::array<TxFrame, 12> frames;
  const Frame bytes(100, 1);
  for (TxFrame& f : frames) set_raw(f, bytes);
  EXPECT_EQ(w.wire.a().transmit_room(), 8U);
  EXPECT_EQ(w.wire.a().transmit(frames, {}), 8U);
  EXPECT_EQ(w.wire.a().transmit_room(), 0U);
  EXPECT_EQ(w.wire.a().transmit(std::span(frames).subspan(8), {}), 0U);
  EXPECT_EQ(w.wire.b().stats().rx_ring_full, 2U);
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b).size(), 8U);
  EXPECT_EQ(w.wire.a().transmit(std::span(frames).subspan(8), {}), 4U);
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b).size(), 4U);
  EXPECT_EQ(w.wire.b().stats().rx_no_buffer, 0U);
}

TEST(MemoryWire, ALargeSegmentIsTakenWholeOrNotAtAll) {
  Wire w({.ring_size = 8});
  Random random = Random::seeded(7);
  const TcpSpec spec{.gso_size = 100, .payload = test::random_bytes(random, 500)};
  const std::array<TxFrame, 2> frames = {test::make_tcp(spec, random),
                                         test::make_tcp(spec, random)};
  EXPECT_EQ(w.wire.a().transmit(frames, {}), 1U);
  EXPECT_EQ(w.wire.waiting_count(w.wire.b()), 5U);
}

// A card without buffers drops and counts.
TEST(MemoryWire, WithoutBuffersFramesAreDroppedAndCounted) {
  TestPool pool(4, 0);
  MemoryWire wire;
  wire.b().attach(pool.get());
  std::array<TxFrame, 6> frames;
  const Frame bytes(100, 1);
  for (TxFrame& f : frames) set_raw(f, bytes);
  EXPECT_EQ(wire.a().transmit(frames, {}), 6U);
  EXPECT_EQ(wire.b().stats().rx_no_buffer, 2U);
  EXPECT_EQ(test::receive_all(wire.b(), pool).size(), 4U);
  EXPECT_EQ(wire.a().transmit(frames, {}), 6U);
  EXPECT_EQ(test::receive_all(wire.b(), pool).size(), 4U);
}

TEST(MemoryWire, LostSegmentsOfALargeOneLeaveTheOthersIntact) {
  Random random = Random::seeded(8);
  const TcpSpec spec{.gso_size = 1000, .payload = test::random_bytes(random, 4500)};
  const TxFrame frame = test::make_tcp(spec, random);
  TestPool pool(3, 0);
  MemoryWire wire;
  wire.b().attach(pool.get());
  EXPECT_EQ(wire.a().transmit({&frame, 1}, {}), 1U);
  std::vector<Frame> expected = test::reference_frames(spec);
  expected.resize(3);
  EXPECT_EQ(test::receive_all(wire.b(), pool), expected);
}

TEST(MemoryWire, AnEndWithoutAPoolDropsFrames) {
  MemoryWire wire;
  EXPECT_EQ(send_raw(wire.a(), Frame(100, 1)), 1U);
  EXPECT_EQ(wire.b().stats().rx_no_buffer, 1U);
}

TEST(MemoryWire, DetachingGivesWaitingPacketsBack) {
  Wire w;
  send_raw(w.wire.a(), Frame(100, 1));
  EXPECT_EQ(w.pool_b->in_use(), 1U);
  w.wire.b().attach(nullptr);
  EXPECT_EQ(w.pool_b->in_use(), 0U);
  EXPECT_TRUE(test::receive_all(w.wire.b(), w.pool_b).empty());
}

// Larger than the wire allows is dropped whole.
TEST(MemoryWire, GiantsAreRefused) {
  NARU_CHECKS("LNK-021");
  Wire w;
  send_raw(w.wire.a(), Frame(1523, 1));
  EXPECT_EQ(w.wire.a().stats().tx_refused, 1U);
  send_raw(w.wire.a(), Frame(1522, 1));
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b).at(0).size(), 1522U);
  EXPECT_EQ(w.pool_b->in_use(), 0U);
}

TEST(MemoryWire, JumboFramesTakeLargerBuffers) {
  NARU_CHECKS("LNK-021");
  Wire w({.mtu = 9000});
  const Frame bytes(9014, 7);
  send_raw(w.wire.a(), bytes);
  EXPECT_EQ(w.pool_b->in_use(), 1U);
  EXPECT_EQ(w.pool_b->small_in_use(), 0U);
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b), std::vector<Frame>{bytes});
}

TEST(MemoryWire, InterruptsWhenTheRingWasEmpty) {
  Wire w;
  int interrupts = 0;
  w.wire.b().set_interrupt([&interrupts] { ++interrupts; });
  std::array<TxFrame, 3> frames;
  const Frame bytes(100, 1);
  for (TxFrame& f : frames) set_raw(f, bytes);
  w.wire.a().transmit(frames, {});
  EXPECT_EQ(interrupts, 1);
  w.wire.a().transmit(frames, {});
  EXPECT_EQ(interrupts, 1);
  Packet* packet = nullptr;
  w.wire.b().receive({&packet, 1}, {});
  w.pool_b->give_back(packet);
  w.wire.a().transmit(frames, {});
  EXPECT_EQ(interrupts, 1);
  test::receive_all(w.wire.b(), w.pool_b);
  w.wire.a().transmit(frames, {});
  EXPECT_EQ(interrupts, 2);
  w.wire.a().transmit({}, {});
  EXPECT_EQ(interrupts, 2);
}

// Nothing crosses a pulled cable, and both ends hear of it.
TEST(MemoryWire, APulledCableCarriesNothing) {
  Wire w;
  int interrupts = 0;
  w.wire.a().set_interrupt([&interrupts] { ++interrupts; });
  w.wire.b().set_interrupt([&interrupts] { ++interrupts; });
  w.wire.set_up(false);
  EXPECT_EQ(interrupts, 2);
  EXPECT_FALSE(w.wire.a().is_up());
  EXPECT_EQ(send_raw(w.wire.a(), Frame(100, 1)), 1U);
  EXPECT_TRUE(test::receive_all(w.wire.b(), w.pool_b).empty());
  EXPECT_EQ(w.wire.a().stats().tx_refused, 1U);
  w.wire.set_up(true);
  EXPECT_EQ(interrupts, 4);
  EXPECT_TRUE(w.wire.b().is_up());
  send_raw(w.wire.a(), Frame(100, 1));
  EXPECT_EQ(test::receive_all(w.wire.b(), w.pool_b).size(), 1U);
}

}  // namespace
}  // namespace naru::link
