// Receive: frames from the links up to the sockets.

#include "stack/state.hpp"
#include "tcp/user.hpp"

namespace naru {
namespace {

using ip::ErrorReport;

// Packets to ourselves that one turn carries round, before others get theirs.
constexpr int kLoopbackRounds = 8;

// As Linux tells it: EHOSTUNREACH of IPv4, EACCES of IPv6.
Error prohibition(const ErrorReport& report) {
  return report.remote.addr.is_v4() ? Error::host_unreachable : Error::access_denied;
}

tcp::PathError to_tcp(const ErrorReport& report) {
  using Kind = ErrorReport::Kind;
  tcp::PathError e{tcp::PathError::Kind::soft, Error::host_unreachable, report.mtu,
                   report.quoted_seq};
  switch (report.kind) {
    case Kind::network_unreachable:
      e.error = Error::network_unreachable;
      break;
    case Kind::protocol_unreachable:
      e = {tcp::PathError::Kind::hard, Error::no_protocol_option, 0, report.quoted_seq};
      break;
    case Kind::port_unreachable:
      e = {tcp::PathError::Kind::hard, Error::refused, 0, report.quoted_seq};
      break;
    case Kind::fragmentation_needed:
      e.kind = tcp::PathError::Kind::too_big;
      break;
    case Kind::host_unreachable:
      // Nobody answers ARP: that is no rumour.
      if (report.is_local) e.kind = tcp::PathError::Kind::hard;
      break;
    case Kind::parameter_problem:
      e.error = Error::protocol_error;
      break;
    case Kind::prohibited:
      e.error = prohibition(report);
      break;
    case Kind::time_exceeded:
      break;
  }
  return e;
}

Error to_udp(const ErrorReport& report) {
  using Kind = ErrorReport::Kind;
  switch (report.kind) {
    case Kind::network_unreachable:
      return Error::network_unreachable;
    case Kind::protocol_unreachable:
      return Error::no_protocol_option;
    case Kind::port_unreachable:
      return Error::refused;
    case Kind::fragmentation_needed:
      return Error::message_size;
    case Kind::parameter_problem:
      return Error::protocol_error;
    case Kind::prohibited:
      return prohibition(report);
    default:
      return Error::host_unreachable;
  }
}

SocketError to_socket_error(const ErrorReport& report) {
  return {
      .error = to_udp(report),
      .origin = report.remote.addr.is_v4() ? SocketError::Origin::icmp : SocketError::Origin::icmp6,
      .type = report.type,
      .code = report.code,
      .info = report.mtu + report.pointer,  // never both
      .offender = report.offender,
      .remote = report.remote};
}

bool is_hard(const ErrorReport& report) {
  using Kind = ErrorReport::Kind;
  return report.kind == Kind::port_unreachable || report.kind == Kind::protocol_unreachable ||
         report.is_local;
}

// How many frames before its turn a frame is looked at, and once more: while these are on their
// way its memory comes.
constexpr std::size_t kForesight = 4;
constexpr std::size_t kSecondLook = 2;

}  // namespace

void Turn::trace_burst(std::uint8_t interface, std::size_t frames) {
  trace::Event e;
  e.at = s.now;
  e.kind = trace::Kind::interrupt;
  e.interface = interface;
  e.extra = static_cast<std::uint32_t>(frames);
  if (!p.ring_busy[interface]) s.trace.emit(e);
  e.kind = trace::Kind::poll;
  s.trace.emit(e);
}

// A burst from every link. True when one of them may have more.
bool Turn::receive() {
  bool more = false;
  std::array<Packet*, link::kBurst> burst;
  const std::uint8_t count = s.ip.interface_count();
  for (std::uint8_t i = 1; i < count; ++i) {
    link::Link* link = p.links[i];
    if (link == nullptr) [[unlikely]]
      continue;
    if (link->is_up() != s.ip.interface_up(i)) [[unlikely]]
      (void)s.ip.set_up(i, link->is_up(), s.now);
    const std::size_t n = link->receive(burst, s.now);
    if (n != 0) input_burst({burst.data(), n}, i);
    p.ring_busy[i] = n == burst.size();
    more |= n == burst.size();
  }
  return more;
}

void Turn::input_burst(std::span<Packet*> burst, std::uint8_t interface) {
  if (s.trace.on()) trace_burst(interface, burst.size());
  std::uint64_t bytes = 0;
  for (std::size_t k = 0; k < burst.size(); ++k) {
    if (k + 1 < burst.size()) __builtin_prefetch(burst[k + 1]->data);
    if (k + kForesight < burst.size()) s.ip.foresee(*burst[k + kForesight], interface);
    if (k + kSecondLook < burst.size()) s.ip.foresee_session(*burst[k + kSecondLook], interface);
    bytes += burst[k]->length;
    input(burst[k], interface);
  }
  s.counters.add(Counter::frames_in, burst.size());
  s.counters.add(Counter::bytes_in, bytes);
}

void Turn::input(Packet* packet, std::uint8_t interface) {
  packet->interface = interface;
  if (s.trace.on()) {
    trace::Event e;
    e.at = s.now;
    e.kind = trace::Kind::frame_in;
    e.interface = interface;
    e.length = packet->length;
    s.trace.emit(e);
  }
  const ip::Input in = s.ip.input(packet, s.now);
  if (in.action == ip::Input::Action::deliver) deliver(in);
}

// By protocol number (RFC 9293, RFC 768); nobody else is known here.
void Turn::deliver(const ip::Input& in) {
  Packet* packet = in.packet;
  const bool group = in.group || packet->link_broadcast;
  switch (static_cast<Protocol>(packet->protocol)) {
    case Protocol::tcp:
      s.tcp.progressed = nullptr;
      s.tcp.input(packet, group);
      if (const tcp::Connection* c = s.tcp.progressed; c != nullptr) {
        const ip::DestinationRef ref{c->destination, c->destination_generation};
        if (ref.generation != 0 && s.ip.is_current(ref)) s.ip.confirm_neighbour(ref.index, s.now);
      }
      return;
    case Protocol::udp:
      if (s.udp.input(packet, group, s.now) != Drop::udp_no_port) return;
      if (!group) s.ip.send_error(ip::IcmpError::port_unreachable, *packet, s.now);
      break;
    default:
      s.counters.drop(Drop::ip_unknown_protocol);
      if (!group) s.ip.send_error(ip::IcmpError::protocol_unreachable, *packet, s.now);
      break;
  }
  s.packets.give_back(packet);
}

void Turn::carry_loopback() {
  for (int round = 0; round < kLoopbackRounds && !s.loopback.empty(); ++round) {
    input_loopback();
    pass_errors();
    pass_icmp();
    flush();
  }
}

void Turn::input_loopback() {
  // What these packets cause to be sent to ourselves waits for the next round.
  for (std::uint32_t n = s.loopback.size(); n != 0; --n) {
    const ip::Input in = s.ip.input_loopback(s.loopback.pop_front(), s.now);
    if (in.action == ip::Input::Action::deliver) deliver(in);
  }
}

// Copies of ICMP messages, for those who listen.
void Turn::pass_icmp() {
  while (Packet* packet = s.ip.pop_icmp()) {
    s.icmp.input(*packet, s.now);
    s.packets.give_back(packet);
  }
}

// ICMP errors, and what ARP could not resolve, to the sockets that they are about.
void Turn::pass_errors() {
  ErrorReport report;
  while (s.ip.pop_error(report)) {
    if (report.protocol == Protocol::tcp) {
      const bool believed = s.tcp.on_path_error(report.local, report.remote, to_tcp(report));
      if (!believed) s.counters.drop(Drop::icmp_no_match);
      if (!believed || report.kind != ErrorReport::Kind::fragmentation_needed) continue;
    } else if (report.protocol == Protocol::udp) {
      constexpr std::size_t kHeader = 8;  // there always is one
      const SocketError error = to_socket_error(report);
      const bool is_ours = s.udp.on_error(report.local, report.remote, error.error, is_hard(report),
                                          &error, report.quoted().subspan(kHeader));
      if (!is_ours || report.kind != ErrorReport::Kind::fragmentation_needed) continue;
    } else {
      const bool hard = is_hard(report) && !report.is_local;  // as Linux
      const bool is_ours = s.icmp.on_error(report.local.addr, report.remote.addr,
                                           to_socket_error(report), hard, report.quoted());
      if (!is_ours || report.kind != ErrorReport::Kind::fragmentation_needed) continue;
    }
    s.ip.confirm_path_mtu(report.remote.addr, report.mtu, s.now);
  }
}

}  // namespace naru
