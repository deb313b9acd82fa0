// IPv6 packets in and out, and the addresses of a host.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host6.hpp"
#include "ip/autoconf/stable_address.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;

class Ipv6Test : public ::testing::Test {
 protected:
  Buffer datagram(const IpAddr& src = kPeer6, const IpAddr& dst = kOur6) {
    return udp(src, dst, 1, 2, counting(30));
  }
  Input receive(const wire::Ipv6& header) {
    return host.receive6(ipv6(header, datagram(header.src, header.dst)));
  }
  Drop drop_from(std::string_view source) {
    return receive(header6(Protocol::udp, ip(source))).reason;
  }
  Drop drop_to(std::string_view destination) {
    return receive(header6(Protocol::udp, kPeer6, ip(destination))).reason;
  }

  Host6 host;
};

// --- in --------------------------------------------------------------------------------------

TEST_F(Ipv6Test, DeliversWhatIsForUs) {
  NARU_CHECKS("IP6-001", "IP6-002", "IP6-003");
  for (int i = 0; i < 2; ++i) {  // judged, then known
    for (const std::uint8_t hops : {0, 1, 255}) {
      wire::Ipv6 header = header6();
      header.hop_limit = hops;
      header.traffic_class = 0xab;
      header.flow_label = 0xfffff;
      host.receive6(ipv6(header, datagram()) + Buffer(7, 0xee));
      const auto got = host.take_delivered();
      ASSERT_EQ(got.size(), 1U);
      EXPECT_EQ(got[0].bytes, datagram());
      EXPECT_EQ(got[0].source, kPeer6);
      EXPECT_EQ(got[0].destination, kOur6);
      EXPECT_EQ(got[0].ttl, hops);
      EXPECT_EQ(got[0].tos, 0xab);
      EXPECT_FALSE(got[0].group);
    }
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(Ipv6Test, DropsWhatItsLengthOrVersionContradicts) {
  NARU_CHECKS("IP6-001");
  const Buffer good = ipv6(header6(), datagram());
  for (std::size_t n = 0; n < good.size(); ++n) {
    const Drop reason =
        host.receive6(Buffer(good.begin(), good.begin() + static_cast<long>(n))).reason;
    EXPECT_EQ(reason, n < 40 ? Drop::ip_truncated : Drop::ip_bad_header) << n;
  }
  for (unsigned version = 0; version < 16; ++version) {
    if (version == 6) continue;
    Buffer bad = good;
    bad[0] = static_cast<std::uint8_t>(version << 4U);
    EXPECT_EQ(host.receive6(bad).reason, Drop::ip_bad_header);
  }
  EXPECT_TRUE(host.take_delivered().empty());
}

TEST_F(Ipv6Test, RefusesAddressesThatAreOnNoWire) {
  NARU_CHECKS("IP6-004");
  for (const char* source : {"ff02::1", "ff0e::1", "::1", "2001:db8::1"}) {
    EXPECT_EQ(drop_from(source), Drop::ip_bad_source) << source;
  }
  EXPECT_EQ(drop_from("::ffff:10.0.0.2"), Drop::ip_bad_source);
  // Link-local addresses with more than fe80::/64 in front; the last of them is what a zone
  // looks like inside.
  for (const Buffer& middle : {Buffer{0, 0, 0, 0, 0, 1}, Buffer{0, 1, 0xff, 0xfe, 0, 0}}) {
    Buffer packet = ipv6(header6(Protocol::udp, ip("fe80::2")), datagram(ip("fe80::2")));
    std::copy(middle.begin(), middle.end(), packet.begin() + 10);
    EXPECT_EQ(host.receive6(packet).reason, Drop::ip_bad_source);
  }
  EXPECT_EQ(drop_to("::ffff:10.0.0.1"), Drop::ip_martian);
  for (const char* destination : {"::1", "::", "ff00::1", "ff01::1", "2001:db8::9"}) {
    EXPECT_EQ(drop_to(destination), Drop::ip_not_for_us) << destination;
  }
  EXPECT_TRUE(host.take_delivered().empty());
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(Ipv6Test, NobodySpeaksWithoutAnAddress) {
  NARU_CHECKS("IP6-005");
  EXPECT_EQ(drop_from("::"), Drop::ip_bad_source);
  const wire::Ipv6 segment = header6(Protocol::tcp, IpAddr::any_v6());
  EXPECT_EQ(host.receive6(ipv6(segment, counting(20))).reason, Drop::ip_bad_source);
}

TEST_F(Ipv6Test, UnicastInABroadcastFrameIsNotTaken) {
  const Buffer packet = ipv6(header6(), datagram());
  EXPECT_EQ(host.receive6(packet, MacAddr::broadcast()).reason, Drop::ip_link_broadcast);
}

TEST_F(Ipv6Test, HearsItsGroups) {
  NARU_CHECKS("IP6-033");
  const IpAddr own = host.link_local();
  for (const IpAddr& group :
       {wire::kAllNodes, wire::solicited_node(kOur6), wire::solicited_node(own)}) {
    host.receive6(ipv6(header6(Protocol::udp, kPeer6, group), datagram(kPeer6, group)),
                  wire::group_mac_v6(group));
    const auto got = host.take_delivered();
    ASSERT_EQ(got.size(), 1U) << group.to_string();
    EXPECT_TRUE(got[0].group);
  }
  EXPECT_EQ(drop_to("ff02::1:ff00:9"), Drop::ip_not_for_us);
}

TEST_F(Ipv6Test, AnUnknownNextHeaderIsAnsweredWhereItStands) {
  NARU_CHECKS("IP6-008");
  host.know_peer();
  for (const int next : {138, 253}) {
    host.receive6(ipv6(header6(static_cast<Protocol>(next)), counting(20)));
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    const auto icmp = icmpv6_of(sent[0]);
    ASSERT_TRUE(icmp);
    EXPECT_EQ(icmp->type(), Icmpv6Type::parameter_problem);
    EXPECT_EQ(icmp->code(), 1);
    EXPECT_EQ(icmp->rest(), 6U);
    EXPECT_EQ(icmp->payload().size(), 60U);
  }
}

TEST_F(Ipv6Test, BehindNoNextHeaderThereIsNothing) {
  NARU_CHECKS("IP6-009");
  host.know_peer();
  host.receive6(ipv6(header6(static_cast<Protocol>(59)), counting(20)));
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_TRUE(host.take_delivered().empty());
}

// --- out -------------------------------------------------------------------------------------

TEST_F(Ipv6Test, SendsWithItsHeaderComplete) {
  host.know_peer();
  host.send("2001:db8::2", counting(30), {.protocol = Protocol::udp, .tos = 0x1c, .ttl = 9});
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].dst(), kPeerMac);
  const auto packet = ipv6_of(sent[0]);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->src(), kOur6);
  EXPECT_EQ(packet->dst(), kPeer6);
  EXPECT_EQ(packet->traffic_class(), 0x1c);
  EXPECT_EQ(packet->hop_limit(), 9);
  EXPECT_EQ(packet->payload().size(), 30U);
}

TEST_F(Ipv6Test, AFlowKeepsItsLabel) {
  NARU_CHECKS("IP6-027");
  host.know_peer();
  const auto label = [&](std::string_view remote, std::uint16_t port) {
    const auto to = host.ip.destination(ip(remote), IpAddr(), host.now).value();
    TxFrame frame;
    frame.header_length = static_cast<std::uint16_t>(host.ip.transport_offset(to) + 8);
    store_be32(frame.header.data() + host.ip.transport_offset(to), 0x00500000U + port);
    host.ip.output(frame, to, {.protocol = Protocol::udp}, host.now);
    return wire::Ipv6View::parse_quote(Bytes(frame.header).subspan(14))->flow_label();
  };
  std::vector<std::uint32_t> seen;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const std::uint32_t one = label("2001:db8::2", port);
    EXPECT_NE(one, 0U);
    EXPECT_EQ(label("2001:db8::2", port), one);
    EXPECT_NE(label("2001:db8::3", port), one);
    seen.push_back(one);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_F(Ipv6Test, GroupsHaveTheirFrameAddress) {
  host.send("ff02::fb", counting(20));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].dst().to_string(), "33:33:00:00:00:fb");
  EXPECT_EQ(ipv6_of(sent[0])->hop_limit(), 1);
  EXPECT_EQ(ipv6_of(sent[0])->src(), host.link_local().without_zone());
}

TEST_F(Ipv6Test, EachFamilyHasItsDefaultRoute) {
  ASSERT_TRUE(host.ip.add_route(
      {.prefix = prefix("::/0"), .gateway = ip("fe80::99"), .source = {}, .interface = 1}));
  EXPECT_EQ(host.ip.destination(ip("192.0.2.1"), IpAddr(), host.now).error(),
            Error::network_unreachable);
  const auto far = host.ip.destination(ip("2001:db8:9::1"), IpAddr(), host.now);
  ASSERT_TRUE(far);
  EXPECT_EQ(host.ip.at(*far).next_hop, ip("fe80::99%1"));
  EXPECT_EQ(host.ip.at(*far).source, kOur6);
}

TEST_F(Ipv6Test, FamiliesDoNotMix) {
  EXPECT_EQ(host.ip.destination(kPeer6, ip("10.0.0.1"), host.now).error(),
            Error::network_unreachable);
  EXPECT_EQ(host.ip.destination(ip("10.0.0.2"), kOur6, host.now).error(),
            Error::network_unreachable);
}

// --- addresses -------------------------------------------------------------------------------

TEST_F(Ipv6Test, TheFirstAddressBringsALinkLocalOne) {
  NARU_CHECKS("IC6-034");
  const IpAddr own = host.link_local();
  EXPECT_EQ(own.zone(), 1);
  EXPECT_TRUE(host.ip.is_local(own));
  EXPECT_FALSE(host.ip.is_local(own.without_zone()));
  const auto eui64 = ip("fe80::ff:fe00:1");
  EXPECT_NE(own.without_zone(), eui64) << "the MAC address is nobody's business";
  ASSERT_TRUE(host.ip.remove_address(1, own.without_zone()));
  EXPECT_EQ(host.link_local(), IpAddr());
  ASSERT_TRUE(host.ip.enable_ipv6(1, host.now));
  EXPECT_EQ(host.link_local(), own) << "stable (RFC 7217)";
}

TEST_F(Ipv6Test, RemovedAddressesAreGoneWithTheirGroupAndRoute) {
  ASSERT_TRUE(host.ip.remove_address(1, kOur6));
  EXPECT_EQ(drop_to("2001:db8::1"), Drop::ip_not_for_us);
  EXPECT_EQ(drop_to("ff02::1:ff00:1"), Drop::ip_not_for_us);
  EXPECT_EQ(host.ip.destination(kPeer6, IpAddr(), host.now).error(), Error::network_unreachable);
}

TEST_F(Ipv6Test, IsForLinksThatCarry1280Bytes) {
  NARU_CHECKS("IP6-025");
  ASSERT_EQ(host.ip.add_interface("small", mac(9), 1279, host.now), 2);
  EXPECT_EQ(host.ip.add_address(2, prefix("2001:db8:2::1/64"), host.now).error(), Error::invalid);
  EXPECT_EQ(host.ip.set_mtu(1, 1279).error(), Error::invalid);
  EXPECT_TRUE(host.ip.set_mtu(1, 1280));
}

TEST(StableAddress, DependsOnNetworkInterfaceAndAttempt) {
  NARU_CHECKS("IC6-034");
  const SipKey key{1, 2};
  const IpAddr one = stable_address(key, ip("2001:db8::"), kOurMac, 0);
  EXPECT_TRUE(prefix("2001:db8::/64").contains(one));
  EXPECT_EQ(stable_address(key, ip("2001:db8::"), kOurMac, 0), one);
  const auto identifier = [](const IpAddr& a) { return load_be64(a.bytes().data() + 8); };
  EXPECT_NE(identifier(stable_address(key, ip("2001:db8:1::"), kOurMac, 0)), identifier(one));
  EXPECT_NE(identifier(stable_address(key, ip("2001:db8::"), kPeerMac, 0)), identifier(one));
  EXPECT_NE(identifier(stable_address(key, ip("2001:db8::"), kOurMac, 1)), identifier(one));
  EXPECT_NE(identifier(stable_address({3, 4}, ip("2001:db8::"), kOurMac, 0)), identifier(one));
}

TEST(StableAddress, KnowsReservedIdentifiers) {
  EXPECT_TRUE(is_reserved_identifier(0));
  EXPECT_TRUE(is_reserved_identifier(0x0200'5eff'fe00'5213U));
  EXPECT_TRUE(is_reserved_identifier(0xfdff'ffff'ffff'ff80U));
  EXPECT_TRUE(is_reserved_identifier(0xfdff'ffff'ffff'ffffU));
  EXPECT_FALSE(is_reserved_identifier(0xfe00'0000'0000'0000U));
  EXPECT_FALSE(is_reserved_identifier(1));
}

}  // namespace
}  // namespace naru::ip::test
