// Ip: ICMP errors out (RFC 1122 3.2.2, RFC 1812 4.3.2).
#include <algorithm>
#include <cstring>

#include "ip/ip.hpp"
#include "wire/checksum.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"

namespace naru::ip {
namespace {

using wire::Icmpv4;
using wire::Icmpv4Unreachable;
using wire::Ipv4;

// RFC 1812 4.3.2.3: as much of the packet as possible within 576 bytes.
constexpr std::uint32_t kLongestQuote = 576 - Ipv4::kHeaderSize - Icmpv4::kHeaderSize;

Icmpv4 message(IcmpError error, std::uint32_t value) {
  switch (error) {
    case IcmpError::network_unreachable:
      return Icmpv4::unreachable(Icmpv4Unreachable::network);
    case IcmpError::host_unreachable:
      return Icmpv4::unreachable(Icmpv4Unreachable::host);
    case IcmpError::protocol_unreachable:
      return Icmpv4::unreachable(Icmpv4Unreachable::protocol);
    case IcmpError::port_unreachable:
      return Icmpv4::unreachable(Icmpv4Unreachable::port);
    case IcmpError::fragmentation_needed:
      return Icmpv4::unreachable(Icmpv4Unreachable::fragmentation_needed,
                                 static_cast<std::uint16_t>(value));
    case IcmpError::prohibited:
      return Icmpv4::unreachable(Icmpv4Unreachable::prohibited);
    case IcmpError::ttl_exceeded:
      return Icmpv4::time_exceeded(0);
    case IcmpError::reassembly_exceeded:
      return Icmpv4::time_exceeded(1);
    case IcmpError::parameter_problem:
    case IcmpError::unknown_option:
      return Icmpv4::parameter_problem(static_cast<std::uint8_t>(value));
    case IcmpError::beyond_scope:
      break;  // there are no such addresses
    case IcmpError::redirect:
      // For the host only: who is told nothing of masks cannot use more (RFC 1812 5.2.7.2).
      return Icmpv4::redirect(1, IpAddr::v4(value));
  }
  return {};
}

// The offending packet from its IP header on.
Bytes from_network(const Packet& packet) {
  const std::uint8_t* begin = packet.buffer() + packet.network_offset;
  return {begin, packet.data + packet.length};
}

}  // namespace

// RFC 1122 3.2.2: never about an ICMP error, a packet to many, a later fragment, or a
// source that is not one host.
bool Ip::may_complain(const Packet& offending, const wire::Ipv4View& view) const {
  const IpAddr source = view.src();
  const IpAddr destination = view.dst();
  if (offending.link_broadcast || destination.is_multicast() || is_broadcast(destination)) {
    return false;
  }
  if (view.fragment_offset() != 0) return false;
  const std::uint32_t net = source.to_v4() >> 24U;
  const bool loops = source.is_loopback() && offending.interface == kLoopback;
  if (net == 0 || net >= 224 || (net == 127 && !loops) || is_broadcast(source)) return false;
  if (view.protocol() != Protocol::icmp) return true;
  const auto icmp = wire::Icmpv4View::parse(view.payload());
  return icmp && !icmp->is_error();
}

void Ip::send_error(IcmpError error, const Packet& offending, Time now, std::uint32_t value) {
  const bool is_v6 = offending.buffer()[offending.network_offset] >> 4U == 6;
  is_v6 ? send_error6(error, offending, now, value) : send_error4(error, offending, now, value);
}

void Ip::send_error4(IcmpError error, const Packet& offending, Time now, std::uint32_t value) {
  const Bytes quoted = from_network(offending);
  const auto view = wire::Ipv4View::parse(quoted);
  if (!view || !may_complain(offending, *view)) return;
  if (offending.interface != kLoopback && !limiter_.allow(context_, view->src(), now)) {
    context_.counters->drop(Drop::icmp_rate_limited);
    return;
  }
  // From the address that was spoken to; a router speaks from the side it was spoken to.
  IpAddr local = view->dst();
  if (!is_local(local)) {
    const Address* ingress = interfaces_.select_source(offending.interface, view->src());
    local = ingress == nullptr ? IpAddr() : ingress->addr;
  }
  const auto way = destination(view->src(), local, now);
  if (!way) return;
  const std::uint32_t quote = std::min<std::uint32_t>(view->total_length(), kLongestQuote);
  Packet* packet = context_.pool->take(Icmpv4::kHeaderSize + quote);
  if (packet == nullptr) {
    context_.counters->drop(Drop::no_buffer);
    return;
  }
  packet->length = Icmpv4::kHeaderSize + quote;
  const std::uint64_t sum =
      wire::copy_and_sum(packet->data + Icmpv4::kHeaderSize, quoted.data(), quote);
  const Icmpv4 header = message(error, value);
  header.emit(packet->data, sum);
  context_.counters->add(Counter::icmp_out);
  context_.counters->add(Counter::icmp_errors_out);
  context_.trace->emit(
      {.at = now,
       .kind = trace::Kind::icmp_out,
       .protocol = Protocol::icmp,
       .interface = at(*way).interface,
       .length = packet->length,
       .extra = std::uint32_t{static_cast<std::uint8_t>(header.type)} << 8U | header.code,
       .local = {.addr = at(*way).source, .port = 0},
       .remote = {.addr = view->src(), .port = 0}});
  send_own(packet, *way, {.protocol = Protocol::icmp, .fragment_here = true}, now);
}

}  // namespace naru::ip
