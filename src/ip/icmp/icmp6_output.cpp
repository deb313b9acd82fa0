// Ip: ICMPv6 messages out, errors above all (RFC 4443 2.4).
#include <algorithm>
#include <cstring>

#include "ip/ip.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv6_extension.hpp"

namespace naru::ip {
namespace {

using wire::Icmpv6;
using wire::Icmpv6Problem;
using wire::Icmpv6Unreachable;
using wire::Ipv6;

// RFC 4443 2.4 (c): as much of the packet as possible within the minimum MTU.
constexpr std::uint32_t kLongestQuote = Ipv6::kMinMtu - Ipv6::kHeaderSize - Icmpv6::kHeaderSize;

Icmpv6 message(IcmpError error, std::uint32_t value) {
  switch (error) {
    case IcmpError::network_unreachable:
      return Icmpv6::unreachable(Icmpv6Unreachable::no_route);
    case IcmpError::host_unreachable:
      return Icmpv6::unreachable(Icmpv6Unreachable::address);
    case IcmpError::beyond_scope:
      return Icmpv6::unreachable(Icmpv6Unreachable::beyond_scope);
    case IcmpError::port_unreachable:
      return Icmpv6::unreachable(Icmpv6Unreachable::port);
    case IcmpError::prohibited:
      return Icmpv6::unreachable(Icmpv6Unreachable::prohibited);
    case IcmpError::fragmentation_needed:
      return Icmpv6::too_big(value);
    case IcmpError::ttl_exceeded:
      return Icmpv6::time_exceeded(0);
    case IcmpError::reassembly_exceeded:
      return Icmpv6::time_exceeded(1);
    case IcmpError::protocol_unreachable:
      return Icmpv6::parameter_problem(Icmpv6Problem::next_header, value);
    case IcmpError::parameter_problem:
      return Icmpv6::parameter_problem(Icmpv6Problem::header_field, value);
    case IcmpError::unknown_option:
      return Icmpv6::parameter_problem(Icmpv6Problem::option, value);
    case IcmpError::redirect:
      break;  // a message of neighbour discovery (RFC 4861 8)
  }
  return {};
}

}  // namespace

// RFC 4443 2.4 (e): never about an ICMPv6 error or a redirect, a packet to many (but that it
// was too big, or has an option that asks for it), or a source that is not one host.
bool Ip::may_complain6(IcmpError error, const Packet& offending, const wire::Ipv6View& view) const {
  const IpAddr& source = offending.source;
  const bool to_many = offending.link_broadcast || offending.destination.is_multicast();
  const bool is_for_many =
      error == IcmpError::fragmentation_needed || error == IcmpError::unknown_option;
  if (to_many && !is_for_many) return false;
  if (source.is_any() || source.is_multicast()) return false;
  const auto chain = wire::Ipv6Chain::of(view, false, offending.fragmented);
  if (static_cast<Protocol>(chain.upper) != Protocol::icmpv6) return true;
  const auto icmp = wire::Icmpv6View::parse(view.bytes().subspan(chain.upper_at));
  return icmp && !icmp->is_error() && icmp->type() != wire::Icmpv6Type::redirect;
}

void Ip::send_error6(IcmpError error, const Packet& offending, Time now, std::uint32_t value) {
  const std::uint8_t* begin = offending.buffer() + offending.network_offset;
  const Bytes quoted{begin, offending.data + offending.length};
  const auto view = wire::Ipv6View::parse(quoted);
  if (!view || !may_complain6(error, offending, *view)) return;
  if (offending.interface != kLoopback && !limiter_.allow(context_, offending.source, now)) {
    context_.counters->drop(Drop::icmp_rate_limited);
    return;
  }
  // From the address that was spoken to, where that is ours alone (RFC 4443 2.2).
  const IpAddr local = is_local(offending.destination) ? offending.destination : IpAddr();
  const auto way = destination(offending.source, local, now);
  if (!way) return;
  const std::uint32_t quote = std::min<std::uint32_t>(view->total_length(), kLongestQuote);
  Packet* packet = context_.pool->take(Icmpv6::kHeaderSize + quote);
  if (packet == nullptr) {
    context_.counters->drop(Drop::no_buffer);
    return;
  }
  packet->length = Icmpv6::kHeaderSize + quote;
  message(error, value).emit(packet->data);
  std::memcpy(packet->data + Icmpv6::kHeaderSize, quoted.data(), quote);
  context_.counters->add(Counter::icmp_errors_out);
  send_icmp6(packet, *way, 0, now);
}

// A whole message but for its checksum.
void Ip::send_icmp6(Packet* packet, std::uint32_t destination, std::uint8_t traffic_class,
                    Time now) {
  const Destination& d = at(destination);
  wire::fill_icmpv6_checksum(packet->mutable_bytes(), d.source, d.remote);
  context_.counters->add(Counter::icmp_out);
  context_.trace->emit({.at = now,
                        .kind = trace::Kind::icmp_out,
                        .protocol = Protocol::icmpv6,
                        .interface = d.interface,
                        .length = packet->length,
                        .extra = std::uint32_t{packet->data[0]} << 8U | packet->data[1],
                        .local = {.addr = d.source, .port = 0},
                        .remote = {.addr = d.remote, .port = 0}});
  send_own(packet, destination,
           {.protocol = Protocol::icmpv6, .tos = traffic_class, .fragment_here = true}, now);
}

}  // namespace naru::ip
