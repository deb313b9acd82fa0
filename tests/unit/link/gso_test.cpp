#include "link/gso.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "frames.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::TcpSpec;

// A buffer of exactly what write() may touch, filled with something to notice.
std::vector<Frame> cut(const TxFrame& frame, CutOptions options = {}) {
  std::vector<Frame> frames;
  for (Cutter cutter(frame, options); !cutter.done();) {
    const std::size_t size = cutter.size();
    Frame to(std::max(size, Cutter::kMinRoom), 0xee);
    cutter.write(to.data());
    to.resize(size);
    frames.push_back(std::move(to));
  }
  return frames;
}

TEST(Gso, EqualsWhatAStackWithoutOffloadSends) {
  NARU_CHECKS("LNK-013");
  Random random = Random::seeded(1);
  for (int round = 0; round < 3000; ++round) {
    const TcpSpec spec = test::random_spec(random);
    const TxFrame frame = test::make_tcp(spec, random);
    const std::vector<Frame> expected = test::reference_frames(spec);
    ASSERT_EQ(frame.wire_frames(), expected.size()) << "round " << round;
    ASSERT_EQ(cut(frame), expected) << "round " << round;
  }
}

TEST(Gso, WholeStaysWholeAndIsChecksummed) {
  Random random = Random::seeded(2);
  for (int round = 0; round < 300; ++round) {
    const TcpSpec spec = test::random_spec(random);
    const TxFrame frame = test::make_tcp(spec, random);
    ASSERT_EQ(cut(frame, {.whole = true}), test::reference_frames(spec, true)) << round;
  }
}

TEST(Gso, WithoutChecksumsOnlyThatFieldDiffers) {
  Random random = Random::seeded(3);
  for (int round = 0; round < 300; ++round) {
    const TcpSpec spec = test::random_spec(random);
    const TxFrame frame = test::make_tcp(spec, random);
    std::vector<Frame> expected = test::reference_frames(spec);
    for (Frame& f : expected) store_be16(f.data() + frame.transport_offset + 16, 0);
    ASSERT_EQ(cut(frame, {.checksums = false}), expected) << round;
  }
}

TEST(Gso, FlagsOfTheFirstAndTheLast) {
  NARU_CHECKS("LNK-013");
  Random random = Random::seeded(4);
  const TcpSpec spec{.flags = 0xd9, .gso_size = 100, .payload = test::random_bytes(random, 250)};
  const std::vector<Frame> frames = cut(test::make_tcp(spec, random));
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0][14 + 20 + 13], 0xd0);  // CWR, ECE, ACK
  EXPECT_EQ(frames[1][14 + 20 + 13], 0x50);  // ECE, ACK
  EXPECT_EQ(frames[2][14 + 20 + 13], 0x59);  // ECE, ACK, PSH, FIN
}

TEST(Gso, SequenceNumberAndIdWrap) {
  Random random = Random::seeded(5);
  const TcpSpec spec{
      .seq = 0xffffff00, .id = 0xffff, .gso_size = 300, .payload = test::random_bytes(random, 900)};
  const std::vector<Frame> frames = cut(test::make_tcp(spec, random));
  ASSERT_EQ(frames, test::reference_frames(spec));
  EXPECT_EQ(load_be32(frames[1].data() + 38), 44U);
  EXPECT_EQ(load_be16(frames[1].data() + 18), 0U);
}

TEST(Gso, SkippedFramesLeaveTheOthersAsTheyWere) {
  Random random = Random::seeded(6);
  for (int round = 0; round < 200; ++round) {
    const TcpSpec spec = test::random_spec(random);
    const TxFrame frame = test::make_tcp(spec, random);
    const std::vector<Frame> expected = test::reference_frames(spec);
    std::size_t index = 0;
    for (Cutter cutter(frame); !cutter.done(); ++index) {
      if (random.below(2) == 0) {
        cutter.skip();
        continue;
      }
      Frame to(std::max<std::size_t>(cutter.size(), Cutter::kMinRoom));
      to.resize(std::max<std::size_t>(cutter.size(), Cutter::kMinRoom));
      const std::size_t size = cutter.size();
      cutter.write(to.data());
      to.resize(size);
      ASSERT_EQ(to, expected[index]);
    }
    ASSERT_EQ(index, expected.size());
  }
}

// RFC 768: a sum of zero is sent as all ones, since zero means "no checksum".
TEST(Gso, UdpChecksumIsNeverZero) {
  const std::uint32_t ports_and_lengths = 1000 + 2000 + 10 + 10;
  const std::uint32_t rest = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + ports_and_lengths;
  const auto word = static_cast<std::uint16_t>(0xffff - rest);
  const Frame payload = {static_cast<std::uint8_t>(word >> 8U), static_cast<std::uint8_t>(word)};
  const std::vector<Frame> frames = cut(test::make_udp(payload));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(load_be16(frames[0].data() + 40), 0xffff);
  EXPECT_TRUE(test::checksums_verify(frames[0]));
}

TEST(Gso, UdpChecksumVerifies) {
  Random random = Random::seeded(7);
  for (std::size_t size = 0; size < 200; ++size) {
    const Frame payload = test::random_bytes(random, size);
    ASSERT_TRUE(test::checksums_verify(cut(test::make_udp(payload)).at(0))) << size;
  }
}

TEST(Gso, RawFramesGoAsTheyAre) {
  Random random = Random::seeded(8);
  for (std::size_t size = 0; size < 200; ++size) {
    const Frame bytes = test::random_bytes(random, size);
    TxFrame frame;
    set_raw(frame, bytes);
    ASSERT_EQ(cut(frame), std::vector<Frame>{bytes});
  }
}

}  // namespace
}  // namespace naru::link
