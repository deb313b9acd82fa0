// A connection through hub and switches, in virtual time:
//
//   client ── hub ── switch ══ VLAN 10 ══ switch ── server
//              └─ listener        bystander ──┘ (VLAN 20)
#include <deque>

#include <gtest/gtest.h>

#include <naru/device/hub.hpp>
#include <naru/device/switch.hpp>
#include <naru/link/fault.hpp>
#include <naru/stack/stack.hpp>

#include "station.hpp"

namespace naru::device::test {
namespace {

constexpr std::uint16_t kPort = 80;

// A stack at the end of a wire of its own, whose other end goes into a device.
struct Host {
  Host(std::uint8_t number, const link::FaultOptions& faults)
      : wire({.mac_a = mac(number)}),
        link(wire.a(), faults),
        mapping(ArenaMapping::map_private(arena_size({})).value()),
        stack(Stack::create(mapping.arena(), {.options = {}, .random = Random::seeded(number)},
                            Time(1s))
                  .value()) {
    const std::uint8_t interface = stack->add_interface("eth0", link).value();
    EXPECT_TRUE(stack->add_address(interface, {IpAddr::v4(10, 0, 0, number), 24}));
  }

  link::MemoryWire wire;
  link::FaultLink link;
  ArenaMapping mapping;
  std::unique_ptr<Stack> stack;
};

// Lets all of them do what they can, and then the time go on.
class Network {
 public:
  Host& add_host(std::uint8_t number, const link::FaultOptions& faults = {}) {
    return hosts_.emplace_back(number, faults);
  }
  void add_device(Device& device) { devices_.push_back(&device); }

  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (Host& host : hosts_) more |= host.stack->poll(now);
      for (Device* device : devices_) more |= device->poll(now);
      for (Host& host : hosts_) more |= has_frames(host);
    }
  }
  void go_on() {
    Time next = kTimeNever;
    for (const Host& host : hosts_) next = std::min(next, host.stack->next_deadline());
    for (const Device* device : devices_) next = std::min(next, device->next_deadline());
    now = std::clamp(next, now + 1ns, now + 100ms);
  }

  Time now = Time(1s);

 private:
  static bool has_frames(Host& host) {
    return host.wire.waiting_count(host.wire.a()) + host.wire.waiting_count(host.wire.b()) != 0;
  }

  std::deque<Host> hosts_;
  std::vector<Device*> devices_;
};

TEST(DeviceNetworkTest, CarriesAConnection) {
  constexpr std::size_t kSize = 300'000;
  Network net;
  Host& client = net.add_host(1, {.seed = 1, .loss = 0.02, .delay = 1ms});
  Host& server = net.add_host(2, {.seed = 2, .loss = 0.02, .delay = 1ms});
  Station listener({.ring_size = 4'096});
  Station bystander({.ring_size = 4'096});
  link::MemoryWire trunk;
  link::MemoryWire uplink;
  const auto hub = Hub::create().value();
  const auto near = Switch::create().value();
  const auto far = Switch::create().value();
  ASSERT_TRUE(hub->add_port("client", client.wire.b()));
  ASSERT_TRUE(hub->add_port("listener", listener.plug()));
  ASSERT_TRUE(hub->add_port("uplink", uplink.a()));
  ASSERT_TRUE(near->add_port("hub", uplink.b(), PortVlans::access(10)));
  ASSERT_TRUE(near->add_port("trunk", trunk.a(), PortVlans::trunk({10, 20})));
  ASSERT_TRUE(far->add_port("trunk", trunk.b(), PortVlans::trunk({10, 20})));
  ASSERT_TRUE(far->add_port("server", server.wire.b(), PortVlans::access(10)));
  ASSERT_TRUE(far->add_port("bystander", bystander.plug(), PortVlans::access(20)));
  for (Device* device : {static_cast<Device*>(hub.get()), static_cast<Device*>(near.get()),
                         static_cast<Device*>(far.get())}) {
    net.add_device(*device);
  }

  const SocketId listening = server.stack->open_tcp().value();
  ASSERT_TRUE(server.stack->bind(listening, {IpAddr::any_v4(), kPort}));
  ASSERT_TRUE(server.stack->listen(listening, 1));
  const SocketId socket = client.stack->open_tcp().value();
  const Status connecting = client.stack->connect(socket, {IpAddr::v4(10, 0, 0, 2), kPort});
  ASSERT_EQ(connecting.error(), Error::in_progress);

  Frame data(kSize);
  Random::seeded(3).fill(data);
  Frame received;
  Frame buffer(16'384);
  std::size_t sent = 0;
  std::size_t overheard = 0;
  std::optional<SocketId> accepted;
  while (received.size() < kSize && net.now < Time(1'000s)) {
    net.settle();
    if (const auto n = client.stack->send(socket, Bytes(data).subspan(sent)); n && sent < kSize) {
      sent += *n;
    }
    if (const auto a = server.stack->accept(listening)) accepted = a->socket;
    while (accepted) {
      const auto n = server.stack->recv(*accepted, buffer);
      if (!n) break;
      received.insert(received.end(), buffer.begin(), buffer.begin() + static_cast<long>(*n));
    }
    for (const Frame& f : listener.receive()) overheard += f.size();
    net.go_on();
  }
  EXPECT_EQ(received, data);
  EXPECT_GT(overheard, kSize);  // a hub keeps nothing from anybody
  EXPECT_TRUE(bystander.receive().empty());
  EXPECT_EQ(far->find(mac(1), 10), 0);
  EXPECT_EQ(far->find(mac(2), 10), 1);
  EXPECT_EQ(near->find(mac(2), 10), 1);
  EXPECT_EQ(hub->frames_in_use() + near->frames_in_use() + far->frames_in_use(), 0U);
}

}  // namespace
}  // namespace naru::device::test
