// Ip: IPv6 packets in (RFC 8200).
#include "ip/ip.hpp"
#include "wire/ipv6_extension.hpp"

namespace naru::ip {
namespace {

// The addresses of IPv4, and link-local ones that say more than fe80::/64, are not to be seen
// on a wire (RFC 4291 2.5.5, 2.5.6): here they would mean somebody else.
bool is_of_wire(const IpAddr& addr) {
  return addr.is_v6() && (!addr.is_link_local() || addr == addr.without_zone());
}

}  // namespace

// A packet with data at its IP header.
Input Ip::input_packet6(Packet* packet, Time now) {
  context_.counters->add(Counter::ip_in);
  const auto view = wire::Ipv6View::parse(packet->bytes());
  if (!view) {
    const bool is_short = packet->length < wire::Ipv6::kHeaderSize;
    return drop(packet, is_short ? Drop::ip_truncated : Drop::ip_bad_header, now);
  }
  const IpAddr source = view->src();
  const IpAddr destination = view->dst();
  if (packet->interface != kLoopback && !is_of_wire(source)) {
    return drop(packet, Drop::ip_bad_source, now);
  }
  if (packet->interface != kLoopback && !is_of_wire(destination)) {
    return drop(packet, Drop::ip_martian, now);
  }
  packet->trim(view->total_length());  // Ethernet's padding ends here
  packet->network_offset = static_cast<std::uint16_t>(packet->headroom());
  packet->source = with_own_zone(source, packet->interface);
  packet->destination = with_own_zone(destination, packet->interface);
  packet->tos = view->traffic_class();
  packet->ttl = view->hop_limit();
  packet->protocol = static_cast<std::uint8_t>(view->next_header());
  if (!is_known(*packet) || wire::is_ipv6_extension(packet->protocol) || context_.trace->on())
      [[unlikely]] {
    if (pass6(packet, now)) return {.action = Input::Action::consumed};
    return judge6(packet, now);
  }
  return deliver6(packet, {}, false, now);
}

// A link-local address is of the link that it came from. A copy of what we sent to a group
// comes by "lo", where only the address itself tells.
IpAddr Ip::with_own_zone(const IpAddr& addr, std::uint8_t interface) const {
  if (interface != kLoopback) return addr.with_zone(interface);
  if (!addr.is_link_local() || addr.zone() != 0) return addr;
  for (std::uint8_t i = kLoopback + 1; i < interfaces_.count(); ++i) {
    if (is_ours_on(i, addr.with_zone(i))) return addr.with_zone(i);
  }
  return addr;
}

// A packet of which something is still to be found out, or to be told.
Input Ip::judge6(Packet* packet, Time now) {
  if (const Drop bad = check_source6(*packet); bad != Drop::none) return drop(packet, bad, now);
  const Target target = classify6(*packet);
  if (target == Target::elsewhere) return forward6(packet, now);
  // Who sends unicast by broadcast means no good.
  if (target == Target::us && packet->link_broadcast) {
    return drop(packet, Drop::ip_link_broadcast, now);
  }
  if (!passes_reverse_path(*packet, now)) return drop(packet, Drop::ip_reverse_path, now);
  if (target == Target::us) make_known(*packet);
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::packet_in,
                        .protocol = static_cast<Protocol>(packet->protocol),
                        .interface = packet->interface,
                        .length = packet->length,
                        .extra = packet->ttl,
                        .local = {.addr = packet->destination, .port = 0},
                        .remote = {.addr = packet->source, .port = 0}});
  const bool group = target == Target::group;
  if (wire::is_ipv6_extension(packet->protocol)) return open_headers6(packet, group, now);
  return deliver6(packet, {}, group, now);
}

// RFC 4291 2.5.2, 2.5.3, 2.7: sources that no packet from a wire can have.
Drop Ip::check_source6(const Packet& packet) const {
  const IpAddr& source = packet.source;
  if (packet.interface == kLoopback) {
    return is_local(source) ? Drop::none : Drop::ip_bad_source;
  }
  if (source.is_any()) {
    // Who asks for an address has none (RFC 4861 4.1, 4.3, RFC 3810 5.2.13).
    const bool may_have_none = packet.protocol == static_cast<std::uint8_t>(Protocol::icmpv6) ||
                               wire::is_ipv6_extension(packet.protocol);
    return may_have_none ? Drop::none : Drop::ip_bad_source;
  }
  const bool never = source.is_multicast() || source.is_loopback();
  // What we only want to have may be another's.
  return never || is_local(source) ? Drop::ip_bad_source : Drop::none;
}

Ip::Target Ip::classify6(const Packet& packet) const {
  const IpAddr& to = packet.destination;
  const bool is_from_wire = packet.interface != kLoopback;
  if (to.is_multicast()) {
    // RFC 4291 2.7: groups of the interface itself, and of no scope, never come from a wire.
    if (is_from_wire && wire::group_scope(to) <= wire::kInterfaceScope) return Target::elsewhere;
    return !is_from_wire || interfaces_.is_member(packet.interface, to) ? Target::group
                                                                        : Target::elsewhere;
  }
  if (to.is_loopback()) return is_from_wire ? Target::elsewhere : Target::us;
  return is_local(to) ? Target::us : Target::elsewhere;
}

// The packet has passed all checks of the IP layer.
Input Ip::deliver6(Packet* packet, const UpperLayer& upper, bool group, Time now) {
  packet->pull(upper.at);
  switch (static_cast<Protocol>(packet->protocol)) {
    case Protocol::tcp:
    case Protocol::udp:
      return {.action = Input::Action::deliver, .group = group, .packet = packet};
    case Protocol::icmpv6:
      return input_icmp6(packet, group, now);
    default:
      break;
  }
  if (packet->protocol != wire::Ipv6::kNoNextHeader) {
    send_error(IcmpError::protocol_unreachable, *packet, now, upper.named_at);
  }
  return drop(packet, Drop::ip_unknown_protocol, now);
}

}  // namespace naru::ip
