// Ports and peers: which socket a datagram belongs to.
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::udp::test {
namespace {

TEST_F(UdpTest, PrefersConnectedOverBoundOverWildcard) {
  NARU_CHECKS("UDP-012");
  const Handle any = open(1);
  const Handle specific = open(2);
  const Handle on_interface = open(3);
  const Handle connected = open(4);
  for (const Handle h : {any, specific, on_interface, connected}) set(h).reuse_address = true;
  set(on_interface).interface = 1;
  ASSERT_TRUE(udp.bind(any, at("0.0.0.0", 53)));
  ASSERT_TRUE(udp.bind(on_interface, at("0.0.0.0", 53)));
  ASSERT_TRUE(udp.bind(specific, us));
  ASSERT_TRUE(udp.bind(connected, us));
  ASSERT_TRUE(udp.connect(connected, peer, us.addr));

  receive(peer, us, {'c'});
  EXPECT_EQ(read(connected), "c");
  receive(at("10.0.0.2", 1), us, {'s'});
  EXPECT_EQ(read(specific), "s");
  receive(peer, at("10.0.0.9", 53), {'i'});
  EXPECT_EQ(read(on_interface), "i");
  ASSERT_TRUE(udp.close(on_interface));
  receive(peer, at("10.0.0.9", 53), {'w'});
  EXPECT_EQ(read(any), "w");
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(UdpTest, SpreadsPeersOverAGroupThatReusesThePort) {
  NARU_CHECKS("UDP-012");
  std::vector<Handle> group;
  for (int i = 0; i < 4; ++i) {
    group.push_back(open());
    set(group.back()).reuse_port = true;
    set(group.back()).receive_buffer = 64 << 20;
    ASSERT_TRUE(udp.bind(group.back(), us));
  }
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    receive(at("10.0.0.2", port), us);
    receive(at("10.0.0.2", port), us);
  }
  std::set<std::uint16_t> seen;
  for (const Handle h : group) {
    const std::uint32_t count = udp.find(h)->received.size();
    EXPECT_GT(count, 800U);
    EXPECT_LT(count, 1200U);
    std::set<std::uint16_t> ports;
    Buffer out(8);
    while (const auto r = udp.recv(h, out)) ports.insert(r->source.port);
    EXPECT_EQ(ports.size() * 2, count);  // all of a peer's at the same socket
    seen.merge(ports);
  }
  EXPECT_EQ(seen.size(), 2000U);
}

TEST_F(UdpTest, CopiesMulticastToEveryMemberAndUnicastToOne) {
  NARU_CHECKS("UDP-017");
  const Endpoint group = at("239.1.1.1", 5000);
  std::vector<Handle> members;
  for (int i = 0; i < 2; ++i) {
    members.push_back(open());
    set(members.back()).reuse_address = true;
    ASSERT_TRUE(udp.bind(members.back(), at("0.0.0.0", 5000)));
    ASSERT_TRUE(udp.join(members.back(), 1, group.addr));
  }
  const Handle stranger = open();
  set(stranger).reuse_address = true;
  ASSERT_TRUE(udp.bind(stranger, at("0.0.0.0", 5000)));
  EXPECT_EQ(udp.join(members[0], 1, group.addr).error(), Error::address_in_use);

  EXPECT_EQ(receive(peer, group, {'m'}, true), Drop::none);
  EXPECT_EQ(read(members[0]), "m");
  EXPECT_EQ(read(members[1]), "m");
  EXPECT_FALSE(waits(stranger));
  receive(peer, at("10.0.0.1", 5000), {'u'});
  EXPECT_EQ(waits(members[0]) + waits(members[1]) + waits(stranger), 1);

  ASSERT_TRUE(udp.leave(members[0], 1, group.addr));
  EXPECT_EQ(udp.leave(members[0], 1, group.addr).error(), Error::address_not_available);
  while (waits(members[0])) read(members[0]);
  receive(peer, group, {'n'}, true);
  EXPECT_FALSE(waits(members[0]));
  EXPECT_TRUE(waits(members[1]));
}

TEST_F(UdpTest, SendsMulticastByItsOwnOptions) {
  NARU_CHECKS("UDP-017", "IP4-013");
  const Handle h = bound(us);
  set(h).multicast_interface = 3;
  set(h).multicast_loop = false;
  ASSERT_TRUE(udp.send(h, bytes("m"), {.remote = at("239.1.1.1", 5000)}));
  ASSERT_TRUE(udp.send(h, bytes("u"), {.remote = peer}));
  DatagramOut out;
  ASSERT_TRUE(udp.next_datagram(out));
  EXPECT_EQ(out.interface, 3);
  EXPECT_EQ(out.ttl, 1);
  EXPECT_FALSE(out.loop);
  udp.done(now);
  ASSERT_TRUE(udp.next_datagram(out));
  EXPECT_EQ(out.interface, kAnyInterface);
  EXPECT_EQ(out.ttl, 0);
  udp.done(now);
}

TEST_F(UdpTest, NeedsPermissionToBroadcast) {
  NARU_CHECKS("UDP-018");
  const Handle h = open();
  EXPECT_EQ(udp.send(h, bytes("x"), {.remote = at("255.255.255.255", 9)}).error(),
            Error::access_denied);
  EXPECT_EQ(udp.send(h, bytes("x"), {.remote = at("10.0.0.255", 9), .to_broadcast = true}).error(),
            Error::access_denied);
  EXPECT_EQ(udp.connect(h, at("255.255.255.255", 9), us.addr).error(), Error::access_denied);
  set(h).broadcast = true;
  EXPECT_EQ(udp.send(h, bytes("x"), {.remote = at("255.255.255.255", 9)}), 1U);
  flush();
}

TEST_F(UdpTest, ChoosesEphemeralPortsUniformly) {
  NARU_CHECKS("UDP-020");
  const std::uint32_t first = options.u32(Option::port_range_first);
  const std::uint32_t size = options.u32(Option::port_range_last) - first + 1;
  constexpr std::size_t kBins = 100;
  constexpr int kBinds = 100'000;
  std::vector<int> bins(kBins);
  for (int i = 0; i < kBinds; ++i) {
    const Handle h = bound(at("0.0.0.0", 0));
    const std::uint32_t offset = udp.find(h)->local.port - first;
    ASSERT_LT(offset, size);
    ++bins[offset * kBins / size];
    ASSERT_TRUE(udp.close(h));
  }
  double chi_square = 0;
  const double expected = double{kBinds} / kBins;
  for (const int n : bins) chi_square += (n - expected) * (n - expected) / expected;
  EXPECT_LT(chi_square, 148);  // p = 0.001 at 99 degrees of freedom
}

TEST_F(UdpTest, NeverGivesAPortInUse) {
  NARU_CHECKS("UDP-020");
  ASSERT_TRUE(options.set(Option::port_range_first, 40'000));
  ASSERT_TRUE(options.set(Option::port_range_last, 40'999));
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 1000; ++i) {
    const Handle h = open();
    set(h).reuse_address = true;
    ASSERT_TRUE(udp.bind(h, at("0.0.0.0", 0)));
    ports.insert(udp.find(h)->local.port);
  }
  EXPECT_EQ(ports.size(), 1000U);
  EXPECT_EQ(udp.bind(open(), at("0.0.0.0", 0)).error(), Error::address_in_use);
}

TEST_F(UdpTest, BindsByTheRulesOfReuse) {
  NARU_CHECKS("UDP-012");
  const Handle first = bound(us);
  EXPECT_EQ(udp.bind(first, at("10.0.0.1", 99)).error(), Error::invalid);
  EXPECT_EQ(udp.bind(open(), us).error(), Error::address_in_use);
  EXPECT_EQ(udp.bind(open(), at("0.0.0.0", 53)).error(), Error::address_in_use);
  EXPECT_TRUE(udp.bind(open(), at("10.0.0.9", 53)));
  const Handle alone = open();
  set(alone).reuse_address = true;  // the other does not allow it
  EXPECT_EQ(udp.bind(alone, us).error(), Error::address_in_use);
  set(first).reuse_address = true;
  EXPECT_TRUE(udp.bind(alone, us));
  const Handle by_port = open();
  set(by_port).reuse_port = true;
  EXPECT_EQ(udp.bind(by_port, us).error(), Error::address_in_use);
  ASSERT_TRUE(udp.close(first));
  ASSERT_TRUE(udp.close(alone));
  EXPECT_TRUE(udp.bind(by_port, us));
}

}  // namespace
}  // namespace naru::udp::test
