// Neighbour discovery: what is asked, answered, learnt and refused (RFC 4861 7).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host6.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;
using wire::NdpOptions;
using wire::NdpView;
using wire::NeighbourAdvertisement;
using State = NeighbourState;

class NdpTest : public ::testing::Test {
 protected:
  struct Message {
    MacAddr to_mac;
    IpAddr source;
    IpAddr to;
    std::uint8_t hop_limit;
    IpAddr target;
    std::uint32_t flags;
    std::optional<MacAddr> mac;
  };
  // The messages of a type that were sent.
  std::vector<Message> sent(Icmpv6Type type) {
    std::vector<Message> found;
    for (const Sent& s : host.take_sent()) {
      const auto icmp = icmpv6_of(s);
      if (!icmp || icmp->type() != type) continue;
      const auto view = NdpView::parse(icmp->bytes());
      const auto options = NdpOptions::of(view->options());
      const auto packet = ipv6_of(s);
      found.push_back(
          {s.dst(), packet->src(), packet->dst(), packet->hop_limit(), view->target(),
           view->flags(),
           options.source_link_layer ? options.source_link_layer : options.target_link_layer});
    }
    return found;
  }
  std::vector<Message> questions() { return sent(Icmpv6Type::neighbour_solicitation); }
  std::vector<Message> answers() { return sent(Icmpv6Type::neighbour_advertisement); }
  State state() { return host.neighbour("2001:db8::2")->state; }
  MacAddr peer_mac() { return host.neighbour("2001:db8::2")->mac; }
  void send() { host.send("2001:db8::2", counting(20)); }
  // Reachable, and then long enough for it to be asked again.
  void make_stale() {
    host.know_peer();
    host.advance(31s);
  }

  Host6 host;
  const IpAddr group = wire::solicited_node(kOur6);
};

// --- answers ---------------------------------------------------------------------------------

TEST_F(NdpTest, AnswersWhoAsksForOurAddress) {
  NARU_CHECKS("IC6-015");
  host.solicit(kPeer6, group, kOur6);
  const auto answer = answers();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].to_mac, kPeerMac);
  EXPECT_EQ(answer[0].to, kPeer6);
  EXPECT_EQ(answer[0].source, kOur6);
  EXPECT_EQ(answer[0].target, kOur6);
  EXPECT_EQ(answer[0].hop_limit, 255);
  EXPECT_EQ(answer[0].flags,
            NeighbourAdvertisement::kSolicited | NeighbourAdvertisement::kOverride);
  EXPECT_EQ(answer[0].mac, kOurMac);
  EXPECT_EQ(state(), State::probing) << "STALE, and then used for the answer";
  EXPECT_EQ(peer_mac(), kPeerMac);
}

TEST_F(NdpTest, AnswersForItsLinkLocalAddress) {
  const IpAddr own = host.link_local().without_zone();
  host.solicit(ip("fe80::2"), wire::solicited_node(own), own);
  const auto answer = answers();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].target, own);
  EXPECT_EQ(answer[0].to, ip("fe80::2"));
}

TEST_F(NdpTest, SaysNothingAboutAddressesOfOthers) {
  EXPECT_EQ(host.solicit(kPeer6, group, ip("2001:db8::9")).reason, Drop::icmp_ignored);
  EXPECT_TRUE(answers().empty());
  EXPECT_FALSE(host.neighbour("2001:db8::2"));
}

TEST_F(NdpTest, WhoseAddressIsNotKnownIsAskedBeforeTheAnswer) {
  host.solicit(kPeer6, kOur6, kOur6, std::nullopt);
  const auto question = questions();
  ASSERT_EQ(question.size(), 1U);
  EXPECT_EQ(question[0].target, kPeer6);
  host.advertise({.target = kPeer6, .solicited = true, .target_link_layer = kPeerMac});
  const auto answer = answers();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].to_mac, kPeerMac);
}

TEST_F(NdpTest, TellsAllWhenSomebodyWantsItsAddress) {
  host.solicit(IpAddr::any_v6(), group, kOur6, std::nullopt);
  const auto answer = answers();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].to, wire::kAllNodes);
  EXPECT_EQ(answer[0].to_mac.to_string(), "33:33:00:00:00:01");
  EXPECT_EQ(answer[0].flags, NeighbourAdvertisement::kOverride);
}

// --- what no neighbour can have sent ---------------------------------------------------------

TEST_F(NdpTest, RefusesWhatCameFromAfarOrIsNoMessage) {
  NARU_CHECKS("IC6-009", "IC6-001");
  const Buffer good = ndp(kPeer6, group, wire::NeighbourSolicitation{kOur6, kPeerMac});
  const auto with = [&](std::size_t at, std::uint8_t value, bool right_checksum = true) {
    Buffer bad = good;
    bad[at] = value;
    if (right_checksum) {
      wire::fill_icmpv6_checksum(MutableBytes(bad).subspan(40), kPeer6, group);
    }
    return host.receive6(bad).reason;
  };
  EXPECT_EQ(with(7, 254), Drop::ndp_malformed) << "a router passed it on";
  EXPECT_EQ(with(41, 1), Drop::ndp_malformed) << "code";
  EXPECT_EQ(with(65, 0), Drop::ndp_malformed) << "option length";
  EXPECT_EQ(with(65, 2), Drop::ndp_malformed) << "option length";
  EXPECT_EQ(with(66, 3), Drop::ndp_malformed) << "group as a link-layer address";
  EXPECT_EQ(with(60, 9, false), Drop::icmp_bad_checksum);
  wire::Ipv6 header = header6(Protocol::icmpv6, kPeer6, group);
  header.hop_limit = 255;
  EXPECT_EQ(host.receive6(icmpv6(header, Buffer(good.begin() + 40, good.begin() + 60))).reason,
            Drop::ndp_malformed)
      << "too short";
  EXPECT_TRUE(answers().empty());
  EXPECT_FALSE(host.neighbour("2001:db8::2"));
}

TEST_F(NdpTest, RefusesSolicitationsThatContradictThemselves) {
  NARU_CHECKS("IC6-011");
  EXPECT_EQ(host.solicit(kPeer6, group, wire::kAllNodes).reason, Drop::ndp_malformed);
  EXPECT_EQ(host.solicit(IpAddr::any_v6(), group, kOur6).reason, Drop::ndp_malformed)
      << "no address, but a link-layer address";
  EXPECT_EQ(host.solicit(IpAddr::any_v6(), kOur6, kOur6, std::nullopt).reason, Drop::ndp_malformed)
      << "not to the group";
  EXPECT_TRUE(answers().empty());
}

TEST_F(NdpTest, RefusesAdvertisementsThatContradictThemselves) {
  NARU_CHECKS("IC6-012");
  EXPECT_EQ(host.advertise({.target = wire::kAllNodes}).reason, Drop::ndp_malformed);
  EXPECT_EQ(host.advertise({.target = kPeer6, .solicited = true}, kPeer6, wire::kAllNodes).reason,
            Drop::ndp_malformed);
}

// --- questions -------------------------------------------------------------------------------

TEST_F(NdpTest, AsksTheGroupThreeTimesAndGivesUp) {
  NARU_CHECKS("IC6-018");
  send();
  for (int i = 0; i < 3; ++i) {
    const auto question = questions();
    ASSERT_EQ(question.size(), 1U) << i;
    EXPECT_EQ(question[0].to, wire::solicited_node(kPeer6));
    EXPECT_EQ(question[0].to_mac, wire::group_mac_v6(wire::solicited_node(kPeer6)));
    EXPECT_EQ(question[0].source, kOur6);
    EXPECT_EQ(question[0].hop_limit, 255);
    EXPECT_EQ(question[0].mac, kOurMac);
    host.advance(1s);
  }
  EXPECT_TRUE(questions().empty());
  EXPECT_EQ(state(), State::failed);
  const auto error = host.error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorReport::Kind::host_unreachable);
  EXPECT_TRUE(error->is_local);
  EXPECT_EQ(error->remote.addr, kPeer6);
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(NdpTest, WhatWaitedLeavesWithTheAnswer) {
  send();
  host.take_sent();
  host.advertise({.target = kPeer6, .solicited = true, .target_link_layer = kPeerMac});
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].dst(), kPeerMac);
  EXPECT_EQ(ipv6_of(sent[0])->payload().size(), 20U);
}

TEST_F(NdpTest, AQuietNeighbourIsAskedFiveSecondsAfterItIsUsed) {
  NARU_CHECKS("IC6-019");
  make_stale();
  send();
  EXPECT_EQ(state(), State::probing);
  EXPECT_TRUE(questions().empty());
  host.advance(4900ms);
  EXPECT_TRUE(questions().empty());
  host.advance(200ms);
  for (int i = 0; i < 3; ++i) {
    const auto question = questions();
    ASSERT_EQ(question.size(), 1U) << i;
    EXPECT_EQ(question[0].to, kPeer6);
    EXPECT_EQ(question[0].to_mac, kPeerMac);
    host.advance(1s);
  }
  EXPECT_EQ(state(), State::failed);
}

TEST_F(NdpTest, AnAnswerFromAboveMakesTheQuestionNeedless) {
  NARU_CHECKS("IC6-019");
  make_stale();
  send();
  const auto to = host.ip.destination(kPeer6, IpAddr(), host.now).value();
  host.ip.confirm_neighbour(to, host.now);
  EXPECT_EQ(state(), State::reachable);
  host.advance(10s);
  EXPECT_TRUE(questions().empty());
}

// --- RFC 4861 7.2.5, row by row --------------------------------------------------------------

TEST_F(NdpTest, NobodyBecomesKnownByAnAdvertisement) {
  NARU_CHECKS("IC6-017");
  EXPECT_EQ(host.advertise({.target = kPeer6, .target_link_layer = kPeerMac}).reason,
            Drop::icmp_ignored);
  EXPECT_FALSE(host.neighbour("2001:db8::2"));
}

TEST_F(NdpTest, AnIncompleteNeighbourWantsALinkLayerAddress) {
  NARU_CHECKS("IC6-016");
  for (const bool solicited : {false, true}) {
    for (const bool override_flag : {false, true}) {
      Host6 fresh;
      fresh.send("2001:db8::2", counting(20));
      fresh.advertise({.target = kPeer6, .solicited = solicited, .does_override = override_flag});
      EXPECT_EQ(fresh.neighbour("2001:db8::2")->state, State::incomplete);
      fresh.advertise({.target = kPeer6,
                       .solicited = solicited,
                       .does_override = override_flag,
                       .target_link_layer = kPeerMac});
      EXPECT_EQ(fresh.neighbour("2001:db8::2")->state, solicited ? State::reachable : State::stale);
      EXPECT_EQ(fresh.neighbour("2001:db8::2")->mac, kPeerMac);
    }
  }
}

TEST_F(NdpTest, AKnownNeighbourMovesOnlyByOverride) {
  NARU_CHECKS("IC6-016");
  struct Row {
    bool solicited;
    bool does_override;
    std::optional<MacAddr> said;
    State state;
    MacAddr mac;
  };
  const Row rows[] = {
      {false, false, kOtherMac, State::stale, kPeerMac},
      {true, false, kOtherMac, State::stale, kPeerMac},
      {false, true, kOtherMac, State::stale, kOtherMac},
      {true, true, kOtherMac, State::reachable, kOtherMac},
      {false, false, kPeerMac, State::reachable, kPeerMac},
      {true, false, kPeerMac, State::reachable, kPeerMac},
      {false, true, kPeerMac, State::reachable, kPeerMac},
      {true, true, {}, State::reachable, kPeerMac},
      {false, false, {}, State::reachable, kPeerMac},
  };
  for (const Row& row : rows) {
    Host6 fresh;
    fresh.know_peer();
    fresh.advertise({.target = kPeer6,
                     .solicited = row.solicited,
                     .does_override = row.does_override,
                     .target_link_layer = row.said});
    const auto n = fresh.neighbour("2001:db8::2");
    EXPECT_EQ(n->state, row.state) << row.solicited << row.does_override;
    EXPECT_EQ(n->mac, row.mac) << row.solicited << row.does_override;
  }
}

TEST_F(NdpTest, AStaleNeighbourIgnoresWhatDoesNotOverride) {
  NARU_CHECKS("IC6-016");
  make_stale();
  send();  // probing
  host.advertise({.target = kPeer6,
                  .solicited = true,
                  .does_override = false,
                  .target_link_layer = kOtherMac});
  EXPECT_EQ(peer_mac(), kPeerMac);
  EXPECT_NE(state(), State::reachable);
  host.advertise({.target = kPeer6, .solicited = true, .target_link_layer = kPeerMac});
  EXPECT_EQ(state(), State::reachable);
}

TEST_F(NdpTest, AQuestionMovesANeighbourButConfirmsNothing) {
  host.know_peer();
  host.solicit(kPeer6, group, kOur6, kPeerMac);
  EXPECT_EQ(state(), State::reachable);
  host.solicit(kPeer6, group, kOur6, kOtherMac);
  EXPECT_EQ(state(), State::probing) << "STALE, and then used for the answer";
  EXPECT_EQ(peer_mac(), kOtherMac);
}

TEST_F(NdpTest, ScansDoNotDriveOutTheProven) {
  NARU_CHECKS("IC6-037");
  host.know_peer();
  for (unsigned i = 0; i < 3'000; ++i) {
    Buffer address(16);
    std::copy_n(kPeer6.bytes().begin(), 16, address.begin());
    store_be16(address.data() + 14, static_cast<std::uint16_t>(i + 100));
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(address.begin(), 16, bytes.begin());
    host.send(IpAddr::v6(bytes).to_string(), counting(20));
  }
  EXPECT_EQ(state(), State::reachable);
  EXPECT_LE(host.count(Drop::neighbour_table_full) + 1'024, 3'000U + 1'024);
  host.take_sent();
  send();
  EXPECT_EQ(host.take_sent().size(), 1U);
}

}  // namespace
}  // namespace naru::ip::test
