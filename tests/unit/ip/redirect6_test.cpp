// Redirects of IPv6 (RFC 4861 8).
#include <gtest/gtest.h>

#include "autoconf_net.hpp"
#include "dsl/checks.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;

const IpAddr kFar = ip("2001:db8:9::1");

class Redirect6 : public ::testing::Test, public AutoconfNet {
 protected:
  explicit Redirect6(Options options = {{Option::ndp_dad_transmits, 0},
                                        {Option::ip_accept_redirects, 1}})
      : AutoconfNet(std::move(options)) {
    receive(says_prefix("2001:db8:1::/64"));
    EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
  }
  Input redirect(const IpAddr& target, const IpAddr& destination, const IpAddr& from = kRouter) {
    const wire::Redirect message{
        .target = target, .destination = destination, .target_link_layer = kOtherRouterMac};
    return receive_unicast(ndp(from, address(), message));
  }
};

TEST_F(Redirect6, LeadsToABetterRouter) {
  EXPECT_EQ(redirect(kOtherRouter, kFar).action, Input::Action::consumed);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kOtherRouter);
  EXPECT_EQ(next_hop("2001:db8:9::2"), kRouter) << "for this destination only";
  EXPECT_EQ(host.neighbour("fe80::b%1")->mac, kOtherRouterMac);
}

TEST_F(Redirect6, LeadsToTheDestinationItself) {
  EXPECT_EQ(redirect(kFar, kFar).action, Input::Action::consumed);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kFar);
}

TEST_F(Redirect6, IsBelievedOnlyOfTheFirstHop) {
  NARU_CHECKS("IC6-014");
  EXPECT_EQ(redirect(kOtherRouter, kFar, kOtherRouter).reason, Drop::icmp_no_match);
  EXPECT_EQ(redirect(kOtherRouter, kFar, ip("2001:db8:1::a")).reason, Drop::ndp_malformed);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
}

TEST_F(Redirect6, NamesARouterOfTheLinkOrTheDestination) {
  NARU_CHECKS("IC6-014");
  EXPECT_EQ(redirect(ip("2001:db8:1::b"), kFar).reason, Drop::ndp_malformed);
  EXPECT_EQ(redirect(kOtherRouter, ip("ff0e::1")).reason, Drop::ndp_malformed);
  EXPECT_EQ(redirect(ip("ff02::1"), kFar).reason, Drop::ndp_malformed);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
}

class Redirect6Off : public Redirect6 {
 protected:
  Redirect6Off() : Redirect6({{Option::ndp_dad_transmits, 0}}) {}
};

TEST_F(Redirect6Off, IsIgnoredUnlessItIsAskedFor) {
  NARU_CHECKS("IC6-014");
  EXPECT_EQ(redirect(kOtherRouter, kFar).reason, Drop::icmp_ignored);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
}

class Redirect6Router : public Redirect6 {
 protected:
  Redirect6Router()
      : Redirect6({{Option::ndp_dad_transmits, 0},
                   {Option::ip_accept_redirects, 1},
                   {Option::ip_forwarding, 1},
                   {Option::ndp_accept_ra, 2}}) {}

  // What a host of the link is told when it sends to somewhere.
  std::vector<Sent> forward(const IpAddr& to) {
    host.take_sent();
    const IpAddr from = ip("2001:db8:1::77");
    receive_unicast(ipv6(header6(Protocol::udp, from, to), udp(from, to, 7, 8, counting(40))));
    receive_unicast(ndp(from, address(),
                        wire::NeighbourAdvertisement{
                            .target = from, .solicited = true, .target_link_layer = kPeerMac}));
    return sent(Icmpv6Type::redirect);
  }
};

TEST_F(Redirect6Router, IsIgnoredByARouter) {
  NARU_CHECKS("IC6-014");
  EXPECT_EQ(redirect(kOtherRouter, kFar).reason, Drop::icmp_ignored);
  EXPECT_EQ(next_hop("2001:db8:9::1"), kRouter);
}

TEST_F(Redirect6Router, TellsAHostOfTheOtherRouter) {
  const auto told = forward(kFar);
  ASSERT_EQ(told.size(), 1U);
  const auto packet = ipv6_of(told[0]);
  EXPECT_TRUE(packet->src().is_link_local());
  EXPECT_EQ(packet->dst(), ip("2001:db8:1::77"));
  EXPECT_EQ(packet->hop_limit(), 255);
  EXPECT_EQ(told[0].dst(), kPeerMac);
  const auto view = wire::NdpView::parse(packet->payload());
  EXPECT_EQ(view->target(), kRouter);
  EXPECT_EQ(view->destination(), kFar);
  EXPECT_EQ(wire::NdpOptions::of(view->options()).target_link_layer, kRouterMac);
}

TEST_F(Redirect6Router, TellsAHostOfItsNeighbour) {
  const auto told = forward(ip("2001:db8:1::78"));
  ASSERT_EQ(told.size(), 1U);
  const auto view = wire::NdpView::parse(ipv6_of(told[0])->payload());
  EXPECT_EQ(view->target(), view->destination());
}

}  // namespace
}  // namespace naru::ip::test
