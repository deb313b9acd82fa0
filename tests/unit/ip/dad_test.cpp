// Duplicate address detection (RFC 4862 5.4, RFC 7527).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host6.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;
using wire::NdpOptions;
using wire::NdpView;

class Dad : public ::testing::Test {
 protected:
  Dad() {
    EXPECT_TRUE(host.ip.add_address(1, prefix("2001:db8::1/64"), host.now).has_value());
    host.collect();
  }

  struct Probe {
    IpAddr target;
    IpAddr source;
    IpAddr to;
    wire::NdpNonce nonce;
    bool has_mac;
    Time at;
  };
  std::vector<Probe> probes() {
    std::vector<Probe> found;
    for (const Sent& s : host.take_sent()) {
      const auto icmp = icmpv6_of(s);
      if (!icmp || icmp->type() != Icmpv6Type::neighbour_solicitation) continue;
      const auto view = NdpView::parse(icmp->bytes());
      const auto options = NdpOptions::of(view->options());
      EXPECT_TRUE(options.nonce);
      found.push_back({view->target(), ipv6_of(s)->src(), ipv6_of(s)->dst(),
                       options.nonce.value_or(wire::NdpNonce{}),
                       options.source_link_layer.has_value(), host.now});
    }
    return found;
  }
  std::optional<AddressState> state(const IpAddr& addr) {
    std::optional<AddressState> found;
    host.ip.for_each_address([&](const AddressInfo& a) {
      if (a.prefix.addr == addr) found = a.state;
    });
    return found;
  }
  Input receive(const Buffer& packet) {
    return host.receive(ethernet(kOurMac, kPeerMac, wire::kEtherTypeIpv6, packet));
  }
  Input somebody_wants(const IpAddr& addr, std::optional<wire::NdpNonce> nonce = {}) {
    return receive(ndp(IpAddr::any_v6(), wire::solicited_node(addr),
                       wire::NeighbourSolicitation{addr, {}, nonce}));
  }
  Input somebody_has(const IpAddr& addr) {
    return receive(
        ndp(addr, wire::kAllNodes,
            wire::NeighbourAdvertisement{.target = addr, .target_link_layer = kPeerMac}));
  }
  IpAddr link_local() {
    IpAddr found;
    host.ip.for_each_address([&](const AddressInfo& a) {
      if (a.prefix.addr.is_v6() && a.prefix.addr.is_link_local()) found = a.prefix.addr;
    });
    return found;
  }

  Host host{{.options = {{Option::arp_probe_count, 1}}}};
};

TEST_F(Dad, AnAddressIsUsedAfterItWasProbed) {
  NARU_CHECKS("IC6-027", "IP6-033");
  EXPECT_EQ(state(kOur6), AddressState::tentative);
  EXPECT_FALSE(host.ip.is_local(kOur6));
  EXPECT_EQ(host.ip.destination(kPeer6, kOur6, host.now).error(), Error::address_not_available);
  host.advance(1s);
  const auto sent = probes();
  ASSERT_EQ(sent.size(), 2U) << "the link-local address is probed, too";
  for (const Probe& p : sent) {
    EXPECT_EQ(p.source, IpAddr::any_v6());
    EXPECT_EQ(p.to, wire::solicited_node(p.target));
    EXPECT_FALSE(p.has_mac);
  }
  EXPECT_EQ(state(kOur6), AddressState::tentative);
  host.advance(1s);
  EXPECT_EQ(state(kOur6), AddressState::valid);
  EXPECT_TRUE(host.ip.is_local(kOur6));
  EXPECT_TRUE(probes().empty());
}

TEST_F(Dad, ATentativeAddressIsNotAnsweredFor) {
  NARU_CHECKS("IC6-027");
  receive(ndp(kPeer6, wire::solicited_node(kOur6), wire::NeighbourSolicitation{kOur6, kPeerMac}));
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_EQ(state(kOur6), AddressState::tentative) << "a question for its owner, not a claim";
}

TEST_F(Dad, WhoWantsItToo) {
  NARU_CHECKS("IC6-028");
  host.advance(1s);
  somebody_wants(kOur6);
  EXPECT_EQ(state(kOur6), AddressState::conflict);
  host.advance(10s);
  EXPECT_EQ(state(kOur6), AddressState::conflict);
  EXPECT_FALSE(host.ip.is_local(kOur6));
}

TEST_F(Dad, WhoHasItAlready) {
  NARU_CHECKS("IC6-028");
  host.advance(1s);
  somebody_has(kOur6);
  EXPECT_EQ(state(kOur6), AddressState::conflict);
  EXPECT_EQ(host.counters.get(Counter::arp_conflicts), 1U);
}

TEST_F(Dad, OurOwnQuestionIsNoClaim) {
  NARU_CHECKS("IC6-029");
  host.advance(1s);
  for (const Probe& p : probes()) {
    if (p.target != kOur6) continue;
    somebody_wants(kOur6, p.nonce);
    EXPECT_EQ(state(kOur6), AddressState::tentative);
    wire::NdpNonce other = p.nonce;
    other[0] ^= 1U;
    somebody_wants(kOur6, other);
    EXPECT_EQ(state(kOur6), AddressState::conflict);
  }
}

TEST_F(Dad, AMadeUpAddressIsMadeUpAnewThreeTimes) {
  NARU_CHECKS("IC6-034", "IC6-028");
  std::vector<IpAddr> tried;
  for (int i = 0; i < 4; ++i) {
    const IpAddr addr = link_local();
    EXPECT_EQ(std::count(tried.begin(), tried.end(), addr), 0);
    EXPECT_EQ(state(addr), AddressState::tentative);
    tried.push_back(addr);
    somebody_has(addr.without_zone());
  }
  EXPECT_EQ(link_local(), tried.back()) << "then it is left at that";
  EXPECT_EQ(state(tried.back()), AddressState::conflict);
}

TEST_F(Dad, AValidAddressIsKeptAndDefended) {
  host.advance(3s);
  host.take_sent();
  EXPECT_EQ(somebody_has(kOur6).reason, Drop::ip_bad_source);
  EXPECT_EQ(state(kOur6), AddressState::valid);
  somebody_wants(kOur6);
  EXPECT_EQ(state(kOur6), AddressState::valid);
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(icmpv6_of(sent[0])->type(), Icmpv6Type::neighbour_advertisement);
}

}  // namespace
}  // namespace naru::ip::test
