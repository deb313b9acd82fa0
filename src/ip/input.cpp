// Ip: frames and packets in.
#include "ip/groups/igmp.hpp"
#include "ip/ip.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"
#include "wire/udp.hpp"

namespace naru::ip {
namespace {

using wire::Ethernet;

constexpr std::uint16_t kDhcpServer = 67;
constexpr std::uint16_t kDhcpClient = 68;

// 240/4 with 255.255.255.255, 0/8, 127/8, 224/4: never the source of a packet from a wire
// (RFC 1122 3.2.1.3); 0.0.0.0 is looked at by itself.
bool is_never_source(std::uint32_t addr) {
  const std::uint32_t net = addr >> 24U;
  return net == 0 || net == 127 || net >= 224;
}

}  // namespace

// Inlined where every packet passes; the other uses are rare.
[[gnu::always_inline]] inline Input Ip::deliver(Packet* packet, const wire::Ipv4View& view,
                                                bool group, Time now) {
  packet->pull(static_cast<std::uint32_t>(view.header_size()));
  switch (static_cast<Protocol>(packet->protocol)) {
    case Protocol::tcp:
    case Protocol::udp:
      return {.action = Input::Action::deliver, .group = group, .packet = packet};
    case Protocol::icmp:
      return input_icmp(packet, group, now);
    case Protocol::igmp:
      context_.counters->add(Counter::igmp_in);
      return consume(packet, input_igmp(*packet, reporter_, now), now);
    default:
      send_error(IcmpError::protocol_unreachable, *packet, now);
      return drop(packet, Drop::ip_unknown_protocol, now);
  }
}

// A message to ip itself, which had nothing against it, or a reason to drop it.
Input Ip::consume(Packet* packet, Drop reason, Time now) {
  if (reason != Drop::none) return drop(packet, reason, now);
  context_.pool->give_back(packet);
  return {.action = Input::Action::consumed};
}

Input Ip::input(Packet* packet, Time now) {
  if (packet->more != nullptr) [[unlikely]] {
    packet = context_.pool->linearize(packet);
    if (packet == nullptr) {
      return {.action = Input::Action::dropped, .reason = context_.counters->drop(Drop::no_buffer)};
    }
  }
  if (!interfaces_.exists(packet->interface) || packet->interface == kLoopback ||
      !interfaces_.at(packet->interface).up) {
    return drop(packet, Drop::frame_not_for_us, now);
  }
  const auto frame = wire::EthernetView::parse(packet->bytes());
  if (!frame) return drop(packet, Drop::frame_truncated, now);
  packet->link_broadcast = frame->is_to_group();
  if (!packet->link_broadcast && !frame->is_to(interfaces_.at(packet->interface).mac)) {
    return drop(packet, Drop::frame_not_for_us, now);
  }
  std::uint16_t type = frame->type();
  std::uint32_t header = Ethernet::kHeaderSize;
  if (type != wire::kEtherTypeIpv4 && type != wire::kEtherTypeIpv6 && type != wire::kEtherTypeArp) {
    const auto tagged = wire::EthernetHeader::parse(packet->bytes());
    if (!tagged) {
      const bool is_802_3 = type < wire::kMinEtherType;
      return drop(packet, is_802_3 ? Drop::unknown_ether_type : Drop::frame_truncated, now);
    }
    if (!tagged->is_untagged()) return drop(packet, Drop::vlan_unknown, now);
    type = tagged->ether_type;
    header = tagged->payload_offset;
  }
  packet->pull(header);
  if (type == wire::kEtherTypeIpv4) [[likely]]
    return input_packet(packet, now);
  if (type == wire::kEtherTypeIpv6) return input_packet6(packet, now);
  if (type == wire::kEtherTypeArp) return input_arp(packet, now);
  return drop(packet, Drop::unknown_ether_type, now);
}

Input Ip::input_loopback(Packet* packet, Time now) {
  packet->interface = kLoopback;
  packet->link_broadcast = false;
  if (packet->more != nullptr) packet = context_.pool->linearize(packet);
  if (packet == nullptr) {
    return {.action = Input::Action::dropped, .reason = context_.counters->drop(Drop::no_buffer)};
  }
  const bool is_v6 = packet->length != 0 && packet->data[0] >> 4U == 6;
  return is_v6 ? input_packet6(packet, now) : input_packet(packet, now);
}

// A packet with data at its IP header. Its length is taken once, by the view.
Input Ip::input_packet(Packet* packet, Time now) {
  context_.counters->add(Counter::ip_in);
  const auto view = wire::Ipv4View::parse(packet->bytes());
  if (!view) {
    const bool is_short = packet->length < wire::Ipv4::kHeaderSize;
    return drop(packet, is_short ? Drop::ip_truncated : Drop::ip_bad_header, now);
  }
  if (!view->header_checksum_ok()) return drop(packet, Drop::ip_bad_checksum, now);
  packet->trim(view->total_length());  // Ethernet's padding ends here
  packet->network_offset = static_cast<std::uint16_t>(packet->headroom());
  packet->source = view->src();
  packet->destination = view->dst();
  packet->tos = view->tos();
  packet->ttl = view->ttl();
  packet->protocol = static_cast<std::uint8_t>(view->protocol());

  if (!is_known(*packet) || view->has_options() || view->is_fragment() || context_.trace->on())
      [[unlikely]] {
    if (pass(packet, *view, now)) return {.action = Input::Action::consumed};
    return judge(packet, *view, now);
  }
  return deliver(packet, *view, false, now);
}

// A packet of which something is still to be found out, or to be told.
Input Ip::judge(Packet* packet, const wire::Ipv4View& view, Time now) {
  if (const Drop bad = check_source(*packet, view); bad != Drop::none) {
    return drop(packet, bad, now);
  }
  if (view.has_options()) {
    if (const Drop bad = check_options(*packet, view, now); bad != Drop::none) {
      return drop(packet, bad, now);
    }
  }
  Target target = classify(*packet);
  if (target == Target::elsewhere && is_offer(*packet, view)) target = Target::group;
  if (nat_.is_on()) {
    if (const auto done = input_nat(packet, view, target, now)) return *done;
  }
  if (target == Target::elsewhere) return forward(packet, view, now);
  // Who sends unicast by broadcast means no good (RFC 1122 3.3.6).
  if (target == Target::us && packet->link_broadcast) {
    return drop(packet, Drop::ip_link_broadcast, now);
  }
  if (!passes_reverse_path(*packet, now)) return drop(packet, Drop::ip_reverse_path, now);
  if (target == Target::us && !nat_.is_on()) make_known(*packet);
  return accept(packet, view, target == Target::group, now);
}

bool Ip::is_known(const Packet& packet) {
  const Acquaintance& a = acquaintance_of(packet);
  return a.source == packet.source && a.destination == packet.destination && a.epoch == epoch_ &&
         a.interface == packet.interface && !packet.link_broadcast &&
         !context_.options->on(Option::ip_reverse_path_filter);
}

void Ip::make_known(const Packet& packet) {
  if (packet.source.is_any()) return;  // taken for what is in the packet, not for its addresses
  acquaintance_of(packet) = {packet.source, packet.destination, epoch_, packet.interface};
}

// The packet has passed all checks of the IP layer.
Input Ip::accept(Packet* packet, const wire::Ipv4View& view, bool group, Time now) {
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::packet_in,
                        .protocol = view.protocol(),
                        .interface = packet->interface,
                        .length = packet->length,
                        .extra = packet->ttl,
                        .local = {.addr = packet->destination, .port = 0},
                        .remote = {.addr = packet->source, .port = 0}});
  if (view.is_fragment()) return reassemble(packet, view, group, now);
  return deliver(packet, view, group, now);
}

// RFC 1122 3.2.1.3: sources that no packet from a wire can have.
Drop Ip::check_source(const Packet& packet, const wire::Ipv4View& view) const {
  if (packet.interface == kLoopback) {
    return is_local(packet.source) ? Drop::none : Drop::ip_bad_source;
  }
  const std::uint32_t source = packet.source.to_v4();
  if (source == 0) {
    // Who snoops on groups may have none to ask from (RFC 4541 2.1.1), and who joins one may
    // have none yet (RFC 3376 4.2.13).
    if (view.protocol() == Protocol::igmp) return Drop::none;
    // A host that asks for its address has none (RFC 1122 3.2.1.3 (a)).
    const auto udp = view.protocol() == Protocol::udp && !view.is_fragment()
                         ? wire::UdpView::parse(view.payload())
                         : std::nullopt;
    const bool is_dhcp = udp && (udp->dst_port() == kDhcpServer || udp->dst_port() == kDhcpClient);
    return is_dhcp ? Drop::none : Drop::ip_bad_source;
  }
  if (is_never_source(source)) return Drop::ip_bad_source;
  if (interfaces_.find_address(packet.source) != nullptr) return Drop::ip_bad_source;
  if (interfaces_.find_broadcast(packet.source) != nullptr) return Drop::ip_bad_source;
  return Drop::none;
}

// Options are read to be sure of them, and then left alone (RFC 7126).
Drop Ip::check_options(const Packet& packet, const wire::Ipv4View& view, Time now) {
  const auto options = wire::Ipv4OptionSummary::of(view.options());
  if (options.malformed) {
    send_error(IcmpError::parameter_problem, packet, now,
               static_cast<std::uint32_t>(wire::Ipv4::kHeaderSize) + options.error_offset);
    return Drop::ip_option_malformed;
  }
  return options.source_route() ? Drop::ip_source_route : Drop::none;
}

Ip::Target Ip::classify(const Packet& packet) const {
  const IpAddr& to = packet.destination;
  if (to.is_loopback()) {
    return packet.interface == kLoopback ? Target::us : Target::elsewhere;
  }
  if (is_local(to)) return Target::us;
  if (to.is_multicast()) {
    return packet.interface == kLoopback || interfaces_.is_member(packet.interface, to)
               ? Target::group
               : Target::elsewhere;
  }
  // A copy of our own broadcast comes by loopback.
  const std::uint8_t interface = packet.interface == kLoopback ? kAnyInterface : packet.interface;
  const bool is_broadcast =
      to.is_limited_broadcast() || interfaces_.find_broadcast(to, interface) != nullptr;
  return is_broadcast ? Target::group : Target::elsewhere;
}

// From a DHCP server, to the address that it offers to us who have none yet: it need not
// heed that broadcasts were asked for (RFC 2131 4.1).
bool Ip::is_offer(const Packet& packet, const wire::Ipv4View& view) {
  if (packet.interface == kLoopback || view.protocol() != Protocol::udp || view.is_fragment()) {
    return false;
  }
  if (interfaces_.first_valid_v4(packet.interface) != nullptr) return false;
  const auto udp = wire::UdpView::parse(view.payload());
  return udp && udp->src_port() == kDhcpServer && udp->dst_port() == kDhcpClient;
}

// RFC 3704: would the answer leave by the interface that the packet came from (2.2, strict),
// or by any at all (2.4, loose)?
bool Ip::passes_reverse_path(const Packet& packet, Time now) const {
  const std::int64_t mode = context_.options->get(Option::ip_reverse_path_filter);
  if (mode == 0 || packet.interface == kLoopback || packet.source.is_any()) return true;
  if (mode == 1) {
    const Route* back = lookup(packet.source, kAnyInterface, now);
    return back != nullptr && back->interface == packet.interface;
  }
  return lookup(packet.source, kAnyInterface, now) != nullptr;
}

// The whole packet, or nullptr: then `in` says what became of the piece.
Packet* Ip::rejoin(Packet* packet, const wire::Ipv4View& view, Time now, Input& in) {
  context_.counters->add(Counter::ip_fragments_in);
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::fragment_in,
                        .protocol = view.protocol(),
                        .interface = packet->interface,
                        .length = packet->length,
                        .extra = view.fragment_offset(),
                        .local = {.addr = packet->destination, .port = 0},
                        .remote = {.addr = packet->source, .port = 0}});
  const Packet received = *packet;  // its addresses, for the whole
  Drop reason = Drop::none;
  Packet* whole = reassembly_.input(packet, now, reason);
  if (whole == nullptr) {
    const auto action = reason == Drop::none ? Input::Action::consumed : Input::Action::dropped;
    in = {.action = action, .reason = reason};
    return nullptr;
  }
  const auto whole_view = wire::Ipv4View::parse(whole->bytes());
  if (!whole_view) {
    in = drop(whole, Drop::fragment_malformed, now);
    return nullptr;
  }
  whole->network_offset = static_cast<std::uint16_t>(whole->headroom());
  whole->source = received.source;
  whole->destination = received.destination;
  whole->protocol = received.protocol;
  whole->tos = whole_view->tos();
  whole->ttl = whole_view->ttl();
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::reassembled,
                        .protocol = whole_view->protocol(),
                        .interface = whole->interface,
                        .length = whole->length,
                        .local = {.addr = whole->destination, .port = 0},
                        .remote = {.addr = whole->source, .port = 0}});
  return whole;
}

Input Ip::reassemble(Packet* packet, const wire::Ipv4View& view, bool group, Time now) {
  Input in;
  Packet* whole = rejoin(packet, view, now, in);
  return whole == nullptr ? in : deliver(whole, *wire::Ipv4View::parse(whole->bytes()), group, now);
}

}  // namespace naru::ip
