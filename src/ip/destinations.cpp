// Ip: the way to a destination.
#include <algorithm>
#include <cstring>

#include "ip/ip.hpp"
#include "ip/source_selection.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {
namespace {

// After this a gateway that failed to answer is given another chance.
constexpr Duration kGatewayPenalty = 60s;

// Below this no path MTU is believed: smaller ones are an attack rather than a network
// (Linux' min_pmtu; RFC 1191 3 allows 68).
constexpr std::uint32_t kLeastPathMtu = 552;

MacAddr group_mac(const IpAddr& addr) {
  if (!addr.is_multicast()) return MacAddr::broadcast();
  return addr.is_v6() ? wire::group_mac_v6(addr) : wire::group_mac_v4(addr);
}

// Nothing was said: ourselves, as in Linux.
IpAddr loopback_of(const IpAddr& any) {
  return any.is_v4() ? IpAddr::loopback_v4() : IpAddr::loopback_v6();
}

}  // namespace

Result<std::uint32_t> Ip::destination(const IpAddr& remote, const IpAddr& local, Time now,
                                      std::uint8_t interface) {
  const IpAddr to = remote.is_any() ? loopback_of(remote) : remote;
  const IpAddr& from = local.is_any() ? IpAddr() : local;
  Destination* d = destinations_.find(to, from, interface);
  if (d != nullptr && d->epoch == epoch_) [[likely]] {
    d->referenced = true;
    return destinations_.index_of(d);
  }
  if (d == nullptr) d = destinations_.add(to, from, interface);
  const Status built = build(*d, now);
  if (!built) {
    destinations_.remove(d);
    return std::unexpected(built.error());
  }
  return destinations_.index_of(d);
}

Neighbour* Ip::neighbour_of(const Destination& d) {
  if (d.neighbour == kNoIndex) return nullptr;
  Neighbour* n = neighbours_.at(d.neighbour);
  const bool is_it = n->version != 0 && n->addr == d.next_hop && n->interface == d.interface;
  return is_it ? n : nullptr;
}

Status Ip::build(Destination& d, Time now) {
  const auto way = find_way(d, now);
  if (!way) return std::unexpected(way.error());
  const Interface& interface = interfaces_.at(way->interface);
  d.interface = way->interface;
  d.source = way->source;
  d.next_hop = way->next_hop;
  d.neighbour = kNoIndex;
  d.neighbour_version = 0;
  const std::uint16_t link_mtu = interface.mtu_of(d.remote.is_v6());
  d.mtu = d.path_mtu == 0 ? link_mtu : std::min(d.path_mtu, link_mtu);
  d.epoch = epoch_;
  destinations_.bump(&d);

  const bool is_group = d.is_broadcast || d.is_multicast;
  d.loops_back = d.is_broadcast || (d.is_multicast && interfaces_.is_member(d.interface, d.remote));
  if (!d.is_local && !is_group) {
    Neighbour* n = neighbours_.find_or_add(d.interface, d.next_hop, now);
    if (n == nullptr) return std::unexpected(Error::no_memory);
    n->is_gateway |= d.next_hop != d.remote;
    d.neighbour = neighbours_.index_of(n);
  }
  fill_template(d, is_group ? group_mac(d.remote) : MacAddr(), interface.mac);
  return {};
}

void Ip::fill_template(Destination& d, const MacAddr& dst, const MacAddr& src) const {
  const bool is_v6 = d.remote.is_v6();
  d.address_sum = wire::fold(wire::pseudo_header_sum(d.source, d.remote, Protocol{}, 0));
  d.header = {};
  d.header_size = is_v6 ? Destination::kTemplateV6 : Destination::kTemplateV4;
  wire::Ethernet{dst, src, is_v6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4}.emit(
      d.header.data());
  std::uint8_t* ip = d.header.data() + wire::Ethernet::kHeaderSize;
  if (is_v6) {
    d.flow_key = context_.hash(d.remote, context_.hash(d.source)) | 1U;
    ip[0] = 0x60;
    if (!d.is_multicast) ip[wire::Ipv6::kHopLimitOffset] = interfaces_.at(d.interface).hop_limit;
    // What is for ourselves is never on a wire, and keeps its zones.
    const auto store = [&](std::uint8_t* to, const IpAddr& addr) {
      std::memcpy(to, (d.is_local ? addr : addr.without_zone()).bytes().data(), 16);
    };
    store(ip + 8, d.source);
    store(ip + 24, d.remote);
  } else {
    ip[0] = 0x45;
    wire::store_ipv4(ip + 12, d.source);
    wire::store_ipv4(ip + 16, d.remote);
  }
}

Result<Ip::Way> Ip::find_way(Destination& d, Time now) {
  const Address* directed = interfaces_.find_broadcast(d.remote);
  d.is_multicast = d.remote.is_multicast();
  d.is_broadcast = d.remote.is_limited_broadcast() || directed != nullptr;
  d.is_local = is_local(d.remote);
  const bool asks_local = d.asked_local != IpAddr();
  if (asks_local && d.asked_local.is_v4() != d.remote.is_v4()) {
    return std::unexpected(Error::network_unreachable);
  }

  if (d.is_local) {
    const bool any = !asks_local;
    if (!any && !is_local(d.asked_local)) return std::unexpected(Error::address_not_available);
    const IpAddr ours = d.remote.is_loopback() ? loopback_of(d.remote) : d.remote;
    return Way{.interface = kLoopback, .next_hop = d.remote, .source = any ? ours : d.asked_local};
  }
  if (d.is_multicast || d.is_broadcast) return way_to_group(d, now);

  const Route* route = lookup(d.remote, d.asked_interface, now);
  if (route == nullptr) return std::unexpected(Error::network_unreachable);
  const bool on_link = route->gateway.is_any();
  // Never beyond the link (RFC 3927 2.7).
  if (d.remote.is_link_local() && !on_link) return std::unexpected(Error::network_unreachable);
  Way way{.interface = route->interface,
          .next_hop = on_link ? d.remote : route->gateway,
          .source = route->source};
  if (const Status chosen = choose_source(d, way); !chosen) return std::unexpected(chosen.error());
  return way;
}

// Over the interface asked for; else the one with the local address, else where a route
// (the default one, for 255.255.255.255) leads, else the first that is up.
Result<Ip::Way> Ip::way_to_group(const Destination& d, Time now) {
  Way way{.interface = d.asked_interface, .next_hop = d.remote, .source = {}};
  if (way.interface == kAnyInterface) {
    const Address* directed = interfaces_.find_broadcast(d.remote);
    const Address* local = interfaces_.find_address(d.asked_local);
    const Route* route = lookup(d.remote, kAnyInterface, now);
    if (directed != nullptr) {
      way.interface = directed->interface;
    } else if (local != nullptr) {
      way.interface = local->interface;
    } else if (route != nullptr) {
      way.interface = route->interface;
    } else {
      std::uint8_t i = kLoopback + 1;
      while (i < interfaces_.count() && !interfaces_.at(i).up) ++i;
      way.interface = i;
    }
  }
  if (!interfaces_.exists(way.interface) || !interfaces_.at(way.interface).up) {
    return std::unexpected(Error::network_unreachable);
  }
  const Status chosen = choose_source(d, way);
  // A host without an address may still broadcast, to ask for one (RFC 1122 3.2.1.3 (a)).
  if (!chosen && !(d.is_broadcast && d.asked_local == IpAddr())) {
    return std::unexpected(chosen.error());
  }
  if (way.source == IpAddr() && d.remote.is_v4()) way.source = IpAddr::any_v4();
  return way;
}

// What the caller bound to; else, of IPv4, what the route prefers or what fits the next hop, and of
// IPv6 what RFC 6724 says.
Status Ip::choose_source(const Destination& d, Way& way) {
  if (d.asked_local != IpAddr()) {
    if (!is_local(d.asked_local)) return std::unexpected(Error::address_not_available);
    if (d.asked_local.is_loopback()) return std::unexpected(Error::invalid);
    way.source = d.asked_local;
    return {};
  }
  if (d.remote.is_v4() && !way.source.is_any() && is_local(way.source)) return {};
  const Address* address = d.remote.is_v4() ? interfaces_.select_source(way.interface, way.next_hop)
                                            : select_source6(interfaces_, way.interface, d.remote);
  if (address == nullptr) return std::unexpected(Error::address_not_available);
  way.source = address->addr;
  return {};
}

const Route* Ip::lookup(const IpAddr& addr, std::uint8_t interface, Time now) const {
  return routes_.lookup(addr, [&](const Route& route) {
    const bool fits = interface == kAnyInterface || route.interface == interface;
    return fits ? rank(route, now) : RouteTable::Rank::no;
  });
}

RouteTable::Rank Ip::rank(const Route& route, Time now) const {
  if (!interfaces_.at(route.interface).up) return RouteTable::Rank::no;
  if (route.gateway.is_any()) return RouteTable::Rank::good;
  const Neighbour* gateway = neighbours_.find(route.interface, route.gateway);
  const bool dead = gateway != nullptr && gateway->state == NeighbourState::failed &&
                    now - gateway->last_asked < kGatewayPenalty;
  return dead ? RouteTable::Rank::last_resort : RouteTable::Rank::good;
}

void Ip::confirm_path_mtu(const IpAddr& remote, std::uint32_t mtu, Time now) {
  // RFC 8201 4: no IPv6 path has less than 1280.
  const std::uint32_t least = remote.is_v4() ? kLeastPathMtu : wire::Ipv6::kMinMtu;
  const std::uint32_t believed = std::clamp<std::uint32_t>(mtu, least, 0xffff);
  destinations_.lower_path_mtu(remote, static_cast<std::uint16_t>(believed), now);
}

}  // namespace naru::ip
