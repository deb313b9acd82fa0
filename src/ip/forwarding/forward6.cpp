// Ip: IPv6 packets for others (RFC 8200, RFC 4443), as forward.cpp does it for IPv4.
//
// A router looks at nothing but the base header: hop-by-hop options are passed on unread
// (RFC 8200 4.3), and what is too long is refused, never cut (RFC 8200 4.5).
#include "ip/forwarding/forward.hpp"
#include "ip/ip.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {
namespace {

// What keeps the packets of a flow together: its label (RFC 6437 2), and its ports where it
// has none.
std::uint64_t flow_word(const wire::Ipv6View& view) {
  if (view.flow_label() != 0) return view.flow_label();
  return std::uint64_t{ports_word(view.next_header(), view.payload())} << 8U |
         static_cast<std::uint8_t>(view.next_header());
}

}  // namespace

// A packet with data at its IP header, whose source may be one.
Input Ip::forward6(Packet* packet, Time now) {
  if (!context_.options->on(Option::ip_forwarding) || packet->interface == kLoopback) {
    return drop(packet, Drop::ip_not_for_us, now);
  }
  const auto view = wire::Ipv6View::parse(packet->bytes());
  if (!view) return drop(packet, Drop::ip_bad_header, now);
  if (const Drop bad = check_forwardable6(*packet, now); bad != Drop::none) {
    return drop(packet, bad, now);
  }
  if (!passes_reverse_path(*packet, now)) return drop(packet, Drop::ip_reverse_path, now);
  if (packet->ttl <= 1) {
    send_error(IcmpError::ttl_exceeded, *packet, now);
    return drop(packet, Drop::ip_ttl_expired, now);
  }
  const Route* route = route_onward(*packet, flow_word(*view), now);
  if (route == nullptr || route->interface == kLoopback) {
    send_error(IcmpError::network_unreachable, *packet, now);
    return drop(packet, Drop::ip_no_route, now);
  }
  const std::uint32_t mtu = interfaces_.at(route->interface).mtu_of(true);
  if (size_on_wire(*packet, wire::Ipv6::kHeaderSize, view->payload()) > mtu) {
    send_error(IcmpError::fragmentation_needed, *packet, now, mtu);
    return drop(packet, Drop::ip_needs_fragmentation, now);
  }
  const IpAddr next_hop = route->gateway.is_any() ? packet->destination : route->gateway;
  advise6(*packet, *route, next_hop, now);
  Neighbour* n = neighbours_.find_or_add(route->interface, next_hop, now);
  if (n == nullptr) return drop(packet, Drop::neighbour_table_full, now);
  n->is_gateway |= !route->gateway.is_any();
  remember(*packet, *route, *n);
  packet->flags = 0;
  trace_forwarded(*packet, *route, next_hop, now);
  --packet->data[wire::Ipv6::kHopLimitOffset];
  hand_on(packet, *n, wire::kEtherTypeIpv6, now);
  return {.action = Input::Action::consumed};
}

// As pass() does it for IPv4.
bool Ip::pass6(Packet* packet, Time now) {
  const Passage* p = find_passage(*packet, 0, now);
  if (p == nullptr) return false;
  packet->flags = 0;
  --packet->data[wire::Ipv6::kHopLimitOffset];
  hand_on(packet, *neighbours_.at(p->neighbour), wire::kEtherTypeIpv6, now);
  return true;
}

// RFC 4291 2.5.2, 2.5.3, 2.5.6, 2.7: what stays on its link, or on its host.
Drop Ip::check_forwardable6(const Packet& packet, Time now) {
  if (packet.link_broadcast) return Drop::ip_link_broadcast;
  const IpAddr& to = packet.destination;
  const bool leads_nowhere = to.is_any() || to.is_loopback() || to.is_multicast();
  if (leads_nowhere || to.is_link_local() || packet.source.is_any()) return Drop::ip_martian;
  // What we only want to have yet (RFC 4862 5.4): nobody is to be asked for it on this account.
  if (interfaces_.find_address(to) != nullptr) return Drop::ip_not_for_us;
  if (packet.source.is_link_local()) {
    send_error(IcmpError::beyond_scope, packet, now);  // RFC 4007 9
    return Drop::ip_martian;
  }
  return Drop::none;
}

}  // namespace naru::ip
