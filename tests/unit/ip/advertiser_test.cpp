// Router advertisements as routers send them (RFC 4861 6.2).
#include <gtest/gtest.h>

#include "autoconf_net.hpp"
#include "dsl/checks.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;

class Advertiser : public ::testing::Test {
 protected:
  Advertiser() : router({.options = {{Option::ip_forwarding, 1}}}) {
    what.prefixes.push_back({.prefix = prefix("2001:db8:1::/64")});
    what.name_servers.push_back(ip("2001:db8:1::53"));
    what.mtu = 1400;
    router.ip.set_stable_secret({7, 7});  // another's than the hosts'
    EXPECT_TRUE(router.ip.add_address(1, prefix("2001:db8:1::1/64"), router.now));
    router.collect();
    router.take_sent();
  }
  struct Heard {
    Duration at;
    Sent frame;
  };
  std::vector<Heard> heard(Duration within) {
    const Time begin = router.now;
    const Time end = router.now + within;
    std::vector<Heard> found;
    const auto look = [&] {
      for (Sent& s : router.take_sent()) {
        const auto icmp = icmpv6_of(s);
        if (!icmp || icmp->type() != Icmpv6Type::router_advertisement) continue;
        found.push_back({router.now - begin, std::move(s)});
      }
    };
    look();
    while (router.ip.next_deadline() <= end) {
      router.advance(std::max(Duration{1}, router.ip.next_deadline() - router.now));
      look();
    }
    router.advance(end - router.now);
    look();
    return found;
  }
  Input solicit(const IpAddr& from, std::optional<MacAddr> mac = kPeerMac) {
    return router.receive(ethernet(wire::group_mac_v6(wire::kAllRouters), kPeerMac,
                                   wire::kEtherTypeIpv6,
                                   ndp(from, wire::kAllRouters, wire::RouterSolicitation{mac})));
  }

  Host router;
  RouterAdvertising what;
};

TEST_F(Advertiser, OftenAtFirstAndThenNowAndThen) {
  ASSERT_TRUE(router.ip.advertise(1, what, router.now));
  const auto all = heard(1h);
  ASSERT_GE(all.size(), 3'600U / 600);
  EXPECT_LE(all[0].at, 500ms);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Duration wait = all[i].at - all[i - 1].at;
    EXPECT_LE(wait, i <= 3 ? Duration(16s) : Duration(600s)) << i;
    EXPECT_GE(wait, i <= 3 ? Duration(3s) : Duration(200s)) << i;
  }
}

TEST_F(Advertiser, SaysWhatItIsToldAndAHostBelievesIt) {
  ASSERT_TRUE(router.ip.advertise(1, what, router.now));
  const auto first = heard(1s);
  ASSERT_EQ(first.size(), 1U);
  const auto packet = ipv6_of(first[0].frame);
  EXPECT_EQ(packet->dst(), wire::kAllNodes);
  EXPECT_EQ(packet->hop_limit(), 255);
  EXPECT_TRUE(packet->src().is_link_local());
  AutoconfNet net({{Option::ndp_dad_transmits, 0}});
  net.host.receive(first[0].frame.bytes);
  EXPECT_TRUE(prefix("2001:db8:1::/64").contains(net.address()));
  EXPECT_EQ(net.next_hop("2001:db8:9::1"), packet->src());
  EXPECT_EQ(net.next_hop("2001:db8:1::9"), ip("2001:db8:1::9"));
  EXPECT_EQ(net.count(Learned::Kind::name_server), 1U);
  EXPECT_EQ(net.host.ip.at_interface(1).link_mtu, 1400);
}

TEST_F(Advertiser, AnswersWhoAsksButNotTooOften) {
  ASSERT_TRUE(router.ip.advertise(1, what, router.now));
  heard(60s);
  EXPECT_EQ(solicit(ip("fe80::77")).action, Input::Action::consumed);
  EXPECT_EQ(heard(500ms).size(), 1U);
  EXPECT_EQ(router.neighbour("fe80::77%1")->mac, kPeerMac);
  for (int i = 0; i < 100; ++i) solicit(IpAddr::any_v6(), std::nullopt);
  EXPECT_TRUE(heard(2s).empty());
  EXPECT_EQ(heard(2s).size(), 1U);
}

TEST_F(Advertiser, RefusesQuestionsThatContradictThemselves) {
  ASSERT_TRUE(router.ip.advertise(1, what, router.now));
  heard(60s);
  EXPECT_EQ(solicit(IpAddr::any_v6(), kPeerMac).reason, Drop::ndp_malformed);
  EXPECT_EQ(solicit(ip("fe80::77"), MacAddr::broadcast()).reason, Drop::ndp_malformed);
}

TEST_F(Advertiser, SaysGoodbye) {
  ASSERT_TRUE(router.ip.advertise(1, what, router.now));
  const auto first = heard(1s);
  router.ip.stop_advertising(1, router.now);
  router.collect();
  const auto last = heard(1h);
  ASSERT_EQ(last.size(), 1U);
  AutoconfNet net({{Option::ndp_dad_transmits, 0}});
  net.host.receive(first[0].frame.bytes);
  ASSERT_EQ(net.count(Learned::Kind::router), 1U);
  net.host.receive(last[0].frame.bytes);
  EXPECT_EQ(net.count(Learned::Kind::router), 0U);
  EXPECT_EQ(solicit(ip("fe80::77")).action, Input::Action::dropped);
}

TEST_F(Advertiser, IsARouterAndMakesSense) {
  const auto refuses = [&](const RouterAdvertising& wrong) {
    const Status status = router.ip.advertise(1, wrong, router.now);
    return !status && status.error() == Error::invalid;
  };
  auto wrong = what;
  wrong.prefixes.resize(5, what.prefixes[0]);
  EXPECT_TRUE(refuses(wrong));
  wrong = what;
  wrong.prefixes[0].prefix = prefix("10.0.0.0/24");
  EXPECT_TRUE(refuses(wrong));
  wrong = what;
  wrong.prefixes[0].preferred_lifetime = 60 * 24h;
  EXPECT_TRUE(refuses(wrong));
  wrong = what;
  wrong.mtu = 1279;
  EXPECT_TRUE(refuses(wrong));
  wrong = what;
  wrong.router_lifetime = 9001s;
  EXPECT_TRUE(refuses(wrong));
  Host host;
  EXPECT_FALSE(host.ip.advertise(1, what, host.now));
}

}  // namespace
}  // namespace naru::ip::test
