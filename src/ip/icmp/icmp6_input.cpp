// Ip: ICMPv6 messages in (RFC 4443).
#include "ip/groups/mld.hpp"
#include "ip/icmp/quote.hpp"
#include "ip/ip.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {
namespace {

using wire::Icmpv6Type;
using wire::Icmpv6Unreachable;
using wire::Icmpv6View;

ErrorReport::Kind kind_of(const Icmpv6View& view) {
  using enum ErrorReport::Kind;
  switch (view.type()) {
    case Icmpv6Type::too_big:
      return fragmentation_needed;
    case Icmpv6Type::time_exceeded:
      return time_exceeded;
    case Icmpv6Type::parameter_problem:
      // The other end does not know the protocol (RFC 4443 3.4).
      return view.code() == static_cast<std::uint8_t>(wire::Icmpv6Problem::next_header)
                 ? protocol_unreachable
                 : parameter_problem;
    default:
      break;
  }
  switch (static_cast<Icmpv6Unreachable>(view.code())) {
    case Icmpv6Unreachable::prohibited:
    case Icmpv6Unreachable::source_policy:  // RFC 4443 3.1: these tell more of the same
    case Icmpv6Unreachable::rejected:
      return prohibited;
    case Icmpv6Unreachable::address:
      return host_unreachable;
    case Icmpv6Unreachable::port:
      return port_unreachable;
    default:
      return network_unreachable;
  }
}

}  // namespace

// Data at the ICMPv6 header.
Input Ip::input_icmp6(Packet* packet, bool group, Time now) {
  context_.counters->add(Counter::icmp_in);
  const auto view = Icmpv6View::parse(packet->bytes());
  if (!view) return drop(packet, Drop::icmp_malformed, now);
  if (!view->checksum_ok(packet->source, packet->destination)) {
    return drop(packet, Drop::icmp_bad_checksum, now);
  }
  context_.trace->emit(
      {.at = now,
       .kind = trace::Kind::icmp_in,
       .protocol = Protocol::icmpv6,
       .interface = packet->interface,
       .length = packet->length,
       .extra = std::uint32_t{static_cast<std::uint8_t>(view->type())} << 8U | view->code(),
       .local = {.addr = packet->destination, .port = 0},
       .remote = {.addr = packet->source, .port = 0}});
  if (copies_icmp_) keep_icmp(*packet);
  if (!view->has_rest()) return drop(packet, Drop::icmp_malformed, now);
  switch (view->type()) {
    case Icmpv6Type::echo_request:
      return answer_echo6(packet, group, now);
    case Icmpv6Type::router_solicitation:
    case Icmpv6Type::router_advertisement:
    case Icmpv6Type::neighbour_solicitation:
    case Icmpv6Type::neighbour_advertisement:
    case Icmpv6Type::redirect:
      return input_ndp(packet, now);
    case Icmpv6Type::mld_query:
    case Icmpv6Type::mld_report:
    case Icmpv6Type::mld_done:
    case Icmpv6Type::mld_report_v2:
      context_.counters->add(Counter::mld_in);
      return consume(packet, input_mld(*packet, reporter_, now), now);
    default:
      break;
  }
  const bool is_error = view->is_error() && !group;
  const Drop reason = is_error ? input_icmp6_error(*packet, *view) : Drop::icmp_ignored;
  return consume(packet, reason, now);
}

// The request itself becomes the reply (RFC 4443 4.2): same id, number and data; from the
// address that was asked, or one of ours where a group was.
Input Ip::answer_echo6(Packet* packet, bool group, Time now) {
  if (!context_.options->on(Option::icmp_echo) || packet->source.is_any()) {
    return drop(packet, Drop::icmp_ignored, now);
  }
  const auto way = destination(packet->source, group ? IpAddr() : packet->destination, now);
  if (!way) return drop(packet, Drop::ip_no_route, now);
  packet->data[0] = static_cast<std::uint8_t>(Icmpv6Type::echo_reply);
  send_icmp6(packet, *way, packet->tos, now);
  return {.action = Input::Action::consumed};
}

// Whether the packet really was ours is known to who keeps the ports (RFC 5927 4, RFC 4443 5.1).
Drop Ip::input_icmp6_error(const Packet& packet, const Icmpv6View& view) {
  const auto quote = parse_quote6(view.payload(), packet.interface);
  if (!quote) return Drop::icmp_malformed;
  if (!is_local(quote->source) || quote->destination.is_multicast()) return Drop::icmp_no_match;
  if (!is_reported(quote->protocol)) return Drop::icmp_ignored;
  ErrorReport report = report_of(*quote);
  report.kind = kind_of(view);
  report.type = static_cast<std::uint8_t>(view.type());
  report.code = view.code();
  report.offender = packet.source;
  if (report.kind == ErrorReport::Kind::parameter_problem) report.pointer = view.rest();
  if (report.kind == ErrorReport::Kind::fragmentation_needed) {
    if (view.rest() < wire::Ipv6::kMinMtu) return Drop::icmp_ignored;  // RFC 8201 4: no path has
    report.mtu = view.rest();
  }
  push_error(report);
  return Drop::none;
}

}  // namespace naru::ip
