#include "link/vnet_hdr.hpp"

#include <array>
#include <functional>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "frames.hpp"
#include "link/layout.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::TcpSpec;

// A large TCP segment as the kernel gives it: headers, payload and description.
struct Given {
  VnetHeader header;
  Frame frame;
};

Given give(const TxFrame& tx) {
  Given given;
  given.frame.resize(tx.header_length);
  given.header = describe_offload(tx, given.frame.data());
  for (const Bytes span : std::span(tx.spans).first(tx.span_count)) {
    given.frame.insert(given.frame.end(), span.begin(), span.end());
  }
  return given;
}

TcpSpec large_spec(Random& random, bool ipv6 = false) {
  return {.ipv6 = ipv6,
          .tcp_options = 12,
          .gso_size = 1448,
          .payload = test::random_bytes(random, 10'000)};
}

Given large(bool ipv6 = false) {
  static Random random = Random::seeded(1);
  static TcpSpec spec;
  spec = large_spec(random, ipv6);
  return give(test::make_tcp(spec, random));
}

TEST(VnetHeader, LoadsWhatItStores) {
  const VnetHeader header{1, 0x84, 66, 1448, 34, 16};
  std::array<std::uint8_t, VnetHeader::kSize> bytes;
  header.store(bytes.data());
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 10>{1, 0x84, 66, 0, 0xa8, 5, 34, 0, 16, 0}));
  EXPECT_EQ(VnetHeader::load(bytes.data()), header);
}

TEST(VnetHeader, DescribesALargeSegment) {
  for (const bool ipv6 : {false, true}) {
    const Given given = large(ipv6);
    const std::uint16_t transport = ipv6 ? 54 : 34;
    EXPECT_EQ(given.header,
              (VnetHeader{VnetHeader::kNeedsChecksum,
                          ipv6 ? VnetHeader::kGsoTcpV6 : VnetHeader::kGsoTcpV4,
                          static_cast<std::uint16_t>(transport + 32), 1448, transport, 16}));
  }
}

TEST(VnetHeader, DescribesCongestionWindowReduced) {
  Random random = Random::seeded(2);
  TcpSpec spec = large_spec(random);
  spec.flags = 0x90;
  EXPECT_EQ(give(test::make_tcp(spec, random)).header.gso_type,
            VnetHeader::kGsoTcpV4 | VnetHeader::kGsoEcn);
}

TEST(VnetHeader, DescribesOrdinaryFrames) {
  Random random = Random::seeded(3);
  TcpSpec spec = large_spec(random);
  spec.payload.resize(spec.gso_size);
  EXPECT_EQ(give(test::make_tcp(spec, random)).header,
            (VnetHeader{VnetHeader::kNeedsChecksum, 0, 66, 0, 34, 16}));
  const Frame payload(10, 1);
  EXPECT_EQ(give(test::make_udp(payload)).header,
            (VnetHeader{VnetHeader::kNeedsChecksum, 0, 42, 0, 34, 6}));
  TxFrame plain = test::make_udp(payload);
  plain.needs_checksum = false;
  EXPECT_EQ(give(plain).header, (VnetHeader{0, 0, 42, 0, 0, 0}));
}

// What the kernel does with the field: the sum from csum_start on, inverted.
TEST(VnetHeader, TheFieldHoldsThePseudoHeader) {
  Random random = Random::seeded(4);
  for (int round = 0; round < 300; ++round) {
    const TcpSpec spec = test::random_spec(random);
    const Given given = give(test::make_tcp(spec, random));
    Frame frame = given.frame;
    const std::size_t start = given.header.csum_start;
    const std::uint16_t sum = test::plain_checksum(Bytes(frame).subspan(start));
    store_be16(frame.data() + start + given.header.csum_offset, sum);
    const Frame expected = test::reference_frames(spec, true).at(0);
    ASSERT_TRUE(frame == expected || sum == 0xffff) << round;
  }
}

TEST(VnetHeader, BelievesWhatFitsTheFrame) {
  for (const bool ipv6 : {false, true}) {
    Given given = large(ipv6);
    EXPECT_EQ(check_offload(given.header, given.frame), (Offload{ChecksumState::good, 1448}));
    given.header.gso_type |= VnetHeader::kGsoEcn;
    EXPECT_EQ(check_offload(given.header, given.frame), (Offload{ChecksumState::good, 1448}));
    given.header.flags = VnetHeader::kDataValid;
    EXPECT_EQ(check_offload(given.header, given.frame), (Offload{ChecksumState::good, 1448}));
    given.header.gso_size = 10'000;
    EXPECT_EQ(check_offload(given.header, given.frame), (Offload{ChecksumState::good, 0}));
  }
}

TEST(VnetHeader, DropsWhatContradictsTheFrame) {
  NARU_CHECKS("LNK-010");
  using Break = std::function<void(Given&)>;
  const std::vector<Break> breaks = {
      [](Given& g) { g.header.gso_size = 0; },
      [](Given& g) { g.header.header_length = 0xffff; },
      [](Given& g) { g.header.header_length = static_cast<std::uint16_t>(g.frame.size() + 1); },
      [](Given& g) { g.header.csum_start = 0xffff; },
      [](Given& g) { g.header.csum_start = static_cast<std::uint16_t>(g.frame.size() - 17); },
      [](Given& g) { g.header.csum_start = 33; },
      [](Given& g) { g.header.csum_offset = 0xffff; },
      [](Given& g) { g.header.csum_offset = 6; },
      [](Given& g) { g.header.gso_type = VnetHeader::kGsoTcpV6; },
      [](Given& g) { g.header.gso_type = VnetHeader::kGsoEcn; },
      [](Given& g) { g.header.gso_type = 3; },  // UDP fragments
      [](Given& g) { g.header.gso_type = 5; },  // UDP datagrams
      [](Given& g) { g.header.gso_type = 0x7f; },
      [](Given& g) { g.header.flags = 0; },  // merged, and nobody knows the sum
      [](Given& g) { g.frame[23] = 17; },    // UDP
      [](Given& g) { g.frame[20] = 0x20; },  // a fragment
      [](Given& g) { g.frame[14] = 0x4f; },  // a header of 60 bytes
      [](Given& g) { g.frame[14] = 0x41; },  // a header of 4 bytes
      [](Given& g) { g.frame[46] = 0x10; },  // a TCP header of 4 bytes
      [](Given& g) { store_be16(g.frame.data() + 16, 0xffff); },  // longer than the frame
      [](Given& g) { store_be16(g.frame.data() + 12, 0x0806); },  // ARP
      [](Given& g) { g.frame.resize(40); },
      [](Given& g) { g.frame.clear(); },
  };
  for (std::size_t i = 0; i < breaks.size(); ++i) {
    Given given = large();
    ASSERT_TRUE(check_offload(given.header, given.frame));
    breaks[i](given);
    EXPECT_FALSE(check_offload(given.header, given.frame)) << "case " << i;
  }
}

// LNK-010: the field of the checksum at every place around the end of the frame.
TEST(VnetHeader, ChecksTheFieldAgainstTheEndOfTheFrame) {
  NARU_CHECKS("LNK-010");
  for (std::size_t size = 0; size < 64; ++size) {
    for (std::uint16_t start = 0; start < 70; ++start) {
      for (const std::uint16_t offset : {0, 1, 6, 16, 65'535}) {
        Frame frame(size, 1);
        const VnetHeader header{
            .flags = VnetHeader::kNeedsChecksum, .csum_start = start, .csum_offset = offset};
        ASSERT_EQ(check_offload(header, frame).has_value(), start + offset + 2U <= size);
      }
    }
  }
}

// "Not checked", "good" and "partial" each lead to the right verification.
TEST(VnetHeader, SaysGoodOnlyWhereTheDeviceVouches) {
  NARU_CHECKS("LNK-011");
  const Frame payload(10, 1);
  Given given = give(test::make_udp(payload));
  EXPECT_EQ(check_offload(given.header, given.frame)->checksum, ChecksumState::good);
  given.header = {};
  EXPECT_EQ(check_offload(given.header, given.frame)->checksum, ChecksumState::unchecked);
  given.header.flags = VnetHeader::kDataValid;
  EXPECT_EQ(check_offload(given.header, given.frame)->checksum, ChecksumState::good);
}

// A checksum that is not the frame's TCP or UDP checksum, such as that of a
// datagram behind three VLAN tags, is made as the device would have made it.
TEST(VnetHeader, FinishesOtherChecksums) {
  const Frame payload(11, 9);
  Given given = give(test::make_udp(payload));
  const Frame tags = {0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3};
  Frame tagged = given.frame;
  tagged.insert(tagged.begin() + 12, tags.begin(), tags.end());
  given.header.csum_start += 12;
  given.header.header_length += 12;
  EXPECT_EQ(check_offload(given.header, tagged), (Offload{ChecksumState::unchecked, 0}));
  tagged.erase(tagged.begin() + 12, tagged.begin() + 24);
  EXPECT_TRUE(test::checksums_verify(tagged));
}

TEST(Layout, FindsTheTransportHeaderBehindTags) {
  Random random = Random::seeded(5);
  for (int round = 0; round < 200; ++round) {
    const TcpSpec spec = test::random_spec(random);
    Frame frame = test::reference_frames(spec, true).at(0);
    const auto plain = find_layout(frame);
    ASSERT_TRUE(plain);
    const Frame tag = {0x81, 0, 0, 1};
    frame.insert(frame.begin() + 12, tag.begin(), tag.end());
    const auto tagged = find_layout(frame);
    ASSERT_TRUE(tagged);
    EXPECT_EQ(tagged->transport_offset, plain->transport_offset + 4);
    EXPECT_EQ(tagged->header_length + spec.payload.size(), frame.size());
  }
}

TEST(Layout, FillsTheChecksum) {
  Random random = Random::seeded(6);
  for (int round = 0; round < 200; ++round) {
    const TcpSpec spec = test::random_spec(random);
    const Frame right = test::reference_frames(spec, true).at(0);
    Frame frame = right;
    const std::size_t field = find_layout(frame)->transport_offset + 16;
    store_be16(frame.data() + field, 0x1234);
    fill_checksum(frame);
    ASSERT_EQ(frame, right);
  }
}

TEST(Layout, LeavesOtherFramesAlone) {
  Random random = Random::seeded(7);
  for (std::size_t size = 0; size < 100; ++size) {
    Frame frame = test::random_bytes(random, size);
    const Frame before = frame;
    fill_checksum(frame);
    EXPECT_EQ(frame, before);
  }
}

}  // namespace
}  // namespace naru::link
