// Ip: packets for others (RFC 1812 5).
#include "ip/forwarding/forward.hpp"

#include <optional>

#include "ip/ip.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {
namespace {

constexpr std::size_t kProtocolOffset = 9;  // in an IPv4 header

// What keeps the packets of a flow together: its ports too, unless they are in the first
// fragment only.
std::uint64_t flow_word(const wire::Ipv4View& view) {
  const std::uint32_t ports = view.is_fragment() ? 0 : ports_word(view.protocol(), view.payload());
  return std::uint64_t{ports} << 8U | static_cast<std::uint8_t>(view.protocol());
}

void lower_ttl(std::uint8_t* ip) {
  std::uint8_t* word = ip + 8;  // the TTL and the protocol
  std::uint8_t* checksum = ip + wire::Ipv4::kChecksumOffset;
  const std::uint16_t old_word = wire::load_checksum(word);
  // Not in memory: to read a word of which a byte has just been stored takes longer than all this.
  const auto new_word = static_cast<std::uint16_t>(old_word - 1);
  wire::store_checksum(word, new_word);
  wire::store_checksum(checksum, wire::update16(wire::load_checksum(checksum), old_word, new_word));
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
  const Route* route = route_onward(*packet, flow_word(view), now);
  if (route == nullptr || route->interface == kLoopback) {
    send_error(IcmpError::network_unreachable, *packet, now);
    return drop(packet, Drop::ip_no_route, now);
  }
  if (nat_.is_on() && route->interface == nat_.outside) {
    return forward_outside(packet, view, *route, now);
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
  // What we only want to have yet (RFC 5227 2.1): nobody is to be asked for it on this account.
  if (interfaces_.find_address(to) != nullptr) return Drop::ip_not_for_us;
  return Drop::none;
}

// Of several equal routes the one whose hash with the flow is the highest: when one is added
// or goes, only the flows that it takes or had are moved (RFC 2992, RFC 2991 7).
// `flow_word`: what tells flows between the same addresses apart.
const Route* Ip::route_onward(const Packet& packet, std::uint64_t flow_word, Time now) const {
  std::optional<std::uint64_t> flow;
  const auto weight = [&](const RouteEntry& entry) {
    if (!flow) {
      flow = context_.hash(packet.destination, context_.hash(packet.source, flow_word));
    }
    return siphash(context_.key, {*flow, entry.order});
  };
  return routes_.lookup(
      packet.destination, [&](const Route& route) { return rank(route, now); },
      [&](const RouteEntry& a, const RouteEntry& b) { return weight(a) > weight(b); });
}

// RFC 1812 5.2.7.2: tells a host on the same network as its next hop that it needs no help.
void Ip::advise(const Packet& packet, const Route& route, const IpAddr& next_hop, Time now) {
  const bool is_detour = route.interface == packet.interface && next_hop != packet.source &&
                         context_.options->on(Option::ip_send_redirects) &&
                         interfaces_.share_network(route.interface, packet.source, next_hop);
  if (is_detour) send_error(IcmpError::redirect, packet, now, next_hop.to_v4());
}

// One hop further: the time to live, the frame header, the size.
// What is said about it is said of the packet as it came, so a NAT comes last.
Input Ip::send_on(Packet* packet, const wire::Ipv4View& view, const Route& route, Time now,
                  const NatPlan& plan) {
  const Interface& interface = interfaces_.at(route.interface);
  const IpAddr destination =
      plan.inside == nullptr ? packet->destination : IpAddr::v4(plan.inside->inside.addr);
  const IpAddr next_hop = route.gateway.is_any() ? destination : route.gateway;
  const std::uint32_t mtu = interface.mtu;
  const std::uint32_t largest = size_on_wire(*packet, view.header_size(), view.payload());
  if (largest > mtu && (view.dont_fragment() || packet->gso_size != 0)) {
    send_error(IcmpError::fragmentation_needed, *packet, now, mtu);
    return drop(packet, Drop::ip_needs_fragmentation, now);
  }
  if (!plan.applies) advise(*packet, route, next_hop, now);
  const std::uint32_t ports = passage_ports(view);
  Neighbour* n = neighbours_.find_or_add(route.interface, next_hop, now);
  if (n == nullptr) return drop(packet, Drop::neighbour_table_full, now);
  n->is_gateway |= !route.gateway.is_any();

  if (plan.applies) {
    const Drop bad = translate(*packet, view, plan, now);
    if (bad != Drop::none) return drop(packet, bad, now);
  }

  if (largest <= mtu) remember(*packet, route, *n, ports, plan);
  packet->flags = plan.inside == nullptr ? std::uint16_t{0} : kForInside;
  if (largest > mtu) {
    packet->flags |= kToBeCut;
    packet->seq = mtu;
  }
  trace_forwarded(*packet, route, next_hop, now);
  lower_ttl(packet->data);
  hand_on(packet, *n, wire::kEtherTypeIpv4, now);
  return {.action = Input::Action::consumed};
}

void Ip::trace_forwarded(const Packet& packet, const Route& route, const IpAddr& next_hop,
                         Time now) {
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::forwarded,
                        .protocol = static_cast<Protocol>(packet.protocol),
                        .interface = route.interface,
                        .length = packet.length,
                        .extra = packet.ttl - 1U,
                        .local = {.addr = next_hop, .port = 0},
                        .remote = {.addr = packet.destination, .port = 0}});
}

// To the neighbour, or to wait for it; its flags say what else is to be done.
void Ip::hand_on(Packet* packet, Neighbour& n, std::uint16_t ether_type, Time now) {
  packet->flags |= kForwarded;
  context_.counters->add(Counter::ip_forwarded);
  const bool resolved = neighbours_.use(n, now);
  wire::Ethernet{n.mac, interfaces_.at(n.interface).mac, ether_type}.emit(
      packet->push(wire::Ethernet::kHeaderSize));
  if (!resolved) {
    neighbours_.hold(n, packet, now);  // `interface` stays the one it came from, for errors
    return;
  }
  packet->interface = n.interface;
  context_.send(packet, now);
}

// --- again the same way ------------------------------------------------------------------

// What was found for a packet is kept for those that follow between the same two, where it
// cannot differ for them: not by their ports (several equal routes), not by what their
// sender is to be told (a redirect), not by what they are to the inside of a NAT. On their way
// outside a NAT it is kept for each session.
void Ip::remember(const Packet& packet, const Route& route, const Neighbour& n, std::uint32_t ports,
                  const NatPlan& plan) {
  const bool differs =
      plan.inside != nullptr || plan.is_error || route.interface == packet.interface;
  if (differs || routes_.has_alternative(route) || n.version == 0) return;
  passages_.put({.source = plan.applies ? IpAddr::v4(plan.flow.source.addr) : packet.source,
                 .destination = packet.destination,
                 .ports = ports,
                 .epoch = epoch_,
                 .neighbour = neighbours_.index_of(&n),
                 .version = n.version,
                 .session = plan.applies ? nat_.table.session_index(plan.flow.key()) : kNoIndex,
                 .mtu = interfaces_.at(route.interface).mtu_of(packet.destination.is_v6()),
                 .in = packet.interface});
}

// By which a packet's passage is told from others between the same two.
std::uint32_t Ip::passage_ports(const wire::Ipv4View& view) const {
  const bool tells_apart = nat_.is_on() && !view.is_fragment();
  return tells_apart ? ports_word(view.protocol(), view.payload()) : 0;
}

// Where the passage of a frame should be that nobody has looked at yet, by its addresses,
// whatever else is in it; nullptr: it has none.
const Passage* Ip::foreseen(const Packet& frame, std::uint8_t interface) const {
  constexpr std::size_t kIp = wire::Ethernet::kHeaderSize;
  constexpr std::size_t kUnit = kIp + wire::Ipv4::kHeaderSize;
  if (!context_.options->on(Option::ip_forwarding)) return nullptr;
  const std::uint8_t* ip = frame.data + kIp;
  if (frame.length >= kIp + wire::Ipv6::kHeaderSize && ip[0] >> 4U == 6) {
    return passages_.place_of(wire::load_ipv6(ip + 8), wire::load_ipv6(ip + 24), 0, interface);
  }
  if (frame.length < kUnit) return nullptr;
  const auto protocol = static_cast<Protocol>(ip[kProtocolOffset]);
  const std::uint32_t ports = nat_.is_on() ? ports_word(protocol, frame.bytes().subspan(kUnit)) : 0;
  return passages_.place_of(wire::load_ipv4(ip + 12), wire::load_ipv4(ip + 16), ports, interface);
}

// While others are on their way its line comes from memory: with many flows that is most of
// what a packet costs.
void Ip::foresee(const Packet& frame, std::uint8_t interface) const {
  if (const Passage* p = foreseen(frame, interface)) __builtin_prefetch(p);
}

// Then the line has come, and says which session's is wanted, too.
void Ip::foresee_session(const Packet& frame, std::uint8_t interface) const {
  if (!nat_.is_on()) return;
  const Passage* p = foreseen(frame, interface);
  const bool is_translated = p != nullptr && p->epoch == epoch_ && p->session != kNoIndex;
  if (is_translated) nat_.table.prefetch_session(p->session);
}

// The way that packets between these two took, if this one may take it without being told
// anything; nullptr: its way has to be looked for.
const Passage* Ip::find_passage(const Packet& packet, std::uint32_t ports, Time now) {
  const Passage* p =
      passages_.find(packet.source, packet.destination, ports, packet.interface, epoch_);
  if (p == nullptr) return nullptr;
  const bool is_plain = packet.ttl > 1 && packet.length <= p->mtu && packet.gso_size == 0 &&
                        !packet.link_broadcast && !context_.trace->on();
  const Options& options = *context_.options;
  const Neighbour& n = *neighbours_.at(p->neighbour);
  const bool is_open = n.version == p->version && now < n.fresh_until &&
                       options.on(Option::ip_forwarding) &&
                       !options.on(Option::ip_reverse_path_filter);
  return is_plain && is_open ? p : nullptr;
}

// True: the packet is on its way. False: its way has to be looked for.
bool Ip::pass(Packet* packet, const wire::Ipv4View& view, Time now) {
  const Passage* p = view.has_options() ? nullptr : find_passage(*packet, passage_ports(view), now);
  if (p == nullptr) return false;
  if (p->session != kNoIndex && !translate_again(*packet, view, p->session, now)) return false;
  packet->flags = 0;
  lower_ttl(packet->data);
  hand_on(packet, *neighbours_.at(p->neighbour), wire::kEtherTypeIpv4, now);
  return true;
}

// As the one before it in this session, which may be over.
bool Ip::translate_again(Packet& packet, const wire::Ipv4View& view, std::uint32_t session,
                         Time now) {
  NatPlan plan;
  plan.from_inside = true;
  const bool is_plain =
      !view.is_fragment() && plan_outside(view, plan) == Drop::none && !plan.is_error;
  if (is_plain) plan.own = nat_.table.session_at(session, plan.flow.key());
  return plan.own != nullptr && translate(packet, view, plan, now) == Drop::none;
}

}  // namespace naru::ip
