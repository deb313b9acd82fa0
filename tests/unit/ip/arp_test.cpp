// The neighbour cache and ARP: what is asked, answered, learnt and refused.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"

namespace naru::ip::test {
namespace {

using wire::Arp;

Arp who_has(std::string_view target, std::string_view asker, const MacAddr& at = kPeerMac) {
  return {.op = Arp::kRequest, .sha = at, .spa = ip(asker), .tha = {}, .tpa = ip(target)};
}
Arp is_at(std::string_view addr, const MacAddr& at, std::string_view asker = "10.0.0.1") {
  return {.op = Arp::kReply, .sha = at, .spa = ip(addr), .tha = kOurMac, .tpa = ip(asker)};
}

class ArpTest : public ::testing::Test {
 protected:
  std::size_t requests_for(std::string_view addr) {
    std::size_t n = 0;
    for (const Sent& s : host.take_sent()) {
      const auto a = s.arp();
      if (a && a->op == Arp::kRequest && a->tpa == ip(addr)) ++n;
    }
    return n;
  }

  Host host;
};

TEST_F(ArpTest, AnswersARequestForOurAddressByUnicast) {
  NARU_CHECKS("ARP-001");
  host.receive(arp(who_has("10.0.0.1", "10.0.0.2")));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].dst(), kPeerMac);
  EXPECT_EQ(sent[0].src(), kOurMac);
  const Arp reply = sent[0].arp().value();
  EXPECT_EQ(reply.op, Arp::kReply);
  EXPECT_EQ(reply.sha, kOurMac);
  EXPECT_EQ(reply.spa, ip("10.0.0.1"));
  EXPECT_EQ(reply.tha, kPeerMac);
  EXPECT_EQ(reply.tpa, ip("10.0.0.2"));
}

TEST_F(ArpTest, SaysNothingAboutAddressesOfOthers) {
  NARU_CHECKS("ARP-002");
  host.receive(arp(who_has("10.0.0.9", "10.0.0.2")));
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(ArpTest, RefusesWrongFieldsAndTruncatedPackets) {
  NARU_CHECKS("ARP-003", "ARP-004");
  const Buffer good = arp(who_has("10.0.0.1", "10.0.0.2"));
  for (const std::size_t field : {14U, 15U, 16U, 17U, 18U, 19U}) {
    for (const int value : {0, 2, 5, 255}) {
      Buffer bad = good;
      if (bad[field] == value) continue;
      bad[field] = static_cast<std::uint8_t>(value);
      EXPECT_EQ(host.receive(bad).reason, Drop::arp_malformed) << field << "=" << value;
    }
  }
  for (std::size_t length = 0; length < Arp::kSize; ++length) {
    EXPECT_EQ(
        host.receive(Buffer(good.begin(), good.begin() + 14 + static_cast<long>(length))).reason,
        Drop::arp_malformed);
  }
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_FALSE(host.neighbour("10.0.0.2"));
}

TEST_F(ArpTest, TakesAKnownNeighboursNewAddressFromPacketsToUs) {
  NARU_CHECKS("ARP-005");
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2", kPeerMac);
  host.take_sent();
  host.receive(arp(who_has("10.0.0.1", "10.0.0.2", kOtherMac)));
  host.take_sent();
  host.send("10.0.0.2", counting(20));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].dst(), kOtherMac);
  EXPECT_EQ(host.counters.get(Counter::arp_changes), 1U);
}

TEST_F(ArpTest, LearnsStrangersOnlyWhenTheyAskForUs) {
  NARU_CHECKS("ARP-006");
  host.receive(arp(is_at("10.0.0.7", kPeerMac)));
  host.receive(arp(who_has("10.0.0.9", "10.0.0.8")));
  EXPECT_FALSE(host.neighbour("10.0.0.7"));
  EXPECT_FALSE(host.neighbour("10.0.0.8"));
  host.receive(arp(who_has("10.0.0.1", "10.0.0.9")));
  ASSERT_TRUE(host.neighbour("10.0.0.9"));
  EXPECT_EQ(host.neighbour("10.0.0.9")->mac, kPeerMac);
}

TEST_F(ArpTest, KeepsPermanentEntries) {
  NARU_CHECKS("ARP-007");
  ASSERT_TRUE(host.ip.add_permanent_neighbour(1, ip("10.0.0.2"), kPeerMac, host.now));
  host.receive(arp(is_at("10.0.0.2", kOtherMac)));
  host.receive(arp(who_has("10.0.0.1", "10.0.0.2", kOtherMac)));
  EXPECT_EQ(host.neighbour("10.0.0.2")->mac, kPeerMac);
  EXPECT_EQ(host.neighbour("10.0.0.2")->state, NeighbourState::permanent);
  EXPECT_EQ(host.count(Drop::arp_conflict), 2U);
}

TEST_F(ArpTest, AsksAgainBeforeItUsesAStaleEntry) {
  NARU_CHECKS("ARP-008");
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2");
  host.take_sent();
  host.advance(29s);
  host.send("10.0.0.2", counting(20));
  EXPECT_EQ(requests_for("10.0.0.2"), 0U);
  host.advance(2s);
  host.send("10.0.0.2", counting(20));
  const auto sent = host.take_sent();  // the poll goes to the peer alone, and so does the packet
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].dst(), kPeerMac);
  EXPECT_EQ(sent[1].dst(), kPeerMac);
  EXPECT_TRUE(sent[0].arp().has_value() || sent[1].arp().has_value());
  host.resolve("10.0.0.2");
  host.send("10.0.0.2", counting(20));
  EXPECT_EQ(requests_for("10.0.0.2"), 0U);
}

TEST_F(ArpTest, ForgetsAnEntryThatNobodyUsedForTwentyMinutes) {
  NARU_CHECKS("ARP-008");
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2");
  host.take_sent();
  host.advance(21min);
  EXPECT_EQ(host.send("10.0.0.2", counting(20)).action, Verdict::Action::held);
  EXPECT_EQ(requests_for("10.0.0.2"), 1U);
}

TEST_F(ArpTest, DoesNotAskWhileAnUpperLayerHearsFromThePeer) {
  NARU_CHECKS("ARP-008");
  const auto to = host.ip.destination(ip("10.0.0.2"), IpAddr(), host.now);
  host.send_to(*to, counting(20));
  host.resolve("10.0.0.2");
  host.take_sent();
  for (int i = 0; i < 10; ++i) {
    host.advance(20s);
    host.ip.confirm_neighbour(*to, host.now);
    host.send_to(*to, counting(20));
  }
  EXPECT_EQ(requests_for("10.0.0.2"), 0U);
}

TEST_F(ArpTest, AsksOnceASecondAtMost) {
  NARU_CHECKS("ARP-009");
  for (int i = 0; i < 1000; ++i) {
    host.send("10.0.0.2", counting(20));
    host.advance(1ms);
  }
  EXPECT_LE(requests_for("10.0.0.2"), 2U);  // at 0 and at 1 s
  for (int i = 0; i < 9000; ++i) {
    host.send("10.0.0.2", counting(20));
    host.advance(1ms);
  }
  EXPECT_LE(requests_for("10.0.0.2"), 9U);
}

TEST_F(ArpTest, SendsWhatWaitedInOrderOnceTheNeighbourAnswers) {
  NARU_CHECKS("ARP-010", "ARP-011");
  for (std::uint8_t i = 0; i < 20; ++i) {
    EXPECT_EQ(host.send("10.0.0.2", counting(20, i)).action, Verdict::Action::held);
  }
  EXPECT_EQ(host.count(Drop::arp_queue_full), 4U);
  host.take_sent();
  host.resolve("10.0.0.2");
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 16U);
  for (std::uint8_t i = 0; i < 16; ++i) {
    EXPECT_EQ(sent[i].dst(), kPeerMac);
    EXPECT_EQ(sent[i].bytes[34], 4 + i);  // the oldest four made room
  }
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(ArpTest, BoundsWhatWaits) {
  NARU_CHECKS("ARP-011");
  for (int i = 0; i < 10'000; ++i) host.send("10.0.0.2", counting(20));
  EXPECT_EQ(host.pool.in_use(), 16U);
  for (int neighbour = 3; neighbour < 250; ++neighbour) {
    for (int i = 0; i < 20; ++i) {
      host.send("10.0.0." + std::to_string(neighbour), counting(20));
    }
  }
  EXPECT_EQ(host.pool.in_use(), NeighbourTable::kMaxWaiting);
}

TEST(ArpTableTest, AScanEvictsNobodyWhoAnswered) {
  NARU_CHECKS("ARP-012");
  Host host({.options = {{Option::max_neighbours, 256}}});
  ASSERT_TRUE(host.ip.add_address(1, prefix("10.1.0.1/16"), host.now));
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2");
  host.take_sent();
  for (std::uint32_t i = 2; i < 65'535; ++i) {
    const auto to = host.ip.destination(IpAddr::v4(0x0a010000 + i), IpAddr(), host.now);
    if (to) host.send_to(*to, counting(20));
    host.sent.clear();
  }
  ASSERT_TRUE(host.neighbour("10.0.0.2"));
  EXPECT_EQ(host.neighbour("10.0.0.2")->state, NeighbourState::reachable);
  EXPECT_EQ(host.send("10.0.0.2", counting(20)).action, Verdict::Action::send);
  EXPECT_LE(host.pool.in_use(), 256U);
}

TEST(ArpTableTest, AFloodOfRequestsEvictsNobodyWhoAnswered) {
  NARU_CHECKS("ARP-012");
  Host host({.options = {{Option::max_neighbours, 256}}});
  ASSERT_TRUE(host.ip.add_address(1, prefix("10.1.0.1/16"), host.now));
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2");
  for (std::uint32_t i = 2; i < 65'535; ++i) {
    host.receive(arp({.op = Arp::kRequest,
                      .sha = kOtherMac,
                      .spa = IpAddr::v4(0x0a010000 + i),
                      .tha = {},
                      .tpa = ip("10.1.0.1")}));
    host.sent.clear();
  }
  EXPECT_EQ(host.send("10.0.0.2", counting(20)).action, Verdict::Action::send);
}

TEST_F(ArpTest, GivesUpAfterThreeRequestsAndSaysSo) {
  NARU_CHECKS("ARP-013");
  host.send("10.0.0.2", udp(ip("10.0.0.1"), ip("10.0.0.2"), 1000, 2000, {}));
  host.advance(2999ms);
  EXPECT_FALSE(host.error());
  EXPECT_EQ(requests_for("10.0.0.2"), 3U);
  host.advance(2ms);
  const auto error = host.error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorReport::Kind::host_unreachable);
  EXPECT_TRUE(error->is_local);
  EXPECT_EQ(error->protocol, Protocol::udp);
  EXPECT_EQ(error->local, (Endpoint{ip("10.0.0.1"), 1000}));
  EXPECT_EQ(error->remote, (Endpoint{ip("10.0.0.2"), 2000}));
  EXPECT_EQ(host.count(Drop::neighbour_unreachable), 1U);
  EXPECT_EQ(host.pool.in_use(), 0U);
}

TEST_F(ArpTest, AnswersAProbeWithoutLearning) {
  NARU_CHECKS("ARP-019");
  host.receive(arp(who_has("10.0.0.1", "0.0.0.0")));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].arp()->op, Arp::kReply);
  EXPECT_FALSE(host.neighbour("0.0.0.0"));
}

TEST_F(ArpTest, RefusesSendersThatCannotBe) {
  NARU_CHECKS("ARP-020", "ARP-021");
  for (const char* bad :
       {"224.0.0.5", "255.255.255.255", "10.0.0.255", "127.0.0.1", "240.0.0.1", "0.0.0.5"}) {
    EXPECT_EQ(host.receive(arp(who_has("10.0.0.1", bad))).reason, Drop::arp_bad_sender) << bad;
    EXPECT_FALSE(host.neighbour(bad));
  }
  EXPECT_EQ(host.receive(arp(who_has("10.0.0.1", "10.0.0.1"))).reason, Drop::arp_conflict);
  EXPECT_FALSE(host.neighbour("10.0.0.1"));
  const MacAddr multicast{{1, 0, 0x5e, 0, 0, 1}};
  for (const MacAddr& bad : {multicast, MacAddr::broadcast(), MacAddr(), kOurMac}) {
    EXPECT_EQ(host.receive(arp(who_has("10.0.0.1", "10.0.0.3", bad))).reason, Drop::arp_bad_sender);
    EXPECT_FALSE(host.neighbour("10.0.0.3"));
  }
}

TEST_F(ArpTest, IgnoresSendersFromOtherNetworks) {
  NARU_CHECKS("ARP-022");
  host.receive(arp(is_at("192.168.5.5", kPeerMac)));
  host.receive(arp(who_has("10.0.0.1", "192.168.5.5")));
  EXPECT_FALSE(host.neighbour("192.168.5.5"));
}

TEST_F(ArpTest, BroadcastsRepliesForLinkLocalAddresses) {
  NARU_CHECKS("ARP-023");
  ASSERT_TRUE(host.ip.add_address(1, prefix("169.254.7.7/16"), host.now));
  host.collect();
  host.take_sent();
  host.receive(arp(who_has("169.254.7.7", "169.254.1.1")));
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sent[0].dst().is_broadcast());
}

TEST_F(ArpTest, NeverRoutesLinkLocalOffTheLink) {
  NARU_CHECKS("ARP-023");
  ASSERT_TRUE(host.ip.add_route(
      {.prefix = prefix("0.0.0.0/0"), .gateway = ip("10.0.0.254"), .source = {}, .interface = 1}));
  EXPECT_EQ(host.ip.destination(ip("169.254.1.1"), IpAddr(), host.now).error(),
            Error::network_unreachable);
}

TEST_F(ArpTest, IgnoresOtherOperations) {
  NARU_CHECKS("ARP-024");
  for (const int op : {0, 3, 4, 8, 9, 65535}) {
    Arp odd = who_has("10.0.0.1", "10.0.0.2");
    odd.op = static_cast<std::uint16_t>(op);
    EXPECT_EQ(host.receive(arp(odd)).action, Input::Action::dropped);
  }
  EXPECT_TRUE(host.take_sent().empty());
  EXPECT_FALSE(host.neighbour("10.0.0.2"));
}

TEST_F(ArpTest, MapsGroupsToMacAddressesWithoutAsking) {
  NARU_CHECKS("ARP-026", "IP4-013");
  const std::pair<const char*, MacAddr> cases[] = {
      {"224.0.0.251", {{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}}},
      {"239.129.1.1", {{0x01, 0x00, 0x5e, 0x01, 0x01, 0x01}}},
      {"255.255.255.255", MacAddr::broadcast()},
      {"10.0.0.255", MacAddr::broadcast()}};
  for (const auto& [addr, mac] : cases) {
    EXPECT_EQ(host.send(addr, counting(20)).action, Verdict::Action::send) << addr;
    const auto sent = host.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].dst(), mac);
    EXPECT_EQ(sent[0].ipv4()->ttl(), mac.is_broadcast() ? 64 : 1);
  }
}

TEST_F(ArpTest, ChecksARumourInsteadOfBelievingIt) {
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2");
  host.take_sent();
  host.advance(2s);
  host.receive(arp(who_has("10.0.0.2", "10.0.0.2", kOtherMac)));  // an announcement
  EXPECT_EQ(host.neighbour("10.0.0.2")->mac, kPeerMac);
  EXPECT_EQ(requests_for("10.0.0.2"), 1U);
  host.resolve("10.0.0.2", kOtherMac);
  EXPECT_EQ(host.neighbour("10.0.0.2")->mac, kOtherMac);
}

TEST_F(ArpTest, ForgetsNeighboursWhenTheInterfaceGoesDown) {
  NARU_CHECKS("LNK-017");
  host.send("10.0.0.2", counting(20));
  host.resolve("10.0.0.2");
  const auto before = host.ip.destination(ip("10.0.0.2"), IpAddr(), host.now);
  const DestinationRef ref = host.ip.ref(*before);
  EXPECT_TRUE(host.ip.is_current(ref));
  ASSERT_TRUE(host.ip.set_up(1, false, host.now));
  EXPECT_FALSE(host.ip.is_current(ref));
  EXPECT_FALSE(host.neighbour("10.0.0.2"));
  EXPECT_EQ(host.ip.destination(ip("10.0.0.2"), IpAddr(), host.now).error(),
            Error::network_unreachable);
  ASSERT_TRUE(host.ip.set_up(1, true, host.now));
  host.collect();
  host.take_sent();
  EXPECT_EQ(host.send("10.0.0.2", counting(20)).action, Verdict::Action::held);
  EXPECT_EQ(requests_for("10.0.0.2"), 1U);
}

TEST_F(ArpTest, AnnouncesANewMacAddress) {
  NARU_CHECKS("LNK-019");
  ASSERT_TRUE(host.ip.set_mac(1, kOtherMac, host.now));
  host.collect();
  const auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  const Arp announcement = sent[0].arp().value();
  EXPECT_EQ(announcement.sha, kOtherMac);
  EXPECT_EQ(announcement.spa, ip("10.0.0.1"));
  EXPECT_EQ(announcement.tpa, ip("10.0.0.1"));
}

}  // namespace
}  // namespace naru::ip::test
