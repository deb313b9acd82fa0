// Address conflict detection (RFC 5227).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"

namespace naru::ip::test {
namespace {

using wire::Arp;

class ArpProbeTest : public ::testing::Test {
 protected:
  struct Seen {
    Time at;
    Arp arp;
  };

  ArpProbeTest() : host({.options = {{Option::arp_probe_count, 3}}, .with_interface = false}) {
    EXPECT_EQ(host.ip.add_interface("eth0", kOurMac, 1500, host.now), 1);
  }

  // All ARP packets of the next while, with their times.
  std::vector<Seen> watch(Duration duration) {
    std::vector<Seen> seen;
    const Time end = host.now + duration;
    while (host.now < end) {
      host.advance(1ms);
      for (const Sent& s : host.take_sent()) {
        EXPECT_TRUE(s.dst().is_broadcast());
        seen.push_back({host.now, s.arp().value()});
      }
    }
    return seen;
  }
  AddressState state(std::string_view addr) {
    AddressState found{};
    host.ip.for_each_address([&](const AddressInfo& a) {
      if (a.prefix.addr == ip(addr)) found = a.state;
    });
    return found;
  }
  void add(std::string_view addr = "10.0.0.1/24") {
    EXPECT_TRUE(host.ip.add_address(1, prefix(addr), host.now));
    host.collect();
  }
  static Arp claim(const MacAddr& by = kPeerMac) {
    return {.op = Arp::kReply, .sha = by, .spa = ip("10.0.0.1"), .tha = {}, .tpa = ip("10.0.0.9")};
  }
  static Arp probe(const MacAddr& by = kPeerMac) {
    return {
        .op = Arp::kRequest, .sha = by, .spa = IpAddr::any_v4(), .tha = {}, .tpa = ip("10.0.0.1")};
  }

  Host host;
};

TEST_F(ArpProbeTest, ProbesThenAnnounces) {
  NARU_CHECKS("ARP-014", "ARP-016");
  const Time start = host.now;
  add();
  const auto seen = watch(15s);
  ASSERT_EQ(seen.size(), 5U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(seen[i].arp.op, Arp::kRequest);
    EXPECT_TRUE(seen[i].arp.spa.is_any());
    EXPECT_TRUE(seen[i].arp.tha.is_zero());
    EXPECT_EQ(seen[i].arp.tpa, ip("10.0.0.1"));
  }
  EXPECT_LE(seen[0].at - start, 1s + 1ms);
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_GE(seen[i].at - seen[i - 1].at, 1s - 1ms);
    EXPECT_LE(seen[i].at - seen[i - 1].at, 2s + 1ms);
  }
  for (std::size_t i = 3; i < 5; ++i) {
    EXPECT_EQ(seen[i].arp.spa, ip("10.0.0.1"));
    EXPECT_EQ(seen[i].arp.tpa, ip("10.0.0.1"));
    EXPECT_GE(seen[i].at - seen[i - 1].at, 2s - 1ms);
    EXPECT_LE(seen[i].at - seen[i - 1].at, 2s + 1ms);
  }
}

TEST_F(ArpProbeTest, DoesNotUseAnAddressBeforeItWasProbed) {
  NARU_CHECKS("ARP-014");
  add();
  EXPECT_EQ(state("10.0.0.1"), AddressState::tentative);
  EXPECT_FALSE(host.ip.is_local(ip("10.0.0.1")));
  EXPECT_EQ(host.ip.destination(ip("10.0.0.2"), IpAddr(), host.now).error(),
            Error::address_not_available);
  const Buffer packet =
      ipv4({.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .protocol = Protocol::udp}, counting(20));
  EXPECT_EQ(host.receive_ip(packet).reason, Drop::ip_not_for_us);
  host.receive(arp({.op = Arp::kRequest,
                    .sha = kPeerMac,
                    .spa = ip("10.0.0.2"),
                    .tha = {},
                    .tpa = ip("10.0.0.1")}));
  EXPECT_TRUE(host.take_sent().empty());
  host.advance(10s);
  EXPECT_EQ(state("10.0.0.1"), AddressState::valid);
  EXPECT_EQ(host.receive_ip(packet).action, Input::Action::deliver);
}

TEST_F(ArpProbeTest, NoticesAConflictWhileProbing) {
  NARU_CHECKS("ARP-015");
  for (const Arp& conflict : {claim(), probe()}) {
    Host fresh({.options = {{Option::arp_probe_count, 3}}, .with_interface = false});
    ASSERT_EQ(fresh.ip.add_interface("eth0", kOurMac, 1500, fresh.now), 1);
    ASSERT_TRUE(fresh.ip.add_address(1, prefix("10.0.0.1/24"), fresh.now));
    fresh.advance(2s);
    fresh.receive(arp(conflict));
    fresh.take_sent();
    fresh.advance(60s);
    EXPECT_TRUE(fresh.take_sent().empty());
    EXPECT_FALSE(fresh.ip.is_local(ip("10.0.0.1")));
    EXPECT_EQ(fresh.counters.get(Counter::arp_conflicts), 1U);
    ASSERT_TRUE(fresh.ip.remove_address(1, ip("10.0.0.1")));
  }
}

TEST_F(ArpProbeTest, TakesItsOwnFramesForNoConflict) {
  NARU_CHECKS("ARP-015");
  add();
  host.receive(arp(probe(kOurMac)));
  EXPECT_EQ(state("10.0.0.1"), AddressState::tentative);
}

TEST_F(ArpProbeTest, DefendsOnceInTenSecondsAndNeverGivesUp) {
  NARU_CHECKS("ARP-017", "ARP-020");
  add();
  host.advance(20s);
  host.take_sent();
  host.receive(arp(claim()));
  auto sent = host.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].arp()->spa, ip("10.0.0.1"));
  EXPECT_EQ(sent[0].arp()->tpa, ip("10.0.0.1"));
  EXPECT_TRUE(sent[0].dst().is_broadcast());
  host.advance(5s);
  for (int i = 0; i < 100; ++i) host.receive(arp(claim()));
  EXPECT_TRUE(host.take_sent().empty());
  host.advance(6s);
  host.receive(arp(claim()));
  EXPECT_EQ(host.take_sent().size(), 1U);
  EXPECT_EQ(state("10.0.0.1"), AddressState::valid);
  EXPECT_FALSE(host.neighbour("10.0.0.1"));
}

TEST_F(ArpProbeTest, SlowsDownAfterTenConflicts) {
  NARU_CHECKS("ARP-018");
  for (int i = 0; i < 10; ++i) {
    add();
    host.advance(1500ms);
    host.receive(arp(claim()));
    ASSERT_TRUE(host.ip.remove_address(1, ip("10.0.0.1")));
  }
  host.take_sent();
  const Time start = host.now;
  add();
  const auto seen = watch(70s);
  ASSERT_FALSE(seen.empty());
  EXPECT_GE(seen[0].at - start, 57s);
}

TEST_F(ArpProbeTest, UsesAnAddressAtOnceWhenToldSo) {
  ASSERT_TRUE(host.options.set(Option::arp_probe_count, 0));
  add();
  EXPECT_EQ(state("10.0.0.1"), AddressState::valid);
  const auto seen = watch(5s);
  EXPECT_EQ(seen.size(), 2U);
}

}  // namespace
}  // namespace naru::ip::test
