// Udp: whose datagram it is. Connected beats bound to the address beats bound to any;
// bound to the interface beats bound to none.
#include "udp/udp.hpp"

namespace naru::udp {
namespace {

bool is_on(const UdpSocket& socket, std::uint8_t interface) {
  return socket.options.interface == kAnyInterface || socket.options.interface == interface;
}

// How well an unconnected socket fits; 0 not at all.
unsigned score(const UdpSocket& socket, const Endpoint& local, std::uint8_t interface) {
  if (socket.is_connected || socket.local.port != local.port) return 0;
  if (!is_on(socket, interface)) return 0;
  if (!socket.bound().covers(local.addr)) return 0;
  const bool to_it = socket.local.addr == local.addr;
  const bool of_family = socket.local.addr.is_v4() == local.addr.is_v4();
  return 1 + (to_it ? 4U : 0U) + (socket.options.interface == interface ? 2U : 0U) +
         (of_family ? 1U : 0U);
}

}  // namespace

UdpSocket* Udp::find_connected(const Arrival& arrival) const {
  return by_connection_.find(tuple_hash(arrival.local, arrival.remote), [&](const UdpSocket& s) {
    return s.local == arrival.local && s.remote == arrival.remote && is_on(s, arrival.interface);
  });
}

// Of several that fit equally well the one bound last; or, where they share the port by
// SO_REUSEPORT, one chosen by a keyed hash, the same for all datagrams of a peer.
UdpSocket* Udp::find_bound(const Arrival& arrival) const {
  UdpSocket* best = nullptr;
  unsigned best_score = 0;
  std::uint32_t group = 0;  // sockets with the best score
  for (UdpSocket* s = by_port_.first(arrival.local.port); s != nullptr; s = by_port_.next(*s)) {
    const unsigned its_score = score(*s, arrival.local, arrival.interface);
    if (its_score > best_score) {
      best = s;
      best_score = its_score;
      group = 1;
    } else if (its_score != 0 && its_score == best_score) {
      ++group;
    }
  }
  if (group <= 1 || !best->options.reuse_port) return best;
  std::uint64_t chosen = tuple_hash(arrival.local, arrival.remote) % group;
  for (UdpSocket* s = best; s != nullptr; s = by_port_.next(*s)) {
    if (score(*s, arrival.local, arrival.interface) != best_score) continue;
    if (chosen-- == 0) return s;
  }
  return best;
}

UdpSocket* Udp::find_receiver(const Arrival& arrival) const {
  if (UdpSocket* connected = find_connected(arrival)) return connected;
  return find_bound(arrival);
}

// Of a broadcast or multicast every socket that could mean it gets a copy (RFC 1122 3.3.6);
// of a multicast only those that joined the group on the interface, or want all that the host
// hears.
bool Udp::takes_group(const UdpSocket& socket, const Arrival& arrival) const {
  if (socket.local.port != arrival.local.port || !is_on(socket, arrival.interface)) return false;
  if (socket.is_connected && socket.remote != arrival.remote) return false;
  if (!socket.addr_chosen && !socket.bound().covers(arrival.local.addr)) return false;
  return !arrival.local.addr.is_multicast() || socket.options.multicast_all ||
         is_member(socket, arrival.interface, arrival.local.addr);
}

}  // namespace naru::udp
