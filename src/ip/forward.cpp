// Ip: packets for others (RFC 1812 5).
#include <algorithm>

#include "ip/ip.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace naru::ip {
namespace {

// Of the largest packet on the wire that this one stands for.
std::uint32_t size_on_wire(const Packet& packet, const wire::Ipv4View& view) {
  const auto tcp = wire::TcpView::parse(view.payload());
  if (packet.gso_size == 0 || !tcp) return packet.length;
  const auto headers = static_cast<std::uint32_t>(view.header_size() + tcp->header_size());
  return std::min(packet.length, headers + packet.gso_size);
}

}  // namespace

// A packet with data at its IP header, checked like one for us.
Input Ip::forward(Packet* packet, const wire::Ipv4View& view, Time now) {
  if (!context_.options->on(Option::ip_forwarding) || packet->interface == kLoopback) {
    return drop(packet, packet->destination.is_loopback() ? Drop::ip_martian : Drop::ip_not_for_us,
                now);
  }
  if (const Drop bad = check_forwardable(*packet); bad != Drop::none) {
    return drop(packet, bad, now);
  }
  if (!passes_reverse_path(*packet, now)) return drop(packet, Drop::ip_reverse_path, now);
  if (packet->ttl <= 1) {
    send_error(IcmpError::ttl_exceeded, *packet, now);
    return drop(packet, Drop::ip_ttl_expired, now);
  }
  const Route* route = lookup(packet->destination, kAnyInterface, now);
  if (route == nullptr || route->interface == kLoopback) {
    send_error(IcmpError::network_unreachable, *packet, now);
    return drop(packet, Drop::ip_no_route, now);
  }
  return send_on(packet, view, *route, now);
}

// RFC 1812 5.3.4, 5.3.7, RFC 2644, RFC 3927 2.7: what stays on its link.
Drop Ip::check_forwardable(const Packet& packet) const {
  if (packet.link_broadcast) return Drop::ip_link_broadcast;
  const IpAddr& to = packet.destination;
  const std::uint32_t net = to.to_v4() >> 24U;
  if (net == 0 || net == 127 || net >= 224) return Drop::ip_martian;
  if (to.is_link_local() || packet.source.is_link_local()) return Drop::ip_martian;
  if (packet.source.is_any() || is_broadcast(to)) return Drop::ip_martian;
  return Drop::none;
}

// One hop further: the time to live, the frame header, the size.
Input Ip::send_on(Packet* packet, const wire::Ipv4View& view, const Route& route, Time now) {
  const Interface& interface = interfaces_.at(route.interface);
  const IpAddr next_hop = route.gateway.is_any() ? packet->destination : route.gateway;
  const std::uint8_t out = route.interface;
  const std::uint32_t mtu = interface.mtu;
  const std::uint32_t largest = size_on_wire(*packet, view);
  if (largest > mtu && (view.dont_fragment() || packet->gso_size != 0)) {
    send_error(IcmpError::fragmentation_needed, *packet, now, mtu);
    return drop(packet, Drop::ip_needs_fragmentation, now);
  }
  Neighbour* n = neighbours_.find_or_add(out, next_hop, now);
  if (n == nullptr) return drop(packet, Drop::neighbour_table_full, now);
  n->is_gateway |= !route.gateway.is_any();

  std::uint8_t* ip = packet->data;
  std::uint8_t* checksum = ip + wire::Ipv4::kChecksumOffset;
  const std::uint16_t old_word = wire::load_checksum(ip + 8);
  --ip[8];
  wire::store_checksum(checksum, wire::update16(wire::load_checksum(checksum), old_word,
                                                wire::load_checksum(ip + 8)));
  packet->flags = kForwarded;
  if (largest > mtu) {
    packet->flags |= kToBeCut;
    packet->seq = mtu;
  }
  context_.counters->add(Counter::ip_forwarded);
  const bool resolved = neighbours_.use(*n, now);
  wire::Ethernet{n->mac, interface.mac, wire::kEtherTypeIpv4}.emit(
      packet->push(wire::Ethernet::kHeaderSize));
  if (!resolved) {
    neighbours_.hold(*n, packet, now);  // `interface` stays the one it came from, for errors
    return {.action = Input::Action::consumed};
  }
  packet->interface = out;
  context_.send(packet, now);
  return {.action = Input::Action::consumed};
}

}  // namespace naru::ip
