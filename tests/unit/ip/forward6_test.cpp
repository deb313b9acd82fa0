// A router of IPv6 between two networks:
//
//   2001:db8:1::/64 ── eth0 router eth1 ── 2001:db8:2::/64 with the gateways ::11 and ::12
#include <set>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host6.hpp"

namespace naru::ip::test {
namespace {

constexpr MacAddr kInMac = mac(0x11);
constexpr MacAddr kOutMac = mac(0x12);
const IpAddr kSender = ip("2001:db8:1::5");
const IpAddr kTarget = ip("2001:db8:2::7");
const IpAddr kFarTarget = ip("2001:db8:9::7");

class Forward6Test : public ::testing::Test {
 protected:
  Forward6Test() : host({.options = {{Option::ip_forwarding, 1}}, .with_interface = false}) {
    EXPECT_EQ(host.ip.add_interface("eth0", kInMac, 9'000, host.now), 1);
    EXPECT_EQ(host.ip.add_interface("eth1", kOutMac, 1'500, host.now), 2);
    EXPECT_TRUE(host.ip.add_address(1, prefix("2001:db8:1::1/64"), host.now));
    EXPECT_TRUE(host.ip.add_address(2, prefix("2001:db8:2::1/64"), host.now));
    host.advance(5s);
    know("2001:db8:1::5", kPeerMac, 1);
    know("2001:db8:2::7", kOtherMac, 2);
    host.collect();
    host.take_sent();
  }
  void know(std::string_view addr, const MacAddr& at, std::uint8_t interface) {
    ASSERT_TRUE(host.ip.add_permanent_neighbour(interface, ip(addr), at, host.now));
  }
  void add_gateway(std::string_view addr, const MacAddr& at) {
    know(addr, at, 2);
    ASSERT_TRUE(host.ip.add_route(
        {.prefix = prefix("2001:db8:9::/48"), .gateway = ip(addr), .source = {}, .interface = 2}));
  }
  // What the router sends because of a packet from the first network.
  std::vector<Sent> route(const wire::Ipv6& header, const Buffer& payload,
                          const MacAddr& to = kInMac) {
    input = host.receive(ethernet(to, kPeerMac, wire::kEtherTypeIpv6, ipv6(header, payload)), 1);
    return host.take_sent();
  }
  wire::Ipv6 to(const IpAddr& target, std::uint8_t hop_limit = 64) const {
    wire::Ipv6 header = header6(Protocol::udp, kSender, target);
    header.hop_limit = hop_limit;
    return header;
  }
  // The only thing that the router says is this error, to the sender of that packet.
  void expect_error(const std::vector<Sent>& sent, const Buffer& packet, wire::Icmpv6Type type,
                    std::uint8_t code, std::uint32_t rest = 0) {
    ASSERT_EQ(sent.size(), 1U);
    const auto header = ipv6_of(sent[0]);
    const auto icmp = icmpv6_of(sent[0]);
    ASSERT_TRUE(header && icmp);
    EXPECT_EQ(sent[0].interface, 1);
    EXPECT_EQ(header->dst(), kSender);
    EXPECT_EQ(header->src(), ip("2001:db8:1::1"));
    EXPECT_EQ(icmp->type(), type);
    EXPECT_EQ(icmp->code(), code);
    EXPECT_EQ(icmp->rest(), rest);
    EXPECT_LE(header->total_length(), wire::Ipv6::kMinMtu);
    const Bytes quote = icmp->payload();  // as it came, with its hop limit
    ASSERT_LE(quote.size(), packet.size());
    EXPECT_TRUE(std::equal(quote.begin(), quote.end(), packet.begin()));
  }

  Host host;
  Input input;
};

TEST_F(Forward6Test, PassesAPacketOnAndLowersItsHopLimit) {
  wire::Ipv6 header = to(kTarget);
  header.traffic_class = 0xb8;
  header.flow_label = 0x12345;
  const Buffer payload = counting(100);
  const auto sent = route(header, payload);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].interface, 2);
  EXPECT_EQ(sent[0].dst(), kOtherMac);
  EXPECT_EQ(sent[0].src(), kOutMac);
  header.hop_limit = 63;
  EXPECT_EQ(sent[0].bytes,
            ethernet(kOtherMac, kOutMac, wire::kEtherTypeIpv6, ipv6(header, payload)));
  EXPECT_EQ(host.counters.get(Counter::ip_forwarded), 1U);
}

TEST_F(Forward6Test, IsNoRouterUnlessAsked) {
  ASSERT_TRUE(host.options.set(Option::ip_forwarding, 0));
  EXPECT_TRUE(route(to(kTarget), counting(10)).empty());
  EXPECT_EQ(input.reason, Drop::ip_not_for_us);
}

// Whatever is in a packet is for its receiver: the router does not open it.
TEST_F(Forward6Test, LeavesExtensionHeadersAlone) {
  NARU_CHECKS("IP6-036");
  wire::Ipv6 header = to(kTarget);
  header.next_header = static_cast<Protocol>(0);  // hop-by-hop options, of which one is unknown
  const Buffer payload = Buffer{17, 0, 0xfe, 4, 1, 2, 3, 4} + counting(16);
  const auto sent = route(header, payload);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].interface, 2);
  EXPECT_TRUE(std::ranges::equal(ipv6_of(sent[0])->payload(), payload));
  header.next_header = static_cast<Protocol>(253);  // RFC 7045 2.1: what nobody knows, too
  const auto unknown = route(header, payload);
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].interface, 2);
  EXPECT_EQ(ipv6_of(unknown[0])->next_header(), static_cast<Protocol>(253));
  EXPECT_TRUE(std::ranges::equal(ipv6_of(unknown[0])->payload(), payload));
}

// RFC 6398 4.2: an alert costs a router no more than any other packet.
TEST_F(Forward6Test, IsNotAlarmedByAlerts) {
  NARU_CHECKS("IP6-031");
  wire::Ipv6 header = to(kTarget);
  header.next_header = static_cast<Protocol>(0);
  const Buffer payload = Buffer{17, 0, 5, 2, 0, 0, 1, 0} + counting(16);
  for (int i = 0; i < 10'000; ++i) {
    const auto sent = route(header, payload);
    ASSERT_EQ(sent.size(), 1U);
    ASSERT_EQ(sent[0].interface, 2);
  }
  EXPECT_EQ(host.pool.in_use(), 0U);
  EXPECT_EQ(host.counters.get(Counter::icmp_out), 0U);
}

TEST_F(Forward6Test, AsksForAnUnknownNeighbour) {
  const IpAddr unknown = ip("2001:db8:2::99");
  const auto asked = route(to(unknown), counting(10));
  ASSERT_EQ(asked.size(), 1U);
  ASSERT_TRUE(icmpv6_of(asked[0]));
  EXPECT_EQ(icmpv6_of(asked[0])->type(), wire::Icmpv6Type::neighbour_solicitation);
  const IpAddr us = ipv6_of(asked[0])->src();
  host.receive(
      ethernet(kOutMac, kOtherMac, wire::kEtherTypeIpv6,
               ndp(unknown, us,
                   wire::NeighbourAdvertisement{
                       .target = unknown, .solicited = true, .target_link_layer = kOtherMac})),
      2);
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ipv6_of(sent[0])->dst(), unknown);
  EXPECT_EQ(ipv6_of(sent[0])->hop_limit(), 63);
}

TEST_F(Forward6Test, SaysThatANeighbourDoesNotAnswer) {
  route(to(ip("2001:db8:2::99")), counting(10));
  host.advance(10s);
  std::vector<Sent> errors;
  for (Sent& s : host.take_sent()) {
    if (s.interface == 1) errors.push_back(std::move(s));
  }
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(icmpv6_of(errors[0])->type(), wire::Icmpv6Type::unreachable);
  EXPECT_EQ(icmpv6_of(errors[0])->code(),
            static_cast<std::uint8_t>(wire::Icmpv6Unreachable::address));
}

TEST_F(Forward6Test, EndsTheLifeOfAPacket) {
  const Buffer payload = counting(30);
  for (const std::uint8_t left : {0, 1}) {
    expect_error(route(to(kTarget, left), payload), ipv6(to(kTarget, left), payload),
                 wire::Icmpv6Type::time_exceeded, 0);
    EXPECT_EQ(input.reason, Drop::ip_ttl_expired);
    host.advance(2s);
  }
  EXPECT_EQ(ipv6_of(route(to(kTarget, 2), payload).at(0))->hop_limit(), 1);
}

TEST_F(Forward6Test, KnowsNoWay) {
  NARU_CHECKS("IP6-034");
  const Buffer payload = counting(30);
  expect_error(route(to(kFarTarget), payload), ipv6(to(kFarTarget), payload),
               wire::Icmpv6Type::unreachable, 0);
  EXPECT_EQ(input.reason, Drop::ip_no_route);
}

TEST_F(Forward6Test, CutsNothing) {
  NARU_CHECKS("IP6-024");
  const Buffer fits = counting(1'500 - wire::Ipv6::kHeaderSize);
  EXPECT_EQ(route(to(kTarget), fits).at(0).interface, 2);
  const Buffer too_long = fits + Buffer{0};
  expect_error(route(to(kTarget), too_long), ipv6(to(kTarget), too_long), wire::Icmpv6Type::too_big,
               0, 1'500);
  EXPECT_EQ(input.reason, Drop::ip_needs_fragmentation);
  ASSERT_TRUE(host.ip.set_mtu(2, wire::Ipv6::kMinMtu));
  host.advance(2s);
  expect_error(route(to(kTarget), fits), ipv6(to(kTarget), fits), wire::Icmpv6Type::too_big, 0,
               wire::Ipv6::kMinMtu);
}

TEST_F(Forward6Test, KeepsToTheirLinkWhatStaysThere) {
  NARU_CHECKS("IP6-035");
  for (const char* target : {"fe80::9", "ff01::1", "ff02::9", "ff05::2", "ff0e::1", "::1", "::"}) {
    EXPECT_TRUE(route(to(ip(target)), counting(10)).empty()) << target;
    EXPECT_EQ(input.reason, Drop::ip_martian) << target;
  }
  EXPECT_TRUE(route(to(kTarget), counting(10), MacAddr::broadcast()).empty());
  EXPECT_EQ(input.reason, Drop::ip_link_broadcast);
  for (const char* source : {"ff02::1", "::1", "2001:db8:1::1"}) {
    EXPECT_TRUE(route(header6(Protocol::udp, ip(source), kTarget), counting(10)).empty());
    EXPECT_EQ(input.reason, Drop::ip_bad_source) << source;
  }
  EXPECT_TRUE(route(header6(Protocol::icmpv6, ip("::"), kTarget), counting(10)).empty());
  EXPECT_EQ(input.reason, Drop::ip_martian);
}

// RFC 4862 5.4: a neighbour is asked for it by who probes, and by nobody else.
TEST_F(Forward6Test, DoesNotLookForAnAddressThatItProbes) {
  ASSERT_TRUE(host.options.set(Option::arp_probe_count, 1));
  ASSERT_TRUE(host.ip.add_address(2, prefix("2001:db8:2::77/64"), host.now));
  host.collect();
  host.take_sent();
  EXPECT_TRUE(route(to(ip("2001:db8:2::77")), counting(10)).empty());
  EXPECT_EQ(input.reason, Drop::ip_not_for_us);
}

// RFC 4007 9: who can be reached on that link only, is told so.
TEST_F(Forward6Test, TellsWhoseAddressDoesNotReachThatFar) {
  NARU_CHECKS("IP6-034", "IP6-035");
  const IpAddr neighbour = ip("fe80::5");
  ASSERT_TRUE(host.ip.add_permanent_neighbour(1, neighbour.with_zone(1), kPeerMac, host.now));
  const auto sent = route(header6(Protocol::udp, neighbour, kTarget), counting(10));
  EXPECT_EQ(input.reason, Drop::ip_martian);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ipv6_of(sent[0])->dst(), neighbour);
  EXPECT_EQ(icmpv6_of(sent[0])->type(), wire::Icmpv6Type::unreachable);
  EXPECT_EQ(icmpv6_of(sent[0])->code(),
            static_cast<std::uint8_t>(wire::Icmpv6Unreachable::beyond_scope));
}

TEST_F(Forward6Test, SaysNothingAboutErrors) {
  Buffer message(wire::Icmpv6::kHeaderSize);
  wire::Icmpv6::time_exceeded(0).emit(message.data());
  wire::Ipv6 header = to(kTarget, 1);
  header.next_header = Protocol::icmpv6;
  EXPECT_TRUE(route(header, message + counting(40)).empty());
  EXPECT_EQ(input.reason, Drop::ip_ttl_expired);
}

TEST_F(Forward6Test, FiltersTheReversePath) {
  ASSERT_TRUE(host.options.set(Option::ip_reverse_path_filter, 1));
  EXPECT_EQ(route(to(kTarget), counting(10)).size(), 1U);
  EXPECT_TRUE(route(header6(Protocol::udp, ip("2001:db8:2::55"), kTarget), counting(10)).empty());
  EXPECT_EQ(input.reason, Drop::ip_reverse_path);
}

// What was found for one packet serves for the next, as long as it is true.
TEST_F(Forward6Test, NoticesWhateverChangesTheWay) {
  add_gateway("2001:db8:2::11", mac(0x21));
  const auto send = [&](std::uint8_t hop_limit = 64, std::size_t size = 30) {
    return route(to(kFarTarget, hop_limit), counting(size));
  };
  const auto way = [&] { return send().at(0).dst().bytes[5]; };
  EXPECT_EQ(way(), 0x21);
  EXPECT_EQ(way(), 0x21);
  EXPECT_EQ(icmpv6_of(send(1).at(0))->type(), wire::Icmpv6Type::time_exceeded);
  EXPECT_EQ(ipv6_of(send(2).at(0))->hop_limit(), 1);
  EXPECT_TRUE(route(to(kFarTarget), counting(10), MacAddr::broadcast()).empty());
  // Another source from the same place, and the same one from another.
  const wire::Ipv6 other = header6(Protocol::udp, ip("2001:db8:1::6"), kFarTarget);
  EXPECT_EQ(route(other, counting(10)).at(0).dst().bytes[5], 0x21);

  ASSERT_TRUE(host.ip.set_mtu(2, 1'280));
  EXPECT_EQ(icmpv6_of(send(64, 1'400).at(0))->type(), wire::Icmpv6Type::too_big);
  EXPECT_EQ(way(), 0x21);
  know("2001:db8:2::11", mac(0x77), 2);  // the gateway has another address now
  EXPECT_EQ(way(), 0x77);

  know("2001:db8:2::12", mac(0x22), 2);
  const Route better{.prefix = prefix("2001:db8:9::/64"),
                     .gateway = ip("2001:db8:2::12"),
                     .source = {},
                     .interface = 2};
  ASSERT_TRUE(host.ip.add_route(better));
  EXPECT_EQ(way(), 0x22);
  ASSERT_TRUE(host.ip.remove_route(better));
  EXPECT_EQ(way(), 0x77);

  ASSERT_TRUE(host.options.set(Option::ip_reverse_path_filter, 1));
  EXPECT_EQ(way(), 0x77);
  ASSERT_TRUE(host.options.set(Option::ip_forwarding, 0));
  EXPECT_TRUE(send().empty());
  ASSERT_TRUE(host.options.set(Option::ip_forwarding, 1));
  ASSERT_TRUE(host.ip.set_up(2, false, host.now));
  EXPECT_EQ(icmpv6_of(send().at(0))->type(), wire::Icmpv6Type::unreachable);
}

// One pair of addresses, several ways: they are not to be remembered by the addresses.
TEST_F(Forward6Test, SpreadsFlowsAndKeepsEachOnItsWay) {
  add_gateway("2001:db8:2::11", mac(0x21));
  add_gateway("2001:db8:2::12", mac(0x22));
  const auto way = [&](std::uint32_t label, std::uint16_t port) {
    wire::Ipv6 header = to(kFarTarget);
    header.flow_label = label;
    const auto sent = route(header, udp(kSender, kFarTarget, port, 53, counting(10)));
    return sent.empty() ? MacAddr() : sent[0].dst();
  };
  std::set<MacAddr> by_label;
  std::set<MacAddr> by_port;
  for (std::uint16_t i = 1; i <= 64; ++i) {
    const MacAddr chosen = way(i, 7);
    EXPECT_EQ(way(i, 8), chosen);  // one flow, as its sender sees it (RFC 6438)
    by_label.insert(chosen);
    by_port.insert(way(0, i));
  }
  EXPECT_EQ(by_label.size(), 2U);
  EXPECT_EQ(by_port.size(), 2U);
}

}  // namespace
}  // namespace naru::ip::test
