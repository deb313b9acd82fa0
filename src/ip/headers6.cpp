// Ip: what stands between the IPv6 header and the layer above (RFC 8200 4).
#include "ip/ip.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv6_extension.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::ip {
namespace {

using Fault = wire::Ipv6Chain::Fault;

// RFC 7112: who filters sees all headers in the first fragment, or the packet is refused.
bool has_upper_header(const wire::Ipv6View& view, const wire::Ipv6Chain& chain) {
  const std::size_t left = view.total_length() - chain.upper_at;
  switch (static_cast<Protocol>(chain.upper)) {
    case Protocol::tcp:
      return wire::TcpView::parse(view.bytes().subspan(chain.upper_at)).has_value();
    case Protocol::udp:
      return left >= wire::Udp::kHeaderSize;
    case Protocol::icmpv6:
      return left >= wire::Icmpv6::kHeaderSize;
    default:
      return true;
  }
}

}  // namespace

// A packet for us with data at its IP header, which extension headers follow.
Input Ip::open_headers6(Packet* packet, bool group, Time now) {
  const auto view = wire::Ipv6View::parse(packet->bytes());
  if (!view) return drop(packet, Drop::ip_bad_header, now);
  const auto chain = wire::Ipv6Chain::of(*view, group, packet->fragmented);
  if (const Drop bad = check_headers6(*packet, chain, now); bad != Drop::none) {
    return drop(packet, bad, now);
  }
  if (chain.fragment && !chain.fragment->is_atomic()) {
    const Drop bad = check_fragment6(*packet, *view, chain, now);
    return bad == Drop::none ? reassemble6(packet, group, now) : drop(packet, bad, now);
  }
  packet->fragmented |= chain.fragment.has_value();
  packet->protocol = chain.upper;
  const bool is_icmp = chain.upper == static_cast<std::uint8_t>(Protocol::icmpv6);
  if (packet->source.is_any() && !is_icmp) return drop(packet, Drop::ip_bad_source, now);
  return deliver6(packet, {chain.upper_at, chain.next_header_offset}, group, now);
}

Drop Ip::check_headers6(const Packet& packet, const wire::Ipv6Chain& chain, Time now) {
  switch (chain.fault) {
    case Fault::none:
      return Drop::none;
    case Fault::malformed:
      return Drop::ip_bad_header;
    case Fault::option:
      return Drop::ip_option_malformed;
    case Fault::bad_option:
      send_error(IcmpError::unknown_option, packet, now, chain.pointer);
      return Drop::ip_option_malformed;
    case Fault::next_header:
      send_error(IcmpError::protocol_unreachable, packet, now, chain.pointer);
      return Drop::ip_bad_header;
    case Fault::header_field:
      send_error(IcmpError::parameter_problem, packet, now, chain.pointer);
      return Drop::ip_source_route;
  }
  return Drop::ip_bad_header;
}

// RFC 8200 4.5: what is said to who sends pieces that cannot be put together.
Drop Ip::check_fragment6(const Packet& packet, const wire::Ipv6View& view,
                         const wire::Ipv6Chain& chain, Time now) {
  constexpr std::uint32_t kOffsetField = 2;
  const wire::Ipv6Fragment& fragment = *chain.fragment;
  const auto header = FragmentHeader::parse(view.bytes());
  if (fragment.more && header->size % 8 != 0) {
    send_error(IcmpError::parameter_problem, packet, now, wire::Ipv6::kPayloadLengthOffset);
    return Drop::fragment_malformed;
  }
  if (header->is_too_far()) {
    send_error(IcmpError::parameter_problem, packet, now, fragment.at + kOffsetField);
    return Drop::fragment_malformed;
  }
  const bool is_complete = fragment.offset != 0 || has_upper_header(view, chain);
  return is_complete ? Drop::none : Drop::fragment_malformed;
}

Input Ip::reassemble6(Packet* packet, bool group, Time now) {
  context_.counters->add(Counter::ip_fragments_in);
  const auto tell = [&](trace::Kind kind, const Packet& p) {
    context_.trace->emit({.at = now,
                          .kind = kind,
                          .protocol = static_cast<Protocol>(p.protocol),
                          .interface = p.interface,
                          .length = p.length,
                          .local = {.addr = p.destination, .port = 0},
                          .remote = {.addr = p.source, .port = 0}});
  };
  tell(trace::Kind::fragment_in, *packet);
  const Packet received = *packet;  // its addresses, for the whole
  Drop reason = Drop::none;
  Packet* whole = reassembly_.input(packet, now, reason);
  if (whole == nullptr) {
    const auto action = reason == Drop::none ? Input::Action::consumed : Input::Action::dropped;
    return {.action = action, .reason = reason};
  }
  const auto view = wire::Ipv6View::parse(whole->bytes());
  if (!view) return drop(whole, Drop::fragment_malformed, now);
  whole->network_offset = static_cast<std::uint16_t>(whole->headroom());
  whole->source = received.source;
  whole->destination = received.destination;
  whole->protocol = static_cast<std::uint8_t>(view->next_header());
  whole->tos = view->traffic_class();
  whole->ttl = view->hop_limit();
  tell(trace::Kind::reassembled, *whole);
  return open_headers6(whole, group, now);
}

}  // namespace naru::ip
