// An address of a router's prefix that is ready while the link-local one is still being probed
// (RFC 4862 5.4): what is said with the one meanwhile, and that nothing is with the other.
#include <gtest/gtest.h>

#include "autoconf_net.hpp"
#include "dsl/checks.hpp"
#include "wire/ipv6_extension.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;

const IpAddr kNeighbour = ip("2001:db8:1::99");

class TentativeLinkLocal : public ::testing::Test, public AutoconfNet {
 protected:
  // The link-local address is somebody else's, twice, and made up anew each time; the probe of
  // the other has two seconds at most.
  TentativeLinkLocal() {
    auto ra = says_prefix("2001:db8:1::/64");
    ra.source_link_layer = {};
    receive(ra);
    for (int i = 0; i < 2; ++i) {
      live(900ms);
      receive(ndp(link_local().without_zone(), wire::kAllNodes,
                  wire::NeighbourAdvertisement{.target = link_local().without_zone(),
                                               .target_link_layer = kPeerMac}));
    }
    live(200ms);
    EXPECT_EQ(state(address()), AddressState::valid);
    EXPECT_EQ(state(link_local()), AddressState::tentative);
    frames.clear();
  }

  IpAddr link_local() {
    IpAddr found;
    host.ip.for_each_address([&](const AddressInfo& a) {
      if (a.prefix.addr.is_v6() && a.prefix.addr.is_link_local()) found = a.prefix.addr;
    });
    return found;
  }
  std::optional<AddressState> state(const IpAddr& addr) {
    std::optional<AddressState> found;
    host.ip.for_each_address([&](const AddressInfo& a) {
      if (a.prefix.addr == addr) found = a.state;
    });
    return found;
  }

  // What has left, none of it from an address that is not ours yet.
  void take() {
    host.collect();
    for (Sent& s : host.take_sent()) {
      const auto packet = ipv6_of(s);
      if (!packet) continue;
      const IpAddr& from = packet->src();
      const bool is_allowed = from.is_any() || state(from) == AddressState::valid ||
                              state(from.with_zone(1)) == AddressState::valid;
      EXPECT_TRUE(is_allowed) << from.to_string() << " to " << packet->dst().to_string();
      frames.push_back(std::move(s));
    }
  }
  void live(Duration by) {
    const Time end = host.now + by;
    while (host.now < end) {
      const Time next = std::max(host.now + 1ns, host.ip.next_deadline());
      host.advance(std::min(next, end) - host.now);
      take();
    }
  }
  void until_it_is_ready() {
    while (state(link_local()) == AddressState::tentative) live(1ms);
    ASSERT_EQ(state(link_local()), AddressState::valid);
  }
  // Of the frames taken, those with a message of that type.
  std::vector<Sent> taken(Icmpv6Type type) {
    std::vector<Sent> found;
    for (const Sent& s : frames) {
      const auto packet = ipv6_of(s);
      if (packet->next_header() != Protocol::icmpv6) continue;
      if (icmpv6_of(s)->type() == type) found.push_back(s);
    }
    return found;
  }
  // Who asked for that neighbour, and whether he said where he is.
  struct Question {
    IpAddr source;
    bool has_mac = false;
    bool operator==(const Question&) const = default;
  };
  std::vector<Question> questions_for(const IpAddr& target) {
    std::vector<Question> found;
    for (const Sent& s : taken(Icmpv6Type::neighbour_solicitation)) {
      const auto view = wire::NdpView::parse(ipv6_of(s)->payload());
      if (view->target() != target) continue;
      const auto options = wire::NdpOptions::of(view->options());
      found.push_back({ipv6_of(s)->src(), options.source_link_layer == kOurMac});
    }
    return found;
  }
  Verdict send_to(const IpAddr& to) { return host.send(to.to_string(), counting(20)); }

  std::vector<Sent> frames;
};

TEST_F(TentativeLinkLocal, ANeighbourIsAskedForByTheOther) {
  NARU_CHECKS("IC6-027");
  send_to(kNeighbour);
  take();
  EXPECT_EQ(questions_for(kNeighbour), (std::vector<Question>{{address(), true}}));
  until_it_is_ready();
}

TEST_F(TentativeLinkLocal, TheRouterIsAskedForByTheOtherToo) {
  NARU_CHECKS("IC6-027");
  EXPECT_EQ(source_for("2001:db8:9::1"), address());
  send_to(ip("2001:db8:9::1"));
  take();
  EXPECT_EQ(questions_for(kRouter), (std::vector<Question>{{address(), true}}));
  receive_unicast(ndp(kRouter, address(),
                      wire::NeighbourAdvertisement{
                          .target = kRouter, .solicited = true, .target_link_layer = kRouterMac}));
  host.collect();
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U) << "what has waited for the answer";
  EXPECT_EQ(sent[0].dst(), kRouterMac);
  EXPECT_EQ(ipv6_of(sent[0])->src(), address());
}

TEST_F(TentativeLinkLocal, ItIsNoSourceAndCannotBeChosen) {
  EXPECT_EQ(source_for("fe80::99%1"), address());
  EXPECT_EQ(host.ip.destination(kNeighbour, link_local(), host.now).error(),
            Error::address_not_available);
  until_it_is_ready();
  EXPECT_EQ(source_for("fe80::99%1"), link_local());
  EXPECT_EQ(source_for("2001:db8:9::1"), address());
}

TEST_F(TentativeLinkLocal, ItIsNotAnsweredForAndTheOtherIs) {
  NARU_CHECKS("IC6-027");
  const IpAddr ours = link_local().without_zone();
  const IpAddr peer = ip("fe80::2");
  const auto ask = [&](const IpAddr& target, const IpAddr& to) {
    receive(ndp(peer, to, wire::NeighbourSolicitation{target, kPeerMac}));
    take();
    return std::exchange(frames, {});
  };
  EXPECT_TRUE(ask(ours, wire::solicited_node(ours)).empty());
  EXPECT_TRUE(ask(ours, ours).empty()) << "of one who believes to know";
  EXPECT_EQ(state(link_local()), AddressState::tentative) << "it was no probe";
  const auto answers = ask(address(), wire::solicited_node(address()));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(ipv6_of(answers[0])->src(), address());
  EXPECT_EQ(icmpv6_of(answers[0])->type(), Icmpv6Type::neighbour_advertisement);
}

TEST_F(TentativeLinkLocal, NothingThatIsSentToItIsTaken) {
  NARU_CHECKS("IC6-027");
  const IpAddr ours = link_local().without_zone();
  receive_unicast(icmpv6(header6(Protocol::icmpv6, ip("fe80::2"), ours), echo6(7, 1, counting(8))));
  receive_unicast(ipv6(header6(Protocol::udp, ip("fe80::2"), ours),
                       udp(ip("fe80::2"), ours, 53, 5000, counting(8))));
  EXPECT_TRUE(host.take_delivered().empty());
  take();
  EXPECT_TRUE(taken(Icmpv6Type::echo_reply).empty());
  EXPECT_TRUE(taken(Icmpv6Type::unreachable).empty());
}

// RFC 3810 5.2.13: from the link-local address or from nobody, whatever else we have.
TEST_F(TentativeLinkLocal, GroupsAreReportedByNobody) {
  ASSERT_TRUE(host.ip.join(1, ip("ff05::77"), host.now));
  take();
  const auto reports = [&] {
    std::vector<IpAddr> sources;
    for (const Sent& s : std::exchange(frames, {})) {
      const auto packet = ipv6_of(s);
      if (packet->next_header() == Protocol{wire::ipv6_header::kHopByHop}) {
        sources.push_back(packet->src());
      }
    }
    return sources;
  };
  EXPECT_EQ(reports(), std::vector{IpAddr::any_v6()});
  until_it_is_ready();
  reports();
  live(1s);
  ASSERT_TRUE(host.ip.join(1, ip("ff05::78"), host.now));
  take();
  EXPECT_EQ(reports(), std::vector{link_local().without_zone()});
}

TEST_F(TentativeLinkLocal, ARouterIsAskedForFromNobody) {
  NARU_CHECKS("IC6-026");
  receive(says(0));
  receive(ndp(ip("fe80::2"), wire::kAllNodes,
              wire::NeighbourAdvertisement{.target = link_local().without_zone(),
                                           .target_link_layer = kPeerMac}));
  ASSERT_TRUE(host.ip.set_autoconf(1, false, host.now));
  ASSERT_TRUE(host.ip.set_autoconf(1, true, host.now));
  frames.clear();
  while (taken(Icmpv6Type::router_solicitation).empty()) live(1ms);
  const Sent asked = taken(Icmpv6Type::router_solicitation)[0];
  ASSERT_EQ(state(link_local()), AddressState::tentative);
  EXPECT_TRUE(ipv6_of(asked)->src().is_any());
  const auto view = wire::NdpView::parse(ipv6_of(asked)->payload());
  EXPECT_FALSE(wire::NdpOptions::of(view->options()).source_link_layer);
}

}  // namespace
}  // namespace naru::ip::test
