// Ip: neighbour discovery messages in (RFC 4861 7).
#include "ip/ip.hpp"
#include "ip/neighbour/ndp.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {

using wire::Icmpv6Type;

// Data at the ICMPv6 header, its checksum right. What no neighbour can have sent is dropped
// without a word (RFC 4861 6.1, 7.1, 8.1; RFC 6980).
Input Ip::input_ndp(Packet* packet, Time now) {
  context_.counters->add(Counter::ndp_in);
  const auto view = wire::NdpView::parse(packet->bytes());
  const bool is_from_link = packet->ttl == wire::kNdpHopLimit && packet->interface != kLoopback;
  if (!view || !is_from_link || packet->fragmented) {
    return drop(packet, Drop::ndp_malformed, now);
  }
  Drop reason = Drop::none;
  if (view->type() == Icmpv6Type::neighbour_solicitation) {
    reason = input_solicitation(*packet, *view, now);
  } else if (view->type() == Icmpv6Type::neighbour_advertisement) {
    reason = input_advertisement(*packet, *view, now);
  } else if (view->type() == Icmpv6Type::router_advertisement) {
    reason = input_router_advertisement(*packet, *view, now);
  } else if (view->type() == Icmpv6Type::router_solicitation) {
    reason = input_router_solicitation(*packet, *view, now);
  } else {
    reason = input_redirect6(*packet, *view, now);
  }
  return consume(packet, reason, now);
}

// RFC 4861 7.1.1, 7.2.3.
Drop Ip::input_solicitation(const Packet& packet, const wire::NdpView& view, Time now) {
  const std::uint8_t index = packet.interface;
  const IpAddr target = with_own_zone(view.target(), index);
  const auto options = wire::NdpOptions::of(view.options());
  const auto& mac = options.source_link_layer;
  if (options.malformed || target.is_multicast()) return Drop::ndp_malformed;
  if (mac && (mac->is_multicast() || mac->is_zero())) return Drop::ndp_malformed;
  const bool is_probe = packet.source.is_any();  // somebody wants to take the address
  if (is_probe && (mac || packet.destination != wire::solicited_node(target))) {
    return Drop::ndp_malformed;
  }
  if (Address* wanted = tentative(index, target)) {
    // A question from somewhere is one for the address' owner, whoever it may be.
    if (is_probe && options.nonce != wanted->nonce) on_duplicate(*wanted, now);
    return Drop::none;
  }
  if (!is_ours_on(index, target)) return Drop::icmp_ignored;

  Neighbour* asker = nullptr;
  if (!is_probe) {
    asker = neighbours_.find_or_add(index, packet.source, now);
    if (asker == nullptr) return Drop::neighbour_table_full;
    if (mac) neighbours_.on_solicitation(*asker, *mac, now);
  }
  advertise(index, target, asker, now);
  return Drop::none;
}

Address* Ip::tentative(std::uint8_t interface, const IpAddr& addr) {
  Address* address = interfaces_.find_address(addr);
  const bool is_it = address != nullptr && address->interface == interface &&
                     address->state == AddressState::tentative;
  return is_it ? address : nullptr;
}

// RFC 4862 5.4.5: the address is not ours to use. One that we made up ourselves is made up
// anew, a few times (RFC 7217 6, RFC 8981 3.4).
void Ip::on_duplicate(Address& address, Time now) {
  constexpr std::uint8_t kIdgenRetries = 3;
  prober_.on_duplicate(address);
  change_epoch();
  if (address.origin == AddressOrigin::given || address.attempt >= kIdgenRetries) {
    arm_lifetime(address, now);
    return;
  }
  AddressPlan plan = AddressPlan::of(address);
  ++plan.attempt;
  const Prefix prefix = address.prefix;
  const std::uint8_t interface = address.interface;
  const Changing changing(context_.configuration);
  (void)remove_address(interface, address.addr);
  (void)make_up_address(interface, prefix, plan, now);
}

// To who asked, or to all where that is a host that has no address yet.
void Ip::advertise(std::uint8_t index, const IpAddr& target, Neighbour* asker, Time now) {
  const Interface& interface = interfaces_.at(index);
  const bool is_known = asker == nullptr || neighbours_.use(*asker, now);
  const IpAddr to = asker == nullptr ? wire::kAllNodes : asker->addr;
  const MacAddr at = asker == nullptr ? wire::group_mac_v6(to) : asker->mac;
  Packet* frame = make_advertisement(context_, interface, index, to, at,
                                     {.target = target,
                                      .is_router = context_.options->on(Option::ip_forwarding),
                                      .solicited = asker != nullptr,
                                      .target_link_layer = interface.mac},
                                     now);
  if (frame == nullptr) return;
  if (is_known) {
    context_.send(frame, now);
  } else {
    neighbours_.hold(*asker, frame, now);
  }
}

// RFC 4861 7.1.2, 7.2.5: it concerns those that we already have to do with.
Drop Ip::input_advertisement(const Packet& packet, const wire::NdpView& view, Time now) {
  using wire::NeighbourAdvertisement;
  const IpAddr target = with_own_zone(view.target(), packet.interface);
  const auto options = wire::NdpOptions::of(view.options());
  const auto& mac = options.target_link_layer;
  const bool solicited = (view.flags() & NeighbourAdvertisement::kSolicited) != 0;
  if (options.malformed || target.is_multicast()) return Drop::ndp_malformed;
  if (solicited && packet.destination.is_multicast()) return Drop::ndp_malformed;
  if (mac && (mac->is_multicast() || mac->is_zero())) return Drop::ndp_malformed;
  if (Address* wanted = tentative(packet.interface, target)) {
    on_duplicate(*wanted, now);
    return Drop::none;
  }
  if (is_local(target)) return Drop::arp_conflict;

  Neighbour* n = neighbours_.find(packet.interface, target);
  if (n == nullptr) return Drop::icmp_ignored;
  neighbours_.on_advertisement(
      *n,
      {.mac = mac,
       .solicited = solicited,
       .does_override = (view.flags() & NeighbourAdvertisement::kOverride) != 0},
      now);
  return Drop::none;
}

}  // namespace naru::ip
