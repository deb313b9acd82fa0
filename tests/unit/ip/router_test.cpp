// What a router does beyond passing packets on: it spreads flows, and gives advice.
//
//   10.1.0.0/24 ── eth0 router eth1 ── 10.2.0.0/24 with the gateways .11 to .14
#include "router.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "wire/ethernet.hpp"

namespace naru::ip::test {
namespace {

constexpr std::uint8_t kGateways = 4;

std::string gateway(std::uint8_t number) { return "10.2.0.1" + std::to_string(number); }

class RouterTest : public TwoNetworks {
 protected:
  RouterTest() {
    host.resolve("10.1.0.6", kOtherMac, 1);
    for (std::uint8_t i = 1; i <= kGateways; ++i) host.resolve(gateway(i), mac(i), 2);
    host.take_sent();
  }
  Route route_by(std::uint8_t number, std::uint32_t metric = 0) {
    return {.prefix = prefix("10.9.0.0/16"),
            .gateway = ip(gateway(number)),
            .source = {},
            .metric = metric,
            .interface = 2};
  }
  void receive(const wire::Ipv4& h, const Buffer& payload) {
    host.receive(ethernet(kInMac, kPeerMac, wire::kEtherTypeIpv4, ipv4(h, payload)), 1);
  }
  // The gateway that a datagram between these ports goes to.
  std::uint8_t way_of(std::uint16_t src_port, std::uint16_t dst_port = 53) {
    const IpAddr from = ip("10.1.0.5");
    const IpAddr to = ip("10.9.0.7");
    receive({.src = from, .dst = to, .protocol = Protocol::udp},
            udp(from, to, src_port, dst_port, counting(10)));
    const auto sent = host.take_sent();
    EXPECT_EQ(sent.size(), 1U);
    return sent.empty() ? std::uint8_t{0} : sent[0].dst().bytes[5];
  }
  std::map<std::uint16_t, std::uint8_t> ways_of_all() {
    std::map<std::uint16_t, std::uint8_t> ways;
    for (std::uint16_t port = 1; port <= 1'000; ++port) ways[port] = way_of(port);
    return ways;
  }
};

TEST_F(RouterTest, SpreadsFlowsOverEqualRoutes) {
  for (std::uint8_t i = 1; i <= kGateways; ++i) ASSERT_TRUE(host.ip.add_route(route_by(i)));
  const auto ways = ways_of_all();
  std::map<std::uint8_t, int> load;
  for (const auto& [port, way] : ways) ++load[way];
  ASSERT_EQ(load.size(), kGateways);
  for (const auto& [way, flows] : load) EXPECT_NEAR(flows, 250, 75) << int(way);
  EXPECT_EQ(ways_of_all(), ways);  // a flow stays where it is
}

TEST_F(RouterTest, MovesOnlyTheFlowsOfAGatewayThatGoes) {
  for (std::uint8_t i = 1; i <= kGateways; ++i) ASSERT_TRUE(host.ip.add_route(route_by(i)));
  const auto before = ways_of_all();
  ASSERT_TRUE(host.ip.remove_route(route_by(2)));
  for (const auto& [port, way] : ways_of_all()) {
    EXPECT_NE(way, 2);
    if (before.at(port) != 2) {
      EXPECT_EQ(way, before.at(port));
    }
  }
}

TEST_F(RouterTest, KeepsToTheBetterMetric) {
  for (std::uint8_t i = 1; i <= kGateways; ++i) {
    ASSERT_TRUE(host.ip.add_route(route_by(i, i == 3 ? 1 : 2)));
  }
  for (const auto& [port, way] : ways_of_all()) EXPECT_EQ(way, 3);
}

TEST_F(RouterTest, KeepsFragmentsTogether) {
  for (std::uint8_t i = 1; i <= kGateways; ++i) ASSERT_TRUE(host.ip.add_route(route_by(i)));
  std::set<MacAddr> ways;
  for (std::uint16_t piece = 0; piece < 50; ++piece) {
    receive({.src = ip("10.1.0.5"),
             .dst = ip("10.9.0.7"),
             .protocol = Protocol::udp,
             .more_fragments = true,
             .id = 7,
             .fragment_offset = static_cast<std::uint16_t>(piece * 64)},
            counting(64, static_cast<std::uint8_t>(piece)));
    for (const Sent& s : host.take_sent()) ways.insert(s.dst());
  }
  EXPECT_EQ(ways.size(), 1U);
}

// What was found for one packet serves for the next, as long as it is true.
TEST_F(RouterTest, NoticesWhateverChangesTheWay) {
  ASSERT_TRUE(host.ip.add_route(route_by(1)));
  const auto send = [&](std::uint8_t ttl = 64, std::size_t size = 30, bool dont_fragment = false) {
    receive({.src = ip("10.1.0.5"),
             .dst = ip("10.9.0.7"),
             .protocol = Protocol::udp,
             .ttl = ttl,
             .dont_fragment = dont_fragment},
            counting(size));
    return host.take_sent();
  };
  const auto way = [&] { return send().at(0).dst().bytes[5]; };
  EXPECT_EQ(way(), 1);
  EXPECT_EQ(way(), 1);
  EXPECT_EQ(send(1).at(0).icmp()->type(), wire::Icmpv4Type::time_exceeded);
  EXPECT_EQ(send(2).at(0).ipv4()->ttl(), 1);

  ASSERT_TRUE(host.ip.set_mtu(2, 576));
  EXPECT_EQ(send(64, 900).size(), 2U);  // in pieces
  EXPECT_EQ(way(), 1);
  EXPECT_EQ(send(64, 900, true).at(0).icmp()->next_hop_mtu(), 576);

  host.resolve(gateway(1), mac(0x77), 2);  // the gateway has another address now
  host.take_sent();
  EXPECT_EQ(way(), 0x77);

  const Route better{
      .prefix = prefix("10.9.0.0/24"), .gateway = ip(gateway(2)), .source = {}, .interface = 2};
  ASSERT_TRUE(host.ip.add_route(better));
  EXPECT_EQ(way(), 2);
  ASSERT_TRUE(host.ip.remove_route(better));
  EXPECT_EQ(way(), 0x77);

  ASSERT_TRUE(host.options.set(Option::ip_reverse_path_filter, 1));
  EXPECT_EQ(way(), 0x77);
  ASSERT_TRUE(host.options.set(Option::ip_forwarding, 0));
  EXPECT_TRUE(send().empty());
  ASSERT_TRUE(host.options.set(Option::ip_forwarding, 1));
  ASSERT_TRUE(host.ip.set_up(2, false, host.now));
  EXPECT_EQ(send().at(0).icmp()->type(), wire::Icmpv4Type::unreachable);
}

// RFC 1812 5.2.7.2: the packet goes its way, and its sender hears of the shorter one.
TEST_F(RouterTest, TellsOfAShorterWay) {
  ASSERT_TRUE(host.ip.add_route(
      {.prefix = prefix("10.8.0.0/16"), .gateway = ip("10.1.0.6"), .source = {}, .interface = 1}));
  const Buffer data = counting(30);
  receive({.src = ip("10.1.0.5"), .dst = ip("10.8.0.9"), .protocol = Protocol::udp}, data);
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 2U);
  ASSERT_TRUE(sent[0].icmp());
  EXPECT_EQ(sent[0].icmp()->type(), wire::Icmpv4Type::redirect);
  EXPECT_EQ(sent[0].icmp()->code(), 1);
  EXPECT_EQ(sent[0].icmp()->gateway(), ip("10.1.0.6"));
  EXPECT_EQ(sent[0].ipv4()->dst(), ip("10.1.0.5"));
  const auto quoted = wire::Ipv4View::parse(sent[0].icmp()->payload());
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->dst(), ip("10.8.0.9"));
  EXPECT_EQ(quoted->ttl(), 64);  // as it came
  EXPECT_EQ(sent[1].dst(), kOtherMac);
  EXPECT_EQ(sent[1].ipv4()->ttl(), 63);
}

TEST_F(RouterTest, AdvisesNobodyWhoCannotFollow) {
  const Route back{
      .prefix = prefix("10.8.0.0/16"), .gateway = ip("10.1.0.6"), .source = {}, .interface = 1};
  ASSERT_TRUE(host.ip.add_route(back));
  const auto receive_from = [&](std::string_view from, Protocol protocol = Protocol::udp,
                                const Buffer& payload = counting(30)) {
    receive({.src = ip(from), .dst = ip("10.8.0.9"), .protocol = protocol}, payload);
    return host.take_sent().size();
  };
  EXPECT_EQ(receive_from("10.3.0.5"), 1U);  // it is not on this network
  EXPECT_EQ(receive_from("10.1.0.6"), 1U);  // it is that gateway
  EXPECT_EQ(
      receive_from("10.1.0.5", Protocol::icmp, icmp(wire::Icmpv4::time_exceeded(0), counting(28))),
      1U);  // nothing about errors (RFC 1122 3.2.2)
  ASSERT_TRUE(host.options.set(Option::ip_send_redirects, 0));
  EXPECT_EQ(receive_from("10.1.0.5"), 1U);
}

}  // namespace
}  // namespace naru::ip::test
