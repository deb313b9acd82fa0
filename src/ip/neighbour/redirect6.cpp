// Ip: redirects of IPv6, believed by a host and sent by a router (RFC 4861 8).
#include "ip/ip.hpp"
#include "ip/neighbour/ndp.hpp"

namespace naru::ip {

// RFC 4861 8.1, 8.3: from the first hop in use for that destination only.
Drop Ip::input_redirect6(const Packet& packet, const wire::NdpView& view, Time now) {
  const std::uint8_t index = packet.interface;
  const IpAddr target = view.target().with_zone(index);
  const IpAddr destination = view.destination().with_zone(index);
  const auto options = wire::NdpOptions::of(view.options());
  const auto& mac = options.target_link_layer;
  const bool is_possible = target.is_link_local() || target == destination;
  if (!packet.source.is_link_local() || options.malformed || destination.is_multicast() ||
      target.is_multicast() || !is_possible) {
    return Drop::ndp_malformed;
  }
  if (mac && (mac->is_multicast() || mac->is_zero())) return Drop::ndp_malformed;
  if (!context_.options->on(Option::ip_accept_redirects) ||
      context_.options->on(Option::ip_forwarding) || is_local(target)) {
    return Drop::icmp_ignored;
  }
  bool is_believed = false;
  destinations_.for_each_to(destination, [&](Destination& d) {
    if (d.epoch != epoch_ || d.interface != index || d.next_hop != packet.source) return;
    Neighbour* n = neighbours_.find_or_add(index, target, now);
    if (n == nullptr) return;
    if (mac) neighbours_.on_solicitation(*n, *mac, now);
    n->is_gateway |= target != destination;
    d.next_hop = target;
    d.neighbour = neighbours_.index_of(n);
    d.neighbour_version = 0;
    destinations_.bump(&d);
    is_believed = true;
  });
  return is_believed ? Drop::none : Drop::icmp_no_match;
}

// RFC 4861 8.2: tells a host on the same link as its next hop that it needs no help. Another
// router can be named by its link-local address only.
void Ip::advise6(const Packet& packet, const Route& route, const IpAddr& next_hop, Time now) {
  const std::uint8_t index = packet.interface;
  const bool is_nameable = next_hop == packet.destination || next_hop.is_link_local();
  const bool is_detour = route.interface == index && next_hop != packet.source && is_nameable &&
                         context_.options->on(Option::ip_send_redirects) &&
                         is_on_link(index, packet.source);
  const Address* own = interfaces_.link_local(index);
  if (!is_detour || own == nullptr || own->state != AddressState::valid) return;
  if (!limiter_.allow(context_, packet.source, now)) {
    context_.counters->drop(Drop::icmp_rate_limited);
    return;
  }
  Neighbour* host = neighbours_.find_or_add(index, packet.source, now);
  if (host == nullptr) return;
  const Neighbour* better = neighbours_.find(index, next_hop);
  wire::Redirect redirect{.target = next_hop,
                          .destination = packet.destination,
                          .packet = {packet.data, packet.length}};
  if (better != nullptr && better->has_mac()) redirect.target_link_layer = better->mac;
  const bool is_known = neighbours_.use(*host, now);
  Packet* frame = make_redirect(context_, interfaces_.at(index), index, own->addr, packet.source,
                                host->mac, redirect);
  if (frame == nullptr) return;
  if (is_known) {
    context_.send(frame, now);
  } else {
    neighbours_.hold(*host, frame, now);
  }
}

}  // namespace naru::ip
