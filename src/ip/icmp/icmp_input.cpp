// Ip: ICMP messages in (RFC 792, RFC 1122 3.2.2).
#include <algorithm>
#include <array>
#include <cstring>

#include "ip/icmp/quote.hpp"
#include "ip/ip.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmpv4.hpp"
#include "wire/icmpv6.hpp"

namespace naru::ip {
namespace {

using wire::Icmpv4;
using wire::Icmpv4Type;
using wire::Icmpv4Unreachable;
using wire::Icmpv4View;

// RFC 1191 7.1: what a router that does not tell its MTU is likely to have.
std::uint32_t plateau_below(std::uint32_t length) {
  constexpr std::array<std::uint32_t, 10> kPlateaus{32'000, 17'914, 8'166, 4'352, 2'002,
                                                    1'492,  1'006,  508,   296,   68};
  const auto* found = std::find_if(kPlateaus.begin(), kPlateaus.end(),
                                   [&](std::uint32_t mtu) { return mtu < length; });
  return found == kPlateaus.end() ? kPlateaus.back() : *found;
}

ErrorReport::Kind kind_of_unreachable(std::uint8_t code) {
  using enum ErrorReport::Kind;
  switch (code) {
    case 1:   // host
    case 5:   // source route failed
    case 7:   // host unknown
    case 8:   // host isolated
    case 12:  // host, for this type of service
      return host_unreachable;
    case 2:
      return protocol_unreachable;
    case 3:
      return port_unreachable;
    case 4:
      return fragmentation_needed;
    case 9:   // network prohibited
    case 10:  // host prohibited
    case 13:
      return prohibited;
    default:  // also codes that nobody has defined yet
      return network_unreachable;
  }
}

ErrorReport::Kind kind_of(const Icmpv4View& view) {
  switch (view.type()) {
    case Icmpv4Type::time_exceeded:
      return ErrorReport::Kind::time_exceeded;
    case Icmpv4Type::parameter_problem:
      return ErrorReport::Kind::parameter_problem;
    default:
      return kind_of_unreachable(view.code());
  }
}

}  // namespace

// Data at the ICMP header.
Input Ip::input_icmp(Packet* packet, bool group, Time now) {
  context_.counters->add(Counter::icmp_in);
  const auto view = Icmpv4View::parse(packet->bytes());
  if (!view) return drop(packet, Drop::icmp_malformed, now);
  if (!view->checksum_ok()) return drop(packet, Drop::icmp_bad_checksum, now);
  context_.trace->emit(
      {.at = now,
       .kind = trace::Kind::icmp_in,
       .protocol = Protocol::icmp,
       .interface = packet->interface,
       .length = packet->length,
       .extra = std::uint32_t{static_cast<std::uint8_t>(view->type())} << 8U | view->code(),
       .local = {.addr = packet->destination, .port = 0},
       .remote = {.addr = packet->source, .port = 0}});
  if (copies_icmp_) keep_icmp(*packet);
  Drop reason = Drop::icmp_ignored;
  switch (view->type()) {
    case Icmpv4Type::echo_request:
      return answer_echo(packet, group, now);
    case Icmpv4Type::unreachable:
    case Icmpv4Type::time_exceeded:
    case Icmpv4Type::parameter_problem:
      reason = group ? Drop::icmp_ignored : input_icmp_error(*packet, *view);
      break;
    case Icmpv4Type::redirect:
      reason = input_redirect(*packet, *view, now);
      break;
    default:
      break;  // deprecated (RFC 6633, RFC 6918), unknown, or an echo reply that nobody waits for
  }
  if (reason != Drop::none) return drop(packet, reason, now);
  context_.pool->give_back(packet);
  return {.action = Input::Action::consumed};
}

// For sockets that speak ICMP: ip itself goes on with the packet.
void Ip::keep_icmp(const Packet& packet) {
  const std::uint8_t* begin = packet.buffer() + packet.network_offset;
  const auto header = static_cast<std::uint32_t>(packet.data - begin);
  const std::uint32_t length = header + packet.length;
  const bool has_room = icmp_copies_.size() < kMaxIcmpCopies;
  Packet* copy = has_room ? context_.pool->take(length) : nullptr;
  if (copy == nullptr) {
    context_.counters->drop(Drop::no_buffer);
    return;
  }
  std::memcpy(copy->data, begin, length);
  copy->network_offset = static_cast<std::uint16_t>(copy->headroom());
  copy->length = length;
  copy->pull(header);
  copy->interface = packet.interface;
  copy->ttl = packet.ttl;
  copy->tos = packet.tos;
  copy->source = packet.source;
  copy->destination = packet.destination;
  icmp_copies_.push_back(copy);
}

// The request itself becomes the reply (RFC 1122 3.2.2.6): same id, number and data.
Input Ip::answer_echo(Packet* packet, bool group, Time now) {
  const bool wanted = context_.options->on(Option::icmp_echo) &&
                      (!group || context_.options->on(Option::icmp_echo_broadcast));
  if (!wanted) return drop(packet, Drop::icmp_ignored, now);
  const auto way = destination(packet->source, group ? IpAddr() : packet->destination, now);
  if (!way) return drop(packet, Drop::ip_no_route, now);
  std::uint8_t* icmp = packet->data;
  const std::uint16_t old_word = wire::load_checksum(icmp);
  icmp[0] = static_cast<std::uint8_t>(Icmpv4Type::echo_reply);
  std::uint8_t* checksum = icmp + Icmpv4::kChecksumOffset;
  const std::uint16_t updated =
      wire::update16(wire::load_checksum(checksum), old_word, wire::load_checksum(icmp));
  // A reply of nothing but zeros has a checksum of ones, which RFC 1624 eq. 3 does not
  // tell from zero; in any other reply the one is as good as the other.
  wire::store_checksum(checksum, updated == 0 ? std::uint16_t{0xffff} : updated);
  context_.counters->add(Counter::icmp_out);
  send_own(packet, *way, {.protocol = Protocol::icmp, .tos = packet->tos, .fragment_here = true},
           now);
  return {.action = Input::Action::consumed};
}

// Whether the packet really was ours is known to who keeps the ports (RFC 5927 4).
Drop Ip::input_icmp_error(const Packet& packet, const Icmpv4View& view) {
  const auto quote = parse_quote4(view.payload());
  if (!quote) return Drop::icmp_malformed;
  const bool is_group = quote->destination.is_multicast() || is_broadcast(quote->destination);
  if (!is_local(quote->source) || is_group) return Drop::icmp_no_match;
  if (!is_reported(quote->protocol)) return Drop::icmp_ignored;
  ErrorReport report = report_of(*quote);
  report.kind = kind_of(view);
  report.type = static_cast<std::uint8_t>(view.type());
  report.code = view.code();
  report.offender = packet.source;
  if (report.kind == ErrorReport::Kind::parameter_problem) report.pointer = view.pointer();
  if (report.kind == ErrorReport::Kind::fragmentation_needed) {
    const std::uint16_t total_length = load_be16(view.payload().data() + 2);
    report.mtu = view.next_hop_mtu() != 0 ? view.next_hop_mtu() : plateau_below(total_length);
  }
  push_error(report);
  return Drop::none;
}

// RFC 1122 3.2.2.2, 3.3.1.2: only from the gateway in use for that destination, and only
// to another one on the same network.
Drop Ip::input_redirect(const Packet& packet, const Icmpv4View& view, Time now) {
  constexpr std::uint8_t kNetwork = 0;
  constexpr std::uint8_t kHost = 1;
  const auto quote = parse_quote4(view.payload());
  if (!quote) return Drop::icmp_malformed;
  if (!context_.options->on(Option::ip_accept_redirects) ||
      context_.options->on(Option::ip_forwarding) ||
      (view.code() != kNetwork && view.code() != kHost) || !is_local(quote->source)) {
    return Drop::icmp_ignored;
  }
  const IpAddr gateway = view.gateway();
  const bool is_possible = interfaces_.is_on_link(packet.interface, gateway) &&
                           !is_local(gateway) && !is_broadcast(gateway);
  for (const IpAddr& local : {IpAddr(), quote->source}) {
    Destination* d = destinations_.find(quote->destination, local, kAnyInterface);
    if (d == nullptr || d->epoch != epoch_ || d->next_hop == d->remote) continue;
    if (!is_possible || d->next_hop != packet.source || d->interface != packet.interface) continue;
    Neighbour* n = neighbours_.find_or_add(d->interface, gateway, now);
    if (n == nullptr) return Drop::neighbour_table_full;
    d->next_hop = gateway;
    d->neighbour = neighbours_.index_of(n);
    d->neighbour_version = 0;
    destinations_.bump(d);
    return Drop::none;
  }
  return Drop::icmp_no_match;
}

// A frame of ours that was never sent, because its neighbour does not answer.
void Ip::report_unreachable(const Packet& frame) {
  const Bytes packet = frame.bytes().subspan(wire::Ethernet::kHeaderSize);
  const bool is_v6 = packet[0] >> 4U == 6;
  const auto quote = is_v6 ? parse_quote6(packet, frame.interface) : parse_quote4(packet);
  if (!quote || !is_reported(quote->protocol)) return;
  ErrorReport report = report_of(*quote);
  report.kind = ErrorReport::Kind::host_unreachable;
  report.type = is_v6 ? static_cast<std::uint8_t>(wire::Icmpv6Type::unreachable)
                      : static_cast<std::uint8_t>(Icmpv4Type::unreachable);
  report.code = is_v6 ? static_cast<std::uint8_t>(wire::Icmpv6Unreachable::address)
                      : static_cast<std::uint8_t>(Icmpv4Unreachable::host);
  report.offender = quote->source;  // as if we had sent ourselves the message (Linux)
  report.is_local = true;
  push_error(report);
}

}  // namespace naru::ip
