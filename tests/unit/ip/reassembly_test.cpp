// Fragments in: what becomes whole, what is dropped, and what a flood can do.
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"
#include "wire/checksum.hpp"
#include "wire/udp.hpp"

namespace naru::ip::test {
namespace {

class ReassemblyTest : public ::testing::Test {
 protected:
  struct Piece {
    std::size_t offset;
    std::size_t size;
    bool more;
  };

  // A fragment of the datagram `whole`.
  static Buffer fragment(const Buffer& whole, const Piece& piece, std::uint16_t id = 1,
                         std::uint8_t tos = 0) {
    wire::Ipv4 h{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
    h.id = id;
    h.tos = tos;
    h.fragment_offset = static_cast<std::uint16_t>(piece.offset);
    h.more_fragments = piece.more;
    Buffer data(piece.size);
    for (std::size_t i = 0; i < piece.size && piece.offset + i < whole.size(); ++i) {
      data[i] = whole[piece.offset + i];
    }
    return ipv4(h, data);
  }
  Input receive(const Buffer& whole, const Piece& piece, std::uint16_t id = 1) {
    return host.receive_ip(fragment(whole, piece, id));
  }
  static Buffer datagram(std::size_t payload) {
    return udp(ip("10.0.0.2"), ip("10.0.0.1"), 1, 2, counting(payload));
  }
  void expect_nothing_left() {
    EXPECT_TRUE(host.take_delivered().empty());
    EXPECT_EQ(host.pool.in_use(), 0U);
  }

  Host host;
};

TEST_F(ReassemblyTest, PutsFragmentsOfAnyOrderTogether) {
  NARU_CHECKS("FR4-001");
  for (std::size_t n = 2; n <= 5; ++n) {
    const Buffer whole = datagram(n * 16 - 8 - 3);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::uint16_t id = 0;
    do {
      ++id;
      for (const std::size_t i : order) {
        const std::size_t size = i + 1 < n ? 16 : whole.size() - i * 16;
        receive(whole, {i * 16, size, i + 1 < n}, id);
      }
      const auto got = host.take_delivered();
      ASSERT_EQ(got.size(), 1U);
      EXPECT_EQ(got[0].bytes, whole);
    } while (std::next_permutation(order.begin(), order.end()));
  }
  expect_nothing_left();
}

TEST_F(ReassemblyTest, IgnoresRepetitions) {
  NARU_CHECKS("FR4-002");
  const Buffer whole = datagram(40);
  for (const Piece piece :
       {Piece{0, 16, true}, {0, 16, true}, {16, 16, true}, {16, 16, true}, {32, 16, false}}) {
    receive(whole, piece);
  }
  EXPECT_EQ(host.take_delivered().size(), 1U);
  receive(whole, {32, 16, false});  // late: the start of a new packet
  host.advance(61s);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, DropsAllOfAPacketWithAnOverlap) {
  NARU_CHECKS("FR4-003");
  const Buffer whole = datagram(72);
  Buffer other = whole;
  for (auto& b : other) b ^= 0xff;
  const Piece middle{24, 16, true};
  const Piece overlapping[] = {{16, 16, true}, {32, 16, true}, {24, 8, true},  {32, 8, true},
                               {16, 32, true}, {8, 24, true},  {24, 16, true}, {16, 24, false}};
  std::uint16_t id = 0;
  for (const Piece& piece : overlapping) {
    ++id;
    receive(whole, middle, id);
    const Input in = host.receive_ip(fragment(other, piece, id));
    EXPECT_EQ(in.reason, Drop::fragment_overlap) << piece.offset << "+" << piece.size;
    EXPECT_EQ(host.pool.in_use(), 0U);
  }
  EXPECT_EQ(host.count(Drop::fragment_overlap), id);
  // With the same data too, where the ranges differ.
  receive(whole, middle, 100);
  EXPECT_EQ(receive(whole, {16, 16, true}, 100).reason, Drop::fragment_overlap);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, DropsWhatReachesBeyondTheLongestPacket) {
  NARU_CHECKS("FR4-004");
  receive(datagram(100), {0, 16, true});
  EXPECT_EQ(receive({}, {65'528, 100, false}).reason, Drop::fragment_malformed);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, DropsOddSizesAndEmptyFragments) {
  NARU_CHECKS("FR4-005", "FR4-006");
  EXPECT_EQ(receive({}, {0, 9, true}).reason, Drop::fragment_malformed);
  EXPECT_EQ(receive({}, {0, 0, true}).reason, Drop::fragment_malformed);
  EXPECT_EQ(receive({}, {64, 0, true}).reason, Drop::fragment_malformed);
  EXPECT_EQ(receive({}, {64, 0, false}).reason, Drop::fragment_malformed);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, DropsContradictoryEnds) {
  NARU_CHECKS("FR4-007");
  receive({}, {96, 8, false}, 1);
  EXPECT_EQ(receive({}, {200, 8, false}, 1).reason, Drop::fragment_overlap);
  receive({}, {96, 8, false}, 2);
  EXPECT_EQ(receive({}, {104, 8, true}, 2).reason, Drop::fragment_overlap);
  receive({}, {104, 8, true}, 3);
  EXPECT_EQ(receive({}, {96, 8, false}, 3).reason, Drop::fragment_overlap);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, GivesUpAfterAFixedTime) {
  NARU_CHECKS("FR4-008", "FR4-009");
  host.advance(5s);  // past the announcements of our address
  host.resolve("10.0.0.2");
  host.take_sent();
  const Buffer whole = datagram(400);
  for (std::size_t i = 0; i < 6; ++i) {
    receive(whole, {i * 16, 16, true});
    host.advance(9'900ms);
  }
  EXPECT_EQ(host.pool.in_use(), 6U);
  EXPECT_TRUE(host.take_sent().empty());
  host.advance(1s);
  EXPECT_EQ(host.count(Drop::fragment_timeout), 1U);
  std::vector<Sent> sent;
  for (Sent& s : host.take_sent()) {
    if (s.icmp()) sent.push_back(std::move(s));
  }
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].icmp()->type(), wire::Icmpv4Type::time_exceeded);
  EXPECT_EQ(sent[0].icmp()->code(), 1);
  const Buffer first = fragment(whole, {0, 16, true});
  const Bytes quote = sent[0].icmp()->payload();
  EXPECT_EQ(Buffer(quote.begin(), quote.end()), first);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, IsSilentAboutPacketsWithoutTheirFirstFragment) {
  NARU_CHECKS("FR4-009");
  host.resolve("10.0.0.2");
  host.take_sent();
  receive(datagram(100), {16, 16, true});
  host.advance(61s);
  for (const Sent& s : host.take_sent()) EXPECT_FALSE(s.icmp());
  expect_nothing_left();
}

TEST_F(ReassemblyTest, KeepsPacketsApart) {
  NARU_CHECKS("FR4-010");
  ASSERT_TRUE(host.ip.add_address(1, prefix("10.0.0.77/24"), host.now));
  const Buffer whole = datagram(24);
  const auto second = [&](auto&& change) {
    wire::Ipv4 h{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
    h.id = 1;
    h.fragment_offset = 16;
    change(h);
    return ipv4(h, Buffer(whole.begin() + 16, whole.end()));
  };
  receive(whole, {0, 16, true});
  host.receive_ip(second([](wire::Ipv4& h) { h.src = ip("10.0.0.3"); }));
  host.receive_ip(second([](wire::Ipv4& h) { h.dst = ip("10.0.0.77"); }));
  host.receive_ip(second([](wire::Ipv4& h) { h.id = 2; }));
  host.receive_ip(second([](wire::Ipv4& h) { h.protocol = Protocol::icmp; }));
  EXPECT_TRUE(host.take_delivered().empty());
  host.receive_ip(second([](wire::Ipv4&) {}));
  EXPECT_EQ(host.take_delivered().size(), 1U);
}

TEST_F(ReassemblyTest, WantsTheWholeTcpHeaderInTheFirstFragment) {
  NARU_CHECKS("FR4-011");
  const auto tcp = [&](std::uint16_t offset, const Buffer& data, bool more) {
    wire::Ipv4 h{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::tcp};
    h.fragment_offset = offset;
    h.more_fragments = more;
    return host.receive_ip(ipv4(h, data)).reason;
  };
  Buffer header(32);
  header[12] = 0x60;  // 24 bytes of header
  EXPECT_EQ(tcp(0, Buffer(8), true), Drop::fragment_malformed);
  EXPECT_EQ(tcp(0, Buffer(header.begin(), header.begin() + 16), true), Drop::fragment_malformed);
  EXPECT_EQ(tcp(8, Buffer(16), true), Drop::fragment_malformed);
  EXPECT_EQ(tcp(8, Buffer(16), false), Drop::fragment_malformed);
  EXPECT_EQ(tcp(0, header, true), Drop::none);
  EXPECT_EQ(tcp(32, Buffer(8), false), Drop::none);
  EXPECT_EQ(host.take_delivered().size(), 1U);
}

TEST_F(ReassemblyTest, CombinesCongestionMarks) {
  NARU_CHECKS("FR4-012");
  constexpr std::uint8_t kDropped = 0xff;
  struct Case {
    std::uint8_t first, second, whole;
  };
  const Case cases[] = {{0, 0, 0}, {2, 2, 2}, {1, 1, 1},        {3, 3, 3},
                        {2, 3, 3}, {3, 1, 3}, {0, 3, kDropped}, {3, 0, kDropped}};
  const Buffer whole = datagram(24);
  std::uint16_t id = 0;
  for (const Case& c : cases) {
    ++id;
    host.receive_ip(fragment(whole, {0, 16, true}, id, c.first));
    const Input in = host.receive_ip(fragment(whole, {16, 16, false}, id, c.second));
    const auto got = host.take_delivered();
    if (c.whole == kDropped) {
      EXPECT_TRUE(got.empty());
      EXPECT_EQ(in.reason, Drop::fragment_ecn);
    } else {
      ASSERT_EQ(got.size(), 1U);
      EXPECT_EQ(got[0].tos, c.whole);
    }
  }
  expect_nothing_left();
}

TEST_F(ReassemblyTest, BoundsTheFragmentsOfAPacket) {
  NARU_CHECKS("FR4-013");
  const Buffer whole = datagram(65 * 8);
  for (std::size_t i = 1; i <= 64; ++i) {
    EXPECT_EQ(receive(whole, {i * 16, 8, true}).reason, Drop::none);
  }
  EXPECT_EQ(receive(whole, {65 * 16, 8, true}).reason, Drop::fragment_limit);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, KeepsHonestPacketsWholeInAFlood) {
  NARU_CHECKS("FR4-013", "FR4-014", "FR4-020");
  const Buffer whole = datagram(3 * 16 - 8);
  const Buffer noise = counting(8);
  int honest = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    wire::Ipv4 h{
        .src = IpAddr::v4(0x0b000000 + i), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
    h.id = static_cast<std::uint16_t>(i);
    h.more_fragments = true;
    host.receive_ip(ipv4(h, noise));
    if (i % 100 < 3) {  // an honest packet, a fragment at a time
      const std::size_t n = i % 100;
      receive(whole, {n * 16, n < 2 ? 16 : whole.size() - 32, n < 2},
              static_cast<std::uint16_t>(i / 100));
      honest += n == 2 ? 1 : 0;
    }
    ASSERT_LE(host.pool.in_use() * 2176U, host.options.u32(Option::ip_reassembly_memory));
  }
  EXPECT_EQ(honest, 1000);
  EXPECT_GE(host.take_delivered().size(), 500U);
  host.advance(61s);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, LetsAFloodOfOneSourceEvictItsOwn) {
  NARU_CHECKS("FR4-013");
  const Buffer whole = datagram(40);
  receive(whole, {0, 16, true}, 7);  // an honest packet, slow
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    wire::Ipv4 h{.src = ip("10.0.0.66"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
    h.id = static_cast<std::uint16_t>(i);
    h.more_fragments = true;
    host.receive_ip(ipv4(h, counting(8)));
  }
  EXPECT_LE(host.pool.in_use() * 2176U, host.options.u32(Option::ip_reassembly_memory) / 2);
  receive(whole, {16, 32, false}, 7);
  EXPECT_EQ(host.take_delivered().size(), 1U);
}

TEST_F(ReassemblyTest, TakesTheHeaderOfTheFirstFragment) {
  NARU_CHECKS("FR4-018");
  const Buffer whole = datagram(24);
  wire::Ipv4 h{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
  h.ttl = 5;
  h.tos = 0x20;
  h.fragment_offset = 16;
  host.receive_ip(ipv4(h, Buffer(whole.begin() + 16, whole.end())));
  h.ttl = 33;
  h.tos = 0x40;
  h.fragment_offset = 0;
  h.more_fragments = true;
  host.receive_ip(ipv4(h, Buffer(whole.begin(), whole.begin() + 16), {1, 1, 1, 0}));
  const auto got = host.take_delivered();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].ttl, 33);
  EXPECT_EQ(got[0].tos, 0x40);
  EXPECT_EQ(got[0].bytes, whole);
}

TEST_F(ReassemblyTest, IgnoresTheReservedFlag) {
  NARU_CHECKS("FR4-019");
  const Buffer whole = datagram(24);
  for (Buffer packet : {fragment(whole, {0, 16, true}), fragment(whole, {16, 16, false})}) {
    packet[6] |= 0x80;
    wire::store_checksum(packet.data() + 10, 0);
    wire::store_checksum(packet.data() + 10, wire::finish(wire::sum_bytes(packet.data(), 20)));
    host.receive_ip(packet);
  }
  EXPECT_EQ(host.take_delivered().size(), 1U);
}

TEST_F(ReassemblyTest, TrustsNoDeviceAboutTheChecksumOfFragments) {
  NARU_CHECKS("FR4-021");
  const Buffer whole = datagram(24);
  for (const Piece piece : {Piece{0, 16, true}, {16, 16, false}}) {
    host.receive(ethernet(kOurMac, kPeerMac, 0x0800, fragment(whole, piece)), 1,
                 ChecksumState::good);
  }
  const auto got = host.take_delivered();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].checksum, ChecksumState::unchecked);
}

TEST_F(ReassemblyTest, TakesTheLongestPacket) {
  NARU_CHECKS("IP4-029");
  const Buffer whole = datagram(65'535 - 20 - 8);
  for (std::size_t at = 0; at < whole.size(); at += 1480) {
    const std::size_t size = std::min<std::size_t>(1480, whole.size() - at);
    receive(whole, {at, size, at + size < whole.size()});
  }
  const auto got = host.take_delivered();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, whole);
  expect_nothing_left();
}

TEST_F(ReassemblyTest, HoldsNoLargeBuffersForSmallFragments) {
  NARU_CHECKS("FR4-020");
  const Buffer whole = datagram(100);
  const Buffer frame = ethernet(kOurMac, kPeerMac, 0x0800, fragment(whole, {0, 16, true}));
  Packet* packet = host.pool.take(60'000);
  std::copy(frame.begin(), frame.end(), packet->data);
  packet->length = static_cast<std::uint32_t>(frame.size());
  packet->interface = 1;
  host.take(packet);
  EXPECT_EQ(host.pool.large_in_use(), 0U);
  EXPECT_EQ(host.pool.small_in_use(), 1U);
}

TEST_F(ReassemblyTest, DoesNotCareForTheIdentificationOfWholePackets) {
  NARU_CHECKS("IP4-031");
  for (int i = 0; i < 3; ++i) {
    wire::Ipv4 h{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp};
    h.id = 5;
    h.dont_fragment = true;
    host.receive_ip(ipv4(h, datagram(10)));
  }
  EXPECT_EQ(host.take_delivered().size(), 3U);
}

TEST_F(ReassemblyTest, MixesNothingWhenIdentificationsWrap) {
  NARU_CHECKS("FR4-022");
  // Two datagrams with one id, of each of which a fragment was lost: what comes out does not
  // verify, so UDP drops it; nothing comes out while pieces do not fit.
  const Buffer old_one = datagram(40);
  Buffer new_one = udp(ip("10.0.0.2"), ip("10.0.0.1"), 1, 2, counting(40, 99));
  receive(old_one, {0, 24, true}, 9);
  receive(new_one, {24, 24, false}, 9);
  const auto got = host.take_delivered();
  ASSERT_EQ(got.size(), 1U);
  const auto view = wire::UdpView::parse(got[0].bytes);
  EXPECT_FALSE(view && view->checksum_ok(ip("10.0.0.2"), ip("10.0.0.1")));
}

}  // namespace
}  // namespace naru::ip::test
