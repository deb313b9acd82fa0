// Connections through everything that stands between two hosts.
#include "network.hpp"

#include <set>

#include <gtest/gtest.h>

#include <naru/device/hub.hpp>
#include <naru/device/switch.hpp>

namespace naru::device::test {
namespace {

constexpr std::size_t kSize = 100'000;

IpAddr ip(const char* text) { return *IpAddr::parse(text); }
Prefix prefix(const char* text) { return *Prefix::parse(text); }

//   client ── hub ── switch ══ VLAN 10 ══ switch ── server
//              └─ listener        bystander ──┘ (VLAN 20)
TEST(DeviceNetworkTest, CarriesAConnectionOverHubAndSwitches) {
  Network net;
  const link::FaultOptions bad{.seed = 1, .loss = 0.02, .delay = 1ms};
  Node& client = net.add(1);
  Node& server = net.add(2);
  Station listener({.ring_size = 4'096});
  Station bystander({.ring_size = 4'096});
  link::MemoryWire trunk;
  link::MemoryWire uplink;
  const auto hub = Hub::create().value();
  const auto near = Switch::create().value();
  const auto far = Switch::create().value();
  ASSERT_TRUE(hub->add_port("client", net.plug(client, prefix("10.0.0.1/24"), bad)));
  ASSERT_TRUE(hub->add_port("listener", listener.plug()));
  ASSERT_TRUE(hub->add_port("uplink", uplink.a()));
  ASSERT_TRUE(near->add_port("hub", uplink.b(), PortVlans::access(10)));
  ASSERT_TRUE(near->add_port("trunk", trunk.a(), PortVlans::trunk({10, 20})));
  ASSERT_TRUE(far->add_port("trunk", trunk.b(), PortVlans::trunk({10, 20})));
  ASSERT_TRUE(
      far->add_port("server", net.plug(server, prefix("10.0.0.2/24"), bad), PortVlans::access(10)));
  ASSERT_TRUE(far->add_port("bystander", bystander.plug(), PortVlans::access(20)));
  net.add({hub.get(), near.get(), far.get()});

  Echo echo(net, client, server, ip("10.0.0.2"), kSize);
  EXPECT_TRUE(echo.run());
  std::size_t overheard = 0;
  for (const Frame& f : listener.receive()) overheard += f.size();
  EXPECT_GT(overheard, kSize);  // a hub keeps nothing from anybody
  EXPECT_TRUE(bystander.receive().empty());
  EXPECT_EQ(far->find(Network::mac_of(0), 10), 0);
  EXPECT_EQ(far->find(Network::mac_of(1), 10), 1);
  EXPECT_EQ(hub->frames_in_use() + near->frames_in_use() + far->frames_in_use(), 0U);
}

//   client ── switch ── NAT ══ router ══ router ── server
//   10.0.0.5        .1   192.0.2.1  .2   198.51.100.1   203.0.113.80
TEST(DeviceNetworkTest, CarriesAConnectionThroughANatAndRouters) {
  const Node::Settings forwards{{Option::ip_forwarding, 1}};
  Network net;
  Node& client = net.add(1);
  Node& nat = net.add(2, {{Option::ip_forwarding, 1}, {Option::nat_max_sessions, 100}});
  Node& near = net.add(3, forwards);
  Node& far = net.add(4, forwards);
  Node& server = net.add(5);
  const auto sw = Switch::create().value();
  ASSERT_TRUE(sw->add_port("client", net.plug(client, prefix("10.0.0.5/24"))));
  ASSERT_TRUE(sw->add_port("nat", net.plug(nat, prefix("10.0.0.1/24"))));
  net.add({sw.get()});
  near.attach(net.plug(nat, prefix("192.0.2.1/24"), {.seed = 2, .loss = 0.02, .delay = 1ms}),
              prefix("192.0.2.2/24"));
  far.attach(net.plug(near, prefix("198.51.100.1/24"), {.seed = 3, .reorder = 0.02, .delay = 1ms}),
             prefix("198.51.100.2/24"));
  server.attach(net.plug(far, prefix("203.0.113.1/24")), prefix("203.0.113.80/24"));
  const Prefix everywhere = prefix("0.0.0.0/0");
  ASSERT_TRUE(client->add_route(everywhere, ip("10.0.0.1"), 1));
  ASSERT_TRUE(nat->add_route(everywhere, ip("192.0.2.2"), 2));
  ASSERT_TRUE(near->add_route(prefix("203.0.113.0/24"), ip("198.51.100.2"), 2));
  ASSERT_TRUE(far->add_route(prefix("192.0.2.0/24"), ip("198.51.100.1"), 1));
  ASSERT_TRUE(server->add_route(everywhere, ip("203.0.113.1"), 1));
  ASSERT_TRUE(nat->set_nat(2));
  for (Node* node : {&nat, &near}) (*node)->set_trace(true);

  Echo echo(net, client, server, ip("203.0.113.80"), kSize);
  EXPECT_TRUE(echo.run());
  EXPECT_EQ(echo.peer().addr, ip("192.0.2.1"));  // nobody outside sees the inside
  EXPECT_GT(nat->counters().get(Counter::nat_translated), 2 * kSize / 1'460);
  EXPECT_EQ(nat->counters().get(Counter::nat_sessions), 1U);
  EXPECT_GT(far->counters().get(Counter::ip_forwarded), 2 * kSize / 1'460);
  // What a journey can show of it.
  std::set<trace::Kind> kinds;
  while (const trace::Event* e = nat->next_trace()) kinds.insert(e->kind);
  EXPECT_TRUE(kinds.contains(trace::Kind::translated));
  while (const trace::Event* e = near->next_trace()) {
    if (e->kind != trace::Kind::forwarded) continue;
    const bool is_there = e->remote.addr == ip("203.0.113.80");
    EXPECT_EQ(e->local.addr, is_there ? ip("198.51.100.2") : ip("192.0.2.1"));
    EXPECT_EQ(e->extra, 62U);  // in the middle from either side
  }
  EXPECT_EQ(sw->frames_in_use(), 0U);
}

}  // namespace
}  // namespace naru::device::test
