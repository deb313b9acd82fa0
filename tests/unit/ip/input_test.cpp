// Frames and packets in: what is delivered, and what is refused under which name.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"

namespace naru::ip::test {
namespace {

constexpr std::uint16_t kIp = wire::kEtherTypeIpv4;

class InputTest : public ::testing::Test {
 protected:
  static wire::Ipv4 header(std::string_view from = "10.0.0.2", std::string_view to = "10.0.0.1") {
    return {.src = ip(from), .dst = ip(to), .protocol = Protocol::udp};
  }
  static Buffer datagram(std::string_view from = "10.0.0.2", std::string_view to = "10.0.0.1",
                         const Buffer& payload = counting(30)) {
    return ipv4(header(from, to), udp(ip(from), ip(to), 1000, 2000, payload));
  }
  // What the host does with a packet after one change to it; the checksum is made right again.
  Drop drop_of(Buffer packet, std::size_t offset, std::uint8_t value) {
    packet[offset] = value;
    const std::size_t size = std::min<std::size_t>((packet[0] & 0xfU) * 4, packet.size());
    wire::store_checksum(packet.data() + 10, 0);
    wire::store_checksum(packet.data() + 10, wire::finish(wire::sum_bytes(packet.data(), size)));
    return host.receive_ip(packet).reason;
  }
  bool delivers(const Buffer& packet) {
    const bool delivered = host.receive_ip(packet).action == Input::Action::deliver;
    host.take_delivered();
    return delivered;
  }

  Host host;
};

TEST_F(InputTest, DeliversTheTransportUnitWithItsAddresses) {
  NARU_CHECKS("IP4-010", "IP4-012");
  const Buffer unit = udp(ip("10.0.0.2"), ip("10.0.0.1"), 1, 2, counting(10));
  for (const int ttl : {0, 1, 64, 255}) {
    wire::Ipv4 h = header();
    h.ttl = static_cast<std::uint8_t>(ttl);
    h.tos = 0xb8;
    host.receive_ip(ipv4(h, unit));
    const auto got = host.take_delivered();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].bytes, unit);
    EXPECT_EQ(got[0].source, ip("10.0.0.2"));
    EXPECT_EQ(got[0].destination, ip("10.0.0.1"));
    EXPECT_EQ(got[0].protocol, 17);
    EXPECT_EQ(got[0].ttl, ttl);
    EXPECT_EQ(got[0].tos, 0xb8);
    EXPECT_FALSE(got[0].group);
  }
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(InputTest, DropsRuntsAndUnknownTypes) {
  NARU_CHECKS("LNK-001", "LNK-007");
  const Buffer frame = ethernet(kOurMac, kPeerMac, kIp, datagram());
  for (long length = 0; length < 14; ++length) {
    EXPECT_EQ(host.receive(Buffer(frame.begin(), frame.begin() + length)).reason,
              Drop::frame_truncated);
  }
  for (const std::uint16_t type : {0x1234, 0x8847, 0x0000, 0x0040, 0x05dc, 0x05ff}) {
    EXPECT_EQ(host.receive(ethernet(kOurMac, kPeerMac, type, datagram())).reason,
              Drop::unknown_ether_type)
        << type;
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(InputTest, CutsOffThePaddingOfTheFrame) {
  NARU_CHECKS("LNK-002", "IP4-003");
  const Buffer unit = udp(ip("10.0.0.2"), ip("10.0.0.1"), 1, 2, {});
  host.receive_ip(ipv4(header(), unit) + counting(18, 0xee));
  const auto got = host.take_delivered();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].bytes, unit);
}

TEST_F(InputTest, DropsUnicastInABroadcastFrame) {
  NARU_CHECKS("LNK-004");
  EXPECT_EQ(host.receive_ip(datagram(), 1, MacAddr::broadcast()).reason, Drop::ip_link_broadcast);
  const MacAddr group{{1, 0, 0x5e, 0, 0, 1}};
  EXPECT_EQ(host.receive_ip(datagram(), 1, group).reason, Drop::ip_link_broadcast);
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(InputTest, TakesPriorityTagsAndNoOtherVlan) {
  NARU_CHECKS("LNK-005", "LNK-006");
  const auto tagged = [&](const std::vector<std::uint16_t>& tags) {
    Buffer payload;
    for (std::size_t i = 0; i < tags.size(); ++i) {
      Buffer tag(4);
      store_be16(tag.data(), tags[i]);
      store_be16(tag.data() + 2, i + 1 == tags.size() ? kIp : wire::kEtherTypeVlan);
      payload = payload + tag;
    }
    return ethernet(kOurMac, kPeerMac, wire::kEtherTypeVlan, payload + datagram());
  };
  EXPECT_EQ(host.receive(tagged({0})).action, Input::Action::deliver);
  EXPECT_EQ(host.receive(tagged({0xe000})).action, Input::Action::deliver);
  EXPECT_EQ(host.receive(tagged({77})).reason, Drop::vlan_unknown);
  EXPECT_EQ(host.receive(tagged({0, 0})).action, Input::Action::deliver);
  for (std::size_t depth = 3; depth <= 40; ++depth) {
    EXPECT_EQ(host.receive(tagged(std::vector<std::uint16_t>(depth))).reason,
              Drop::frame_truncated);
  }
  EXPECT_EQ(host.receive(ethernet(kOurMac, kPeerMac, wire::kEtherTypeVlan, {0, 0, 8})).reason,
            Drop::frame_truncated);
}

TEST_F(InputTest, ReadsAPacketOfManyBuffersLikeOneOfOne) {
  NARU_CHECKS("LNK-008");
  const Buffer unit = udp(ip("10.0.0.2"), ip("10.0.0.1"), 1, 2, counting(40));
  const Buffer frame =
      ethernet(kOurMac, kPeerMac, kIp, ipv4(header(), unit, {7, 7, 4, 0, 0, 0, 0}));
  for (std::size_t i = 0; i <= frame.size(); ++i) {
    for (std::size_t j = i; j <= frame.size(); j += 5) {
      const auto at = [&](std::size_t n) { return frame.begin() + static_cast<long>(n); };
      host.receive_chain({Buffer(at(0), at(i)), Buffer(at(i), at(j)), Buffer(at(j), frame.end())});
      const auto got = host.take_delivered();
      ASSERT_EQ(got.size(), 1U) << i << " " << j;
      EXPECT_EQ(got[0].bytes, unit);
    }
  }
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(InputTest, DropsFramesForOthers) {
  NARU_CHECKS("LNK-022");
  EXPECT_EQ(host.receive_ip(datagram(), 1, kOtherMac).reason, Drop::frame_not_for_us);
}

TEST_F(InputTest, TakesJumboFramesWhole) {
  NARU_CHECKS("LNK-021");
  for (const std::size_t size : {9'018U, 16'384U, 60'000U}) {
    const Buffer payload = counting(size - 14 - 20 - 8);
    host.receive_ip(datagram("10.0.0.2", "10.0.0.1", payload));
    const auto got = host.take_delivered();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].bytes.size(), payload.size() + 8);
  }
}

TEST_F(InputTest, DropsOtherVersions) {
  NARU_CHECKS("IP4-001");
  for (const unsigned version : {0U, 5U, 6U, 15U}) {
    EXPECT_EQ(drop_of(datagram(), 0, static_cast<std::uint8_t>(version << 4U | 5U)),
              Drop::ip_bad_header);
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(InputTest, DropsImpossibleHeaderLengths) {
  NARU_CHECKS("IP4-002");
  for (unsigned ihl = 0; ihl < 5; ++ihl) {
    EXPECT_EQ(drop_of(datagram(), 0, static_cast<std::uint8_t>(0x40U | ihl)), Drop::ip_bad_header);
  }
  EXPECT_EQ(drop_of(ipv4(header(), {1, 2, 3, 4}), 0, 0x4f), Drop::ip_bad_header);
}

TEST_F(InputTest, DropsTotalLengthsThatDoNotFit) {
  NARU_CHECKS("IP4-003");
  const Buffer unit = udp(ip("10.0.0.2"), ip("10.0.0.1"), 1, 2, counting(20));
  const auto with_length = [&](std::size_t length) {
    wire::Ipv4 h = header();
    h.total_length = static_cast<std::uint16_t>(length);
    return host.receive_ip(ipv4(h, unit));
  };
  const std::size_t right = 20 + unit.size();
  EXPECT_EQ(with_length(right + 1).reason, Drop::ip_bad_header);
  EXPECT_EQ(with_length(19).reason, Drop::ip_bad_header);
  EXPECT_EQ(with_length(65'535).reason, Drop::ip_bad_header);
  EXPECT_EQ(with_length(right - 1).action, Input::Action::deliver);
  EXPECT_EQ(host.take_delivered().at(0).bytes.size(), unit.size() - 1);
}

TEST_F(InputTest, VerifiesTheHeaderChecksum) {
  NARU_CHECKS("IP4-004");
  const Buffer good = datagram();
  for (std::size_t bit = 0; bit < 20 * 8; ++bit) {
    Buffer bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_EQ(host.receive_ip(bad).action, Input::Action::dropped) << bit;
  }
  EXPECT_TRUE(host.take_delivered().empty());
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_GT(host.count(Drop::ip_bad_checksum), 100U);
}

TEST_F(InputTest, DropsSourcesThatCannotBe) {
  NARU_CHECKS("IP4-006", "IP4-008", "UDP-008");
  for (const char* from : {"255.255.255.255", "10.0.0.255", "224.0.0.1", "239.1.1.1", "127.0.0.1",
                           "127.255.0.1", "240.0.0.1", "254.1.1.1", "0.0.0.5"}) {
    EXPECT_EQ(host.receive_ip(datagram(from)).reason, Drop::ip_bad_source) << from;
    wire::Ipv4 syn = header(from);
    syn.protocol = Protocol::tcp;
    EXPECT_EQ(host.receive_ip(ipv4(syn, counting(20))).reason, Drop::ip_bad_source) << from;
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(InputTest, TakesNoSourceOnlyFromHostsThatAskForOne) {
  NARU_CHECKS("IP4-007");
  const auto from_nobody = [&](std::uint16_t port) {
    const IpAddr all = ip("255.255.255.255");
    return host.receive_ip(
        ipv4(header("0.0.0.0", "255.255.255.255"), udp(ip("0.0.0.0"), all, 68, port, counting(9))),
        1, MacAddr::broadcast());
  };
  EXPECT_EQ(from_nobody(67).action, Input::Action::deliver);
  EXPECT_EQ(from_nobody(68).action, Input::Action::deliver);
  EXPECT_EQ(from_nobody(53).reason, Drop::ip_bad_source);
  wire::Ipv4 syn = header("0.0.0.0");
  syn.protocol = Protocol::tcp;
  EXPECT_EQ(host.receive_ip(ipv4(syn, counting(20))).reason, Drop::ip_bad_source);
}

TEST_F(InputTest, DropsLoopbackDestinationsFromTheWire) {
  NARU_CHECKS("IP4-008");
  EXPECT_EQ(host.receive_ip(datagram("10.0.0.2", "127.0.0.1")).reason, Drop::ip_martian);
  EXPECT_EQ(host.receive_ip(datagram("10.0.0.2", "127.9.9.9")).reason, Drop::ip_martian);
}

TEST_F(InputTest, DropsPacketsThatPretendToBeOurs) {
  NARU_CHECKS("IP4-009");
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp}) {
    wire::Ipv4 h = header("10.0.0.1", "10.0.0.1");
    h.protocol = protocol;
    EXPECT_EQ(host.receive_ip(ipv4(h, echo_request(1, 1, counting(20)))).reason,
              Drop::ip_bad_source);
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(InputTest, TakesItsAddressesBroadcastsAndGroupsAndNoOthers) {
  NARU_CHECKS("IP4-010");
  ASSERT_TRUE(host.ip.add_address(1, prefix("10.0.5.1/24"), host.now));
  ASSERT_TRUE(host.ip.join(1, ip("239.1.2.3"), host.now));
  for (const char* to : {"10.0.0.1", "10.0.5.1"}) EXPECT_TRUE(delivers(datagram("10.0.0.2", to)));
  for (const char* to : {"10.0.0.255", "10.0.5.255", "255.255.255.255", "239.1.2.3", "224.0.0.1"}) {
    const Input in = host.receive_ip(datagram("10.0.0.2", to), 1, MacAddr::broadcast());
    EXPECT_EQ(in.action, Input::Action::deliver) << to;
    EXPECT_TRUE(host.take_delivered().at(0).group);
  }
  for (const char* to : {"10.0.0.9", "10.0.9.255", "239.1.2.4", "8.8.8.8", "0.0.0.0"}) {
    EXPECT_EQ(host.receive_ip(datagram("10.0.0.2", to)).reason, Drop::ip_not_for_us) << to;
  }
  host.ip.leave(1, ip("239.1.2.3"), host.now);
  EXPECT_FALSE(delivers(datagram("10.0.0.2", "239.1.2.3")));
}

TEST_F(InputTest, IsOfTheWeakEndSystemModel) {
  NARU_CHECKS("IP4-011");
  ASSERT_EQ(host.ip.add_interface("eth1", kOtherMac, 1500, host.now), 2);
  ASSERT_TRUE(host.ip.add_address(2, prefix("10.2.0.1/24"), host.now));
  host.collect();
  EXPECT_TRUE(delivers(datagram("10.0.0.2", "10.2.0.1")));
  // The broadcast address of another interface's network is not.
  EXPECT_FALSE(delivers(datagram("10.0.0.2", "10.2.0.255")));
}

TEST_F(InputTest, WalksOptionsAndRefusesMalformedOnes) {
  NARU_CHECKS("IP4-014", "IP4-016");
  const auto with = [&](const Buffer& options) {
    return host.receive_ip(ipv4(header(), counting(20), options));
  };
  EXPECT_EQ(with({1, 1, 1, 0}).action, Input::Action::deliver);
  EXPECT_EQ(with({0x99, 4, 0xaa, 0xbb}).action, Input::Action::deliver);
  for (const std::uint8_t pointer : {0, 3, 4, 8, 255}) {  // record route: never written
    EXPECT_EQ(with({7, 7, pointer, 1, 2, 3, 4, 0}).action, Input::Action::deliver);
    EXPECT_EQ(with({68, 8, pointer, 0, 1, 2, 3, 4}).action, Input::Action::deliver);
  }
  host.take_sent();
  for (const std::uint8_t length : {0, 1, 9, 255}) {
    EXPECT_EQ(with({0x99, length, 0, 0}).reason, Drop::ip_option_malformed);
  }
}

TEST_F(InputTest, DropsSourceRoutes) {
  NARU_CHECKS("IP4-015");
  for (const std::uint8_t type : {131, 137}) {
    for (const std::uint8_t pointer : {4, 8}) {
      EXPECT_EQ(
          host.receive_ip(ipv4(header(), counting(20), {type, 7, pointer, 10, 0, 0, 9})).reason,
          Drop::ip_source_route);
    }
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(InputTest, SaysThatAProtocolIsUnknown) {
  NARU_CHECKS("UDP-023");
  host.resolve("10.0.0.2");
  host.take_sent();
  for (const int protocol : {33, 132, 136}) {
    wire::Ipv4 h = header();
    h.protocol = static_cast<Protocol>(protocol);
    EXPECT_EQ(host.receive_ip(ipv4(h, counting(20))).reason, Drop::ip_unknown_protocol);
  }
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0].icmp()->type(), wire::Icmpv4Type::unreachable);
  EXPECT_EQ(sent[0].icmp()->code(), 2);
}

TEST_F(InputTest, ChecksTheReversePath) {
  NARU_CHECKS("IP4-039");
  ASSERT_EQ(host.ip.add_interface("eth1", kOtherMac, 1500, host.now), 2);
  ASSERT_TRUE(host.ip.add_address(2, prefix("10.2.0.1/24"), host.now));
  const auto spoofed = [&] { return host.receive_ip(datagram("10.2.0.9", "10.0.0.1")).action; };
  const auto unroutable = [&] { return host.receive_ip(datagram("8.8.8.8", "10.0.0.1")).action; };
  EXPECT_EQ(spoofed(), Input::Action::deliver);
  ASSERT_TRUE(host.options.set(Option::ip_reverse_path_filter, 1));
  EXPECT_EQ(spoofed(), Input::Action::dropped);
  EXPECT_EQ(unroutable(), Input::Action::dropped);
  EXPECT_TRUE(delivers(datagram()));
  ASSERT_TRUE(host.options.set(Option::ip_reverse_path_filter, 2));
  EXPECT_EQ(spoofed(), Input::Action::deliver);
  EXPECT_EQ(unroutable(), Input::Action::dropped);
}

}  // namespace
}  // namespace naru::ip::test
