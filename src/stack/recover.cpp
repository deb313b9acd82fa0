// Recover: everything again from the sockets, after somebody died inside.

#include "stack/state.hpp"
#include "tcp/salvage.hpp"

namespace naru {

bool Stack::recover(Time now, const Random& random) {
  StackState& s = *state_;
  StackPorts& p = *ports_;
  if (s.ip.configuration().is_set()) return false;
  // What our links hold for us goes back before anybody asks what is held.
  for (link::Link* link : p.links) {
    if (link != nullptr) link->attach(nullptr);
  }
  s.now = now;
  s.tcp.set_now(now);
  s.random = random;
  s.packets.forget();
  s.icmp.salvage();
  const bool is_sound = tcp::salvage(s.tcp) && s.udp.salvage();
  if (is_sound) {
    s.packets.rebuild();
    s.loopback = {};
    s.refused = {};
    s.ip.recover(now);
    tcp::resume(s.tcp);
  }
  p.burst_size = 0;
  p.owned_count = 0;
  p.blocked = false;
  for (link::Link* link : p.links) {
    if (link != nullptr) link->attach(&s.packets);
  }
  return is_sound;
}

void Stack::for_each_socket(const std::function<void(SocketId, std::uint64_t cookie)>& f) {
  StackState& s = *state_;
  s.tcp.connections.for_each([&](const tcp::Connection& c) {
    if (c.has(tcp::kOwned)) f(id_of(c), c.cookie);
  });
  s.udp.for_each_socket([&](const udp::UdpSocket& u) { f(id_of(s.udp.handle_of(u)), u.cookie); });
  s.icmp.for_each_socket(
      [&](const icmp::IcmpSocket& i) { f(id_of(s.icmp.handle_of(i)), i.cookie); });
}

}  // namespace naru
