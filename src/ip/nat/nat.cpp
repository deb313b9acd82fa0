// Ip: network address translation (RFC 3022; the behaviour is that of RFC 4787, RFC 5382,
// RFC 5508 and RFC 7857).
//
//   from inside  ─► route leads outside ─► forward_outside ─┐
//   to our outside address ─► input_nat ─► forward_inside ──┴─► send_on ─► translate
//
// A plan says what is to be changed; the packet stays as it came until nothing more can go
// wrong, so that whatever is said about it is said in the words of its sender.
#include "ip/ip.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace naru::ip {
namespace {

std::optional<wire::TcpView> segment_of(const wire::Ipv4View& view) {
  return view.protocol() == Protocol::tcp ? wire::TcpView::parse(view.payload()) : std::nullopt;
}

std::optional<wire::Icmpv4View> error_of(const wire::Ipv4View& view) {
  if (view.protocol() != Protocol::icmp) return std::nullopt;
  const auto message = wire::Icmpv4View::parse(view.payload());
  return message && is_translatable_error(message->type()) ? message : std::nullopt;
}

// RFC 4787 5, RFC 5382 REQ-3: who may reach an inside endpoint without a session.
bool is_admitted(const NatTable& table, const NatMapping& mapping, const NatFlow& flow,
                 const wire::Ipv4View& view, std::int64_t filtering) {
  if (!mapping.is_active() || flow.protocol == Protocol::icmp) return false;
  if (flow.protocol == Protocol::tcp) {
    const auto segment = segment_of(view);
    if (!segment || !segment->has(wire::kSyn) || segment->has(wire::kAck)) return false;
  }
  if (mapping.is_static || filtering == 0) return true;
  return filtering == 1 && table.knows(mapping, flow.source.addr);
}

}  // namespace

// --- configuration -----------------------------------------------------------------

Status Ip::set_nat(std::uint8_t outside) {
  if (!interfaces_.exists(outside) || outside == kLoopback) return std::unexpected(Error::invalid);
  if (!nat_.table.exists()) return std::unexpected(Error::no_memory);
  nat_.outside = outside;
  renew_nat();
  change_epoch();
  if (nat_.address != 0) return {};
  nat_.outside = kAnyInterface;
  return std::unexpected(Error::address_not_available);
}

// The sessions of one outside address are nothing to another.
void Ip::renew_nat() {
  if (!nat_.is_on()) return;
  const Address* first = nullptr;
  auto& addresses = interfaces_.at(nat_.outside).addresses;
  for (Address* a = addresses.front(); a != nullptr && first == nullptr; a = addresses.next(a)) {
    if (a->addr.is_v4() && a->state == AddressState::valid) first = a;
  }
  const std::uint32_t address = first == nullptr ? 0 : first->addr.to_v4();
  if (address != nat_.address) nat_.table.clear();
  nat_.address = address;
}

Status Ip::add_port_forward(Protocol protocol, std::uint16_t outside_port, const Endpoint& inside,
                            Time now) {
  const bool has_ports = protocol == Protocol::tcp || protocol == Protocol::udp;
  const bool is_valid = nat_.is_on() && has_ports && inside.addr.is_v4() && inside.port != 0;
  if (!is_valid || outside_port == 0) return std::unexpected(Error::invalid);
  return nat_.table.add_static(protocol, outside_port, {inside.addr.to_v4(), inside.port}, now);
}

Status Ip::remove_port_forward(Protocol protocol, std::uint16_t outside_port) {
  return nat_.table.remove_static(protocol, outside_port);
}

// --- from outside, or to our outside address ------------------------------------------

// None: it is for the router itself, or for others by the ordinary way.
std::optional<Input> Ip::input_nat(Packet* packet, const wire::Ipv4View& view, Target target,
                                   Time now) {
  if (target == Target::elsewhere && packet->interface == nat_.outside) {
    return drop(packet, Drop::nat_filtered, now);
  }
  const bool is_for_it = target == Target::us && nat_.address != 0 && !packet->link_broadcast &&
                         packet->destination.to_v4() == nat_.address;
  if (!is_for_it) return std::nullopt;
  if (view.is_fragment()) return judge_whole(packet, view, now);
  NatPlan plan;
  if (const Drop bad = plan_inside(*packet, view, plan); bad != Drop::none) {
    return drop(packet, bad, now);
  }
  if (!plan.applies) return std::nullopt;
  return forward_inside(packet, view, plan, now);
}

// Ports are in the first fragment only: the NAT sees whole packets (RFC 4787 REQ-14), within
// the bounds of reassembly, and they are cut again where they must be.
Input Ip::judge_whole(Packet* fragment, const wire::Ipv4View& view, Time now) {
  Input in;
  Packet* whole = rejoin(fragment, view, now, in);
  return whole == nullptr ? in : judge(whole, *wire::Ipv4View::parse(whole->bytes()), now);
}

Drop Ip::plan_inside(const Packet& packet, const wire::Ipv4View& view, NatPlan& plan) {
  plan.from_inside = packet.interface != nat_.outside;
  if (const auto error = error_of(view)) return plan_error_inside(packet, *error, plan);
  const auto flow = NatFlow::of(view);
  if (!flow || flow->kind == NatFlow::Kind::query) return Drop::none;
  NatMapping* mapping = nat_.table.find_outside(flow->protocol, flow->destination.port);
  if (mapping == nullptr) return Drop::none;
  if (plan.from_inside && packet.interface == kLoopback) return Drop::none;
  const bool is_known = nat_.table.find_session(*mapping, flow->source) != nullptr;
  // Another inside host needs no session: filters are for the outside (RFC 4787 REQ-9).
  const bool is_hairpin = plan.from_inside && mapping->is_active();
  if (!is_known && !is_hairpin &&
      !is_admitted(nat_.table, *mapping, *flow, view,
                   context_.options->get(Option::nat_filtering))) {
    return Drop::nat_filtered;  // in silence (RFC 5382 REQ-4)
  }
  plan.applies = true;
  plan.flow = *flow;
  plan.inside = mapping;
  return Drop::none;
}

// An error about something that the inside sent (RFC 5508 REQ-3 to REQ-7). It changes nothing
// about any session.
Drop Ip::plan_error_inside(const Packet& packet, const wire::Icmpv4View& error, NatPlan& plan) {
  if (!error.checksum_ok()) return Drop::icmp_bad_checksum;
  const auto flow = NatFlow::of_quote(error.payload());
  if (!flow || flow->source.addr != packet.destination.to_v4()) return Drop::icmp_malformed;
  NatMapping* mapping = nat_.table.find_outside(flow->protocol, flow->source.port);
  if (mapping == nullptr) return Drop::none;  // it is the router's own
  NatEndpoint remote = flow->destination;
  if (plan.from_inside) {
    // From another inside host, which knows the packet by its own address.
    plan.outward = nat_.table.find_inside(flow->protocol, remote);
    if (plan.outward != nullptr) remote = {nat_.address, plan.outward->outside_port};
  }
  if (nat_.table.find_session(*mapping, remote) == nullptr) return Drop::icmp_no_match;
  plan.applies = plan.is_error = true;
  plan.flow = *flow;
  plan.inside = mapping;
  return Drop::none;
}

Input Ip::forward_inside(Packet* packet, const wire::Ipv4View& view, const NatPlan& plan,
                         Time now) {
  if (!context_.options->on(Option::ip_forwarding)) return drop(packet, Drop::ip_not_for_us, now);
  if (packet->ttl <= 1) {
    send_error(IcmpError::ttl_exceeded, *packet, now);
    return drop(packet, Drop::ip_ttl_expired, now);
  }
  const Route* route = lookup(IpAddr::v4(plan.inside->inside.addr), kAnyInterface, now);
  if (route == nullptr || route->interface == kLoopback || route->interface == nat_.outside) {
    send_error(IcmpError::host_unreachable, *packet, now);
    return drop(packet, Drop::ip_no_route, now);
  }
  return send_on(packet, view, *route, now, plan);
}

// --- from inside to outside -------------------------------------------------------------

Input Ip::forward_outside(Packet* packet, const wire::Ipv4View& view, const Route& route,
                          Time now) {
  if (nat_.address == 0) {
    send_error(IcmpError::network_unreachable, *packet, now);
    return drop(packet, Drop::ip_no_route, now);
  }
  if (view.is_fragment()) return judge_whole(packet, view, now);
  NatPlan plan;
  plan.from_inside = true;
  if (const Drop bad = plan_outside(view, plan); bad != Drop::none) {
    return drop(packet, bad, now);
  }
  return send_on(packet, view, route, now, plan);
}

Drop Ip::plan_outside(const wire::Ipv4View& view, NatPlan& plan) {
  plan.applies = true;
  if (const auto error = error_of(view)) {
    if (!error->checksum_ok()) return Drop::icmp_bad_checksum;
    const auto flow = NatFlow::of_quote(error->payload());
    if (!flow || flow->source.addr != view.dst().to_v4()) return Drop::icmp_malformed;
    plan.outward = nat_.table.find_inside(flow->protocol, flow->destination);
    const bool is_known = plan.outward != nullptr &&
                          (nat_.table.find_session(*plan.outward, flow->source) != nullptr ||
                           (flow->protocol == Protocol::udp && plan.outward->is_active()));
    if (!is_known) return Drop::icmp_no_match;
    plan.is_error = true;
    plan.flow = *flow;
    return Drop::none;
  }
  const auto flow = NatFlow::of(view);
  if (!flow) return Drop::nat_malformed;
  if (flow->kind == NatFlow::Kind::reply) return Drop::nat_filtered;
  plan.flow = *flow;
  return Drop::none;
}

// --- the translation ----------------------------------------------------------------------

Drop Ip::translate(Packet& packet, const wire::Ipv4View& view, const NatPlan& plan, Time now) {
  context_.counters->add(Counter::nat_translated);
  if (plan.is_error) return translate_error(packet, view, plan);
  const auto segment = segment_of(view);
  NatEndpoint source = plan.flow.source;
  if (plan.from_inside) {
    Drop reason = Drop::none;
    const NatSession* own = open_outside(packet, view, plan, now, reason);
    if (own == nullptr) return reason;
    source = {nat_.address, own->outside_port};
  }
  if (plan.inside != nullptr) {
    NatSession* session = nat_.table.find_session(*plan.inside, source);
    // Only a connection has to be watched from its beginning.
    if (session == nullptr && segment) {
      session = nat_.table.add_session(*plan.inside, source, now);
      if (session == nullptr) return Drop::nat_full;
    }
    if (session != nullptr) {
      nat_.table.note(*session, NatDirection::in, segment ? &*segment : nullptr, now);
    }
    replace(packet, NatSide::destination, plan.flow.destination, plan.inside->inside, now);
  }
  if (plan.from_inside) replace(packet, NatSide::source, plan.flow.source, source, now);
  return Drop::none;
}

// The session of who sends; nullptr, with the reason, when there is none to be had.
NatSession* Ip::open_outside(const Packet& packet, const wire::Ipv4View& view, const NatPlan& plan,
                             Time now, Drop& reason) {
  NatSession* session = plan.own;
  if (session == nullptr) session = nat_.table.find_session(plan.flow.key());
  if (session == nullptr) session = begin_outside(packet, plan.flow, now, reason);
  if (session == nullptr) return nullptr;
  const auto segment = segment_of(view);
  nat_.table.note(*session, NatDirection::out, segment ? &*segment : nullptr, now);
  return session;
}

// A new one, of the sender's mapping or a new one. Where there is no room the sender is told
// (RFC 5508 REQ-8).
NatSession* Ip::begin_outside(const Packet& packet, const NatFlow& flow, Time now, Drop& reason) {
  NatMapping* mapping = nat_.table.find_inside(flow.protocol, flow.source);
  if (mapping == nullptr) {
    // Nobody makes mappings for others (RFC 2827).
    const Route* back = lookup(packet.source, kAnyInterface, now);
    if (back == nullptr || back->interface != packet.interface) {
      reason = Drop::ip_reverse_path;
      return nullptr;
    }
    mapping = nat_.table.map(flow.protocol, flow.source, now);
  }
  NatSession* session = nullptr;
  if (mapping != nullptr) session = nat_.table.add_session(*mapping, flow.destination, now);
  if (session == nullptr) {
    send_error(IcmpError::prohibited, packet, now);
    reason = Drop::nat_full;
  }
  return session;
}

Drop Ip::translate_error(Packet& packet, const wire::Ipv4View& view, const NatPlan& plan) {
  const MutableBytes message = packet.mutable_bytes().subspan(view.header_size());
  const MutableBytes quote = message.subspan(wire::Icmpv4::kHeaderSize);
  if (plan.inside != nullptr) {
    rewrite(quote, NatSide::source, plan.inside->inside, false);
    rewrite_address(packet.mutable_bytes(), NatSide::destination, plan.inside->inside.addr);
    packet.destination = IpAddr::v4(plan.inside->inside.addr);
  }
  if (plan.outward != nullptr) {
    rewrite(quote, NatSide::destination, {nat_.address, plan.outward->outside_port}, false);
    rewrite_address(packet.mutable_bytes(), NatSide::source, nat_.address);
    packet.source = IpAddr::v4(nat_.address);
  }
  renew_icmp_checksum(message);
  return Drop::none;
}

void Ip::replace(Packet& packet, NatSide side, const NatEndpoint& from, const NatEndpoint& to,
                 Time now) {
  const bool is_source = side == NatSide::source;
  IpAddr& addr = is_source ? packet.source : packet.destination;
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::translated,
                        .protocol = static_cast<Protocol>(packet.protocol),
                        .length = packet.length,
                        .extra = is_source ? 0U : 1U,
                        .local = {.addr = addr, .port = from.port},
                        .remote = {.addr = IpAddr::v4(to.addr), .port = to.port}});
  addr = IpAddr::v4(to.addr);
  rewrite(packet.mutable_bytes(), side, to, packet.checksum == ChecksumState::good);
}

}  // namespace naru::ip
