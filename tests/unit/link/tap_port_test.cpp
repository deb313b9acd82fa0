// The descriptor side of tap and packet socket against a device that is made
// here: the other end of a socket pair, which keeps frames apart as they do.
#include "link/tap_port.hpp"

#include <algorithm>
#include <array>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "frames.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::TcpSpec;
using test::TestPool;

class PortTest : public ::testing::TestWithParam<DeviceKind> {
 protected:
  PortTest() {
    std::array<int, 2> ends;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()), 0);
    device_ = Descriptor(ends[0]);
    port_ = std::make_unique<Port>(Descriptor(ends[1]), GetParam());
    port_->attach(pool_.get());
  }

  // The device delivers a frame.
  void deliver(const VnetHeader& header, const Frame& frame) {
    Frame message(VnetHeader::kSize);
    header.store(message.data());
    message.insert(message.end(), frame.begin(), frame.end());
    ASSERT_EQ(::write(device_.number(), message.data(), message.size()),
              static_cast<ssize_t>(message.size()));
  }
  // What the device is given next; empty when there is nothing.
  Frame taken() {
    Frame message(70'000);
    const ssize_t n = ::read(device_.number(), message.data(), message.size());
    message.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return message;
  }
  std::vector<Packet*> receive() {
    std::vector<Packet*> burst(kBurst);
    burst.resize(port_->receive(burst));
    return burst;
  }

  TestPool pool_{8, 4};
  Descriptor device_;
  std::unique_ptr<Port> port_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, PortTest,
                         ::testing::Values(DeviceKind::tap, DeviceKind::packet_socket),
                         [](const auto& info) {
                           return info.param == DeviceKind::tap ? "Tap" : "PacketSocket";
                         });

TEST_P(PortTest, SendsALargeSegmentInOneCall) {
  Random random = Random::seeded(1);
  const TcpSpec spec{.gso_size = 1460, .payload = test::random_bytes(random, 60'000)};
  const TxFrame frame = test::make_tcp(spec, random);
  EXPECT_EQ(port_->transmit({&frame, 1}, {}), 1U);
  const Frame message = taken();
  ASSERT_EQ(message.size(), VnetHeader::kSize + frame.length());
  const VnetHeader header = VnetHeader::load(message.data());
  EXPECT_EQ(header.gso_size, 1460);
  Frame got(message.begin() + VnetHeader::kSize, message.end());
  const Frame expected = test::reference_frames(spec, true).at(0);
  EXPECT_NE(got, expected) << "the checksum is left to the device";
  std::copy_n(expected.begin() + 50, 2, got.begin() + 50);
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(taken().empty());
  EXPECT_EQ(port_->stats().tx_frames, 42U);
}

TEST_P(PortTest, PadsShortFramesWithZeros) {
  NARU_CHECKS("LNK-003");
  for (std::size_t size = 1; size <= 61; ++size) {
    const Frame bytes(size, 0x55);
    TxFrame frame;
    set_raw(frame, bytes);
    std::fill(frame.header.begin() + frame.header_length, frame.header.end(), std::uint8_t{0xaa});
    EXPECT_EQ(port_->transmit({&frame, 1}, {}), 1U);
    Frame expected(VnetHeader::kSize, 0);
    expected[2] = static_cast<std::uint8_t>(frame.header_length);
    expected.insert(expected.end(), bytes.begin(), bytes.end());
    expected.resize(std::max<std::size_t>(expected.size(), VnetHeader::kSize + 60), 0);
    ASSERT_EQ(taken(), expected);
  }
}

TEST_P(PortTest, AFullDeviceLeavesFramesToTheCaller) {
  const Frame bytes(60'000, 1);
  std::array<TxFrame, 64> frames;
  for (TxFrame& f : frames) set_raw(f, bytes);
  const std::size_t sent = port_->transmit(frames, {});
  ASSERT_GT(sent, 0U);
  ASSERT_LT(sent, 64U);
  EXPECT_EQ(port_->transmit_room(), 0U);
  EXPECT_EQ(port_->next_deadline(), Time{} + 1ms) << "no busy loop";
  EXPECT_EQ(port_->transmit(std::span(frames).subspan(sent), Time{}), 0U);
  for (std::size_t i = 0; i < sent; ++i) EXPECT_FALSE(taken().empty());
  EXPECT_TRUE(receive().empty());
  EXPECT_GT(port_->transmit_room(), 0U);
  EXPECT_EQ(port_->next_deadline(), kTimeNever);
  EXPECT_EQ(port_->transmit(std::span(frames).subspan(sent, 1), Time{} + 1ms), 1U);
  EXPECT_EQ(port_->stats().tx_frames, sent + 1);
  EXPECT_EQ(port_->stats().tx_refused, 0U);
}

TEST_P(PortTest, AClosedDeviceRefusesAndIsCounted) {
  ::signal(SIGPIPE, SIG_IGN);
  device_ = Descriptor();
  const Frame bytes(100, 1);
  std::array<TxFrame, 3> frames;
  for (TxFrame& f : frames) set_raw(f, bytes);
  EXPECT_EQ(port_->transmit(frames, {}), 3U);
  EXPECT_EQ(port_->stats().tx_refused, 3U);
}

TEST_P(PortTest, ReceivesEverySizeIntoTheRightBuffer) {
  Random random = Random::seeded(2);
  // Small after large and large after small; around the border; the largest.
  for (const std::size_t size :
       {60, 1514, 1983, 1984, 1985, 60, 60'000, 65'549, 1514, 65'984, 14}) {
    const Frame frame = test::random_bytes(random, size);
    deliver({}, frame);
    const std::vector<Packet*> got = receive();
    ASSERT_EQ(got.size(), 1U) << size;
    EXPECT_EQ(got[0]->size_class != 0, size > PacketPool::kSmallFrame);
    EXPECT_EQ(got[0]->headroom(), PacketPool::kHeadroom);
    EXPECT_EQ(pool_->in_use(), 1U);
    EXPECT_EQ(test::drain(pool_, got[0]), frame);
  }
  EXPECT_EQ(pool_->in_use(), 0U);
}

TEST_P(PortTest, ReceivesABurstOfMixedFrames) {
  Random random = Random::seeded(3);
  std::vector<Frame> sent;
  for (const std::size_t size : {100, 3000, 200, 300, 30'000, 20'000, 400}) {
    sent.push_back(test::random_bytes(random, size));
    deliver({}, sent.back());
  }
  std::vector<Frame> got;
  for (Packet* p : receive()) got.push_back(test::drain(pool_, p));
  EXPECT_EQ(got, sent);
  EXPECT_EQ(port_->stats().rx_frames, 7U);
}

TEST_P(PortTest, GivesOffloadsToThePacket) {
  Random random = Random::seeded(4);
  const TcpSpec spec{.gso_size = 1460, .payload = test::random_bytes(random, 9000)};
  const TxFrame frame = test::make_tcp(spec, random);
  Frame bytes = test::reference_frames(spec, true).at(0);
  const VnetHeader header = describe_offload(frame, bytes.data());
  deliver(header, bytes);
  deliver({}, bytes);
  const std::vector<Packet*> got = receive();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0]->checksum, ChecksumState::good);
  EXPECT_EQ(got[0]->gso_size, 1460);
  EXPECT_EQ(got[1]->checksum, ChecksumState::unchecked);
  EXPECT_EQ(got[1]->gso_size, 0);
  for (Packet* p : got) pool_->give_back(p);
}

TEST_P(PortTest, DropsAndCountsContradictoryOffloads) {
  NARU_CHECKS("LNK-010");
  const Frame frame(100, 1);
  deliver({.flags = VnetHeader::kNeedsChecksum, .csum_start = 99}, frame);
  deliver({.gso_type = VnetHeader::kGsoTcpV4}, frame);
  deliver({.header_length = 101}, frame);
  deliver({}, frame);
  const std::vector<Packet*> got = receive();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(test::drain(pool_, got[0]), frame);
  EXPECT_EQ(port_->stats().rx_bad_offload, 3U);
  EXPECT_EQ(pool_->in_use(), 0U);
}

// Frames without a buffer are taken from the device all the same: it must not
// stay readable for ever.
TEST_P(PortTest, WithoutBuffersFramesAreDroppedAndCounted) {
  NARU_CHECKS("LNK-015");
  std::vector<Packet*> held;
  while (Packet* p = pool_->take(1)) held.push_back(p);
  while (Packet* p = pool_->take(5'000)) held.push_back(p);
  deliver({}, Frame(100, 1));
  deliver({}, Frame(5000, 1));
  deliver({}, Frame(100, 1));
  EXPECT_TRUE(receive().empty());
  EXPECT_EQ(port_->stats().rx_no_buffer, 3U);
  for (Packet* p : held) pool_->give_back(p);
  deliver({}, Frame(100, 2));
  const std::vector<Packet*> got = receive();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(test::drain(pool_, got[0]), Frame(100, 2));
}

TEST_P(PortTest, FramesLargerThanAnyBufferAreDroppedWhole) {
  NARU_CHECKS("LNK-021");
  for (int round = 0; round < 2; ++round) {
    deliver({}, Frame(65'985, 1));
    deliver({}, Frame(5000, 1));
    const std::vector<Packet*> got = receive();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(test::drain(pool_, got[0]).size(), 5000U);
  }
  EXPECT_EQ(port_->stats().rx_no_buffer, 2U);
}

TEST_P(PortTest, WithoutAPoolFramesAreDropped) {
  port_->attach(nullptr);
  deliver({}, Frame(100, 1));
  EXPECT_TRUE(receive().empty());
  EXPECT_EQ(port_->stats().rx_no_buffer, 1U);
}

TEST_P(PortTest, ABurstIsBoundedWhateverIsDropped) {
  for (int i = 0; i < 10; ++i) deliver({.gso_type = 9}, Frame(100, 1));
  std::array<Packet*, 4> burst;
  EXPECT_EQ(port_->receive(burst), 0U);
  EXPECT_EQ(port_->stats().rx_bad_offload, 4U);
}

}  // namespace
}  // namespace naru::link
