// Router discovery at a host (RFC 4861 6.1.2, 6.3; RFC 7559; RFC 4191; RFC 8106).
#include <gtest/gtest.h>

#include "autoconf_net.hpp"
#include "dsl/checks.hpp"

namespace naru::ip::test {
namespace {

using Kind = Learned::Kind;
using wire::Icmpv6Type;

class RouterDiscovery : public ::testing::Test, public AutoconfNet {
 protected:
  explicit RouterDiscovery(Options options = {{Option::ndp_dad_transmits, 0}})
      : AutoconfNet(std::move(options)) {}

  // The times of the questions within so long, from now on.
  std::vector<Duration> questions(Duration within) {
    const Time begin = host.now;
    const Time end = host.now + within;
    std::vector<Duration> times;
    host.take_sent();
    while (host.ip.next_deadline() <= end) {
      host.advance(std::max(Duration{1}, host.ip.next_deadline() - host.now));
      for (std::size_t n = sent(Icmpv6Type::router_solicitation).size(); n > 0; --n) {
        times.push_back(host.now - begin);
      }
    }
    host.advance(end - host.now);
    return times;
  }
};

TEST_F(RouterDiscovery, AsksWithLongerAndLongerWaits) {
  NARU_CHECKS("IC6-026");
  const auto times = questions(24h);
  ASSERT_GE(times.size(), 30U);
  EXPECT_LE(times[0], 1s);
  Duration expected = 4s;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const Duration wait = times[i] - times[i - 1];
    EXPECT_GE(wait, expected - expected / 9) << i;
    EXPECT_LE(wait, expected + expected / 9) << i;
    expected = std::min<Duration>(2 * wait, 1h);
  }
}

TEST_F(RouterDiscovery, AQuestionSaysWhoAsks) {
  NARU_CHECKS("IC6-026");
  host.advance(1s);
  const auto asked = sent(Icmpv6Type::router_solicitation);
  ASSERT_EQ(asked.size(), 1U);
  const auto packet = ipv6_of(asked[0]);
  EXPECT_EQ(packet->dst(), wire::kAllRouters);
  EXPECT_EQ(packet->hop_limit(), 255);
  EXPECT_TRUE(packet->src().is_link_local());
  EXPECT_EQ(asked[0].dst(), wire::group_mac_v6(wire::kAllRouters));
  const auto view = wire::NdpView::parse(packet->payload());
  EXPECT_EQ(wire::NdpOptions::of(view->options()).source_link_layer, kOurMac);
}

TEST_F(RouterDiscovery, AnAnswerEndsTheQuestions) {
  NARU_CHECKS("IC6-026");
  EXPECT_EQ(questions(2s).size(), 1U);
  receive(says(0));
  EXPECT_EQ(questions(10s).size(), 1U) << "who is no default router is no answer";
  receive(says());
  EXPECT_TRUE(questions(24h).empty());
}

TEST_F(RouterDiscovery, BelievesOnlyNeighbours) {
  NARU_CHECKS("IC6-013");
  EXPECT_EQ(receive(says(), ip("2001:db8::a")).reason, Drop::ndp_malformed);
  wire::Ipv6 header = header6(Protocol::icmpv6, kRouter, wire::kAllNodes);
  header.hop_limit = 254;
  Buffer message(wire::RouterAdvertisement::kMaxSize);
  message.resize(says().emit(message.data()));
  EXPECT_EQ(receive(icmpv6(header, message)).reason, Drop::ndp_malformed);
  header.hop_limit = 255;
  message[1] = 1;  // the code
  EXPECT_EQ(receive(icmpv6(header, message)).reason, Drop::ndp_malformed);
  message[1] = 0;
  EXPECT_EQ(receive(icmpv6(header, Buffer(message.begin(), message.begin() + 12))).reason,
            Drop::ndp_malformed);
  EXPECT_EQ(receive_options({3, 0, 0, 0, 0, 0, 0, 0}).reason, Drop::ndp_malformed);
  auto group_mac = says();
  group_mac.source_link_layer = MacAddr::broadcast();
  EXPECT_EQ(receive(group_mac).reason, Drop::ndp_malformed);
  EXPECT_EQ(count(Kind::router), 0U);
  EXPECT_EQ(receive(icmpv6(header, message)).action, Input::Action::consumed);
  EXPECT_EQ(count(Kind::router), 1U);
}

TEST_F(RouterDiscovery, ADefaultRouterIsOneForItsLifetime) {
  NARU_CHECKS("IC6-021", "IC6-024");
  EXPECT_EQ(next_hop("2001:db8:9::1"), IpAddr());
  receive(says_prefix("2001:db8:1::/64"));
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
  EXPECT_EQ(host.neighbour("fe80::a%1")->mac, kRouterMac);
  host.advance(1799s);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
  host.advance(1s);
  EXPECT_EQ(next_hop("2001:db8:9::1"), IpAddr()) << "its route goes with it";
  receive(says());
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
  receive(says(0));
  EXPECT_EQ(next_hop("2001:db8:9::1"), IpAddr()) << "it says so itself";
}

TEST_F(RouterDiscovery, TakesTheRouterWithThePreference) {
  NARU_CHECKS("IC6-024");
  receive(says_prefix("2001:db8:1::/64"));
  auto other = says();
  other.source_link_layer = kOtherRouterMac;
  other.fields.preference = RouterPreference::high;
  receive(other, kOtherRouter);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kOtherRouter);
  other.fields.preference = RouterPreference::low;
  receive(other, kOtherRouter);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
  EXPECT_EQ(count(Kind::router), 2U);
}

TEST_F(RouterDiscovery, ARouterThatDoesNotAnswerIsLeftForAnother) {
  NARU_CHECKS("IC6-024");
  auto first = says_prefix("2001:db8:1::/64");
  first.fields.preference = RouterPreference::high;
  receive(first);
  auto other = says();
  other.source_link_layer = kOtherRouterMac;
  receive(other, kOtherRouter);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
  host.send("2001:db8:9::1", counting(20));
  host.advance(5s + 4s);  // DELAY, and three questions
  EXPECT_EQ(next_hop("2001:db8:9::1"), kOtherRouter);
}

TEST_F(RouterDiscovery, AppliesWhatRoutersSayOfTheLink) {
  NARU_CHECKS("IC6-021");
  auto ra = says_prefix("2001:db8:1::/64");
  ra.fields.hop_limit = 70;
  ra.fields.reachable_time = 10'000;
  ra.fields.retransmit_time = 3'000;
  ra.fields.is_managed = true;
  receive(ra);
  const Interface& eth0 = host.ip.at_interface(1);
  EXPECT_GE(eth0.reachable_time, 5s);
  EXPECT_LE(eth0.reachable_time, 15s);
  EXPECT_EQ(eth0.retransmit_time, 3s);
  EXPECT_TRUE(eth0.is_managed);
  host.take_sent();
  host.send("2001:db8:9::1", counting(20));
  auto sent = host.take_sent();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(ipv6_of(sent.back())->hop_limit(), 70);
  receive(says());  // nothing said of any of it
  EXPECT_EQ(eth0.hop_limit, 70);
  EXPECT_EQ(eth0.retransmit_time, 3s);
}

TEST_F(RouterDiscovery, AHopLimitThatLeadsNowhereIsIgnored) {
  NARU_CHECKS("IC6-022");
  receive(says_prefix("2001:db8:1::/64"));
  for (const std::uint8_t low : {1, 2, 31}) {
    auto ra = says();
    ra.fields.hop_limit = low;
    receive(ra);
    host.take_sent();
    host.send("2001:db8:9::1", counting(20));
    EXPECT_EQ(ipv6_of(host.take_sent().back())->hop_limit(), 64);
  }
}

TEST_F(RouterDiscovery, AnMtuIsWithinItsBounds) {
  NARU_CHECKS("IC6-023");
  receive(says_prefix("2001:db8:1::/64"));
  const auto mtu = [&] {
    return host.ip.at(*host.ip.destination(ip("2001:db8:9::1"), IpAddr(), host.now)).mtu;
  };
  for (const std::uint32_t wrong : {1U, 1279U, 1501U, 9000U, 0xffff'ffffU}) {
    auto ra = says();
    ra.mtu = wrong;
    receive(ra);
    EXPECT_EQ(mtu(), 1500) << wrong;
  }
  receive_options({5, 1, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(mtu(), 1500) << 0;
  auto ra = says();
  ra.mtu = 1280;
  receive(ra);
  EXPECT_EQ(mtu(), 1280);
}

TEST_F(RouterDiscovery, OnlyWhatARouterCallsOnLinkIs) {
  NARU_CHECKS("IC6-025");
  receive(says_prefix("2001:db8:1::/64", 86'400, 14'400, false));
  EXPECT_NE(address(), IpAddr());
  EXPECT_EQ(next_hop("2001:db8:1::99"), kRouter) << "a prefix of ours is not the link's by that";
  receive(says_prefix("2001:db8:1::/64", 3'600, 1'800, true));
  EXPECT_EQ(next_hop("2001:db8:1::99"), ip("2001:db8:1::99"));
  host.advance(1700s);
  receive(says());
  host.advance(1700s);
  EXPECT_EQ(next_hop("2001:db8:1::99"), ip("2001:db8:1::99"));
  receive(says());
  host.advance(200s);
  EXPECT_EQ(next_hop("2001:db8:1::99"), kRouter) << "as long as it was said to be";
  receive(says_prefix("2001:db8:1::/64", 3'600, 1'800, true));
  receive(says_prefix("2001:db8:1::/64", 0, 0, true, false));
  EXPECT_EQ(next_hop("2001:db8:1::99"), kRouter) << "or until it is said not to be";
}

TEST_F(RouterDiscovery, AFloodTakesNothingFromWhatIsThere) {
  NARU_CHECKS("IC6-035");
  auto first = says_prefix("2001:db8:1::/64");
  first.name_servers[0] = ip("2001:db8::53");
  first.name_server_count = 1;
  first.name_server_lifetime = 3'600;
  receive(first);
  const IpAddr ours = address();
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    auto ra = says();
    std::array<std::uint8_t, 16> bytes = ip("2001:db9::").bytes();
    store_be16(bytes.data() + 4, static_cast<std::uint16_t>(i));
    ra.prefixes[0] = {{IpAddr::v6(bytes), 64}, true, true, 86'400, 14'400};
    ra.prefix_count = 1;
    ra.name_servers[0] = IpAddr::v6(bytes);
    ra.name_server_count = 1;
    ra.name_server_lifetime = 3'600;
    bytes = kRouter.bytes();
    store_be16(bytes.data() + 12, static_cast<std::uint16_t>(i + 1));
    receive(ra, IpAddr::v6(bytes));
  }
  EXPECT_EQ(count(Kind::router), 16U);
  EXPECT_EQ(count(Kind::on_link), 32U);
  EXPECT_EQ(count(Kind::name_server), 8U);
  EXPECT_LE(addresses().size(), 16U);
  EXPECT_TRUE(host.ip.is_local(ours));
  EXPECT_EQ(next_hop("2001:db8:1::99"), ip("2001:db8:1::99"));
  EXPECT_GT(host.count(Drop::ndp_table_full), 0U);
}

TEST_F(RouterDiscovery, KeepsNameServersAndDomainsForTheirLifetimes) {
  NARU_CHECKS("IC6-036");
  const Buffer servers{25, 3, 0, 0, 0, 0, 0, 60, 0x20, 1, 0xd, 0xb8,
                       0,  0, 0, 0, 0, 0, 0, 0,  0,    0, 0,   0x53};
  const Buffer domains{31, 2, 0, 0, 0, 0, 0, 30, 3, 'l', 'a', 'b', 0, 0, 0, 0};
  receive_options(servers + domains);
  EXPECT_EQ(count(Kind::name_server), 1U);
  EXPECT_EQ(count(Kind::search_domain), 1U);
  host.ip.for_each_learned(1, [](const Learned& l) {
    if (l.what == Kind::name_server) {
      EXPECT_EQ(l.prefix.addr, ip("2001:db8::53"));
    } else if (l.what == Kind::search_domain) {
      EXPECT_EQ(l.domain.to_string(), "lab");
    }
  });
  host.advance(30s);
  EXPECT_EQ(count(Kind::search_domain), 0U);
  EXPECT_EQ(count(Kind::name_server), 1U);
  host.advance(30s);
  EXPECT_EQ(count(Kind::name_server), 0U);

  receive_options(servers);
  Buffer over = servers;
  over[7] = 0;
  receive_options(over);
  EXPECT_EQ(count(Kind::name_server), 0U) << "a lifetime of 0";
  Buffer even = servers + Buffer(8);
  even[1] = 4;
  receive_options(even);
  EXPECT_EQ(count(Kind::name_server), 0U) << "an even length (CVE-2020-16898)";
}

TEST_F(RouterDiscovery, WhoDoesNotListenLearnsNothing) {
  ASSERT_TRUE(host.ip.set_autoconf(1, false, host.now));
  EXPECT_EQ(receive(says_prefix("2001:db8:1::/64")).reason, Drop::icmp_ignored);
  EXPECT_TRUE(questions(60s).empty());
  EXPECT_EQ(address(), IpAddr());
}

TEST_F(RouterDiscovery, WhatCameByThatGoesWithIt) {
  receive(says_prefix("2001:db8:1::/64"));
  ASSERT_NE(address(), IpAddr());
  ASSERT_TRUE(host.ip.set_autoconf(1, false, host.now));
  EXPECT_EQ(address(), IpAddr());
  EXPECT_EQ(next_hop("2001:db8:9::1"), IpAddr());
  EXPECT_EQ(count(Kind::router) + count(Kind::on_link), 0U);
}

class RoutersListen : public ::testing::TestWithParam<int> {};

// As in Linux: a router does not take others for its gateway, unless it is told to.
TEST_P(RoutersListen, OnlyWhereTheyAreTold) {
  AutoconfNet net({{Option::ip_forwarding, 1}, {Option::ndp_accept_ra, GetParam()}});
  net.receive(AutoconfNet::says());
  EXPECT_EQ(net.count(Kind::router), GetParam() == 2 ? 1U : 0U);
}
INSTANTIATE_TEST_SUITE_P(Accept, RoutersListen, ::testing::Values(0, 1, 2));

TEST_F(RouterDiscovery, GoesOnAfterADeath) {
  receive(says_prefix("2001:db8:1::/64"));
  host.ip.recover(host.now);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
  host.advance(1800s);
  EXPECT_EQ(next_hop("2001:db8:9::1"), IpAddr());
  host.advance(24h);
  EXPECT_EQ(address(), IpAddr());
}

}  // namespace
}  // namespace naru::ip::test
