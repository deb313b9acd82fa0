// Flush: the one exit. Everything that any layer wants to send leaves from here.

#include <algorithm>

#include "stack/state.hpp"
#include "wire/icmpv6.hpp"

namespace naru {

using Action = ip::Verdict::Action;

namespace {

constexpr std::uint32_t kMaxRefused = 256;

}  // namespace

// --- bursts ------------------------------------------------------------------------

// The next frames are for this interface: what waits for another one goes first.
inline void Turn::select(std::uint8_t interface) {
  if (p.burst_size != 0) {
    if (interface == p.burst_interface) return;
    transmit();
  }
  p.burst_interface = interface;
  p.room = p.links[interface] == nullptr ? 0 : p.links[interface]->transmit_room();
}

// The frame at burst[burst_size] joins the burst of its interface.
inline void Turn::push(std::uint8_t interface) {
  if (interface != p.burst_interface) [[unlikely]] {
    const TxFrame frame = p.burst[p.burst_size];
    select(interface);
    p.burst[0] = frame;
  }
  const std::size_t frames = p.burst[p.burst_size].wire_frames();
  p.room -= std::min(p.room, frames);
  if (++p.burst_size == p.burst.size()) {
    transmit();
    select(interface);
  }
}

void Turn::transmit() {
  const std::size_t size = std::exchange(p.burst_size, 0);
  if (size == 0) return;
  link::Link* link = p.links[p.burst_interface];
  const std::span<const TxFrame> burst(p.burst.data(), size);
  const std::size_t sent = link == nullptr ? 0 : link->transmit(burst, s.now);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < sent; ++i) bytes += burst[i].length();
  s.counters.add(Counter::frames_out, sent);
  s.counters.add(Counter::bytes_out, bytes);
  if (s.trace.on()) [[unlikely]]
    trace_transmit(burst.first(sent));
  for (std::size_t i = sent; i < size; ++i) refuse(p.burst_interface, burst[i]);
  for (const std::size_t owned = std::exchange(p.owned_count, 0);
       Packet * packet : std::span(p.owned).first(owned)) {
    s.packets.give_back(packet);
  }
}

void Turn::trace_transmit(std::span<const TxFrame> sent) {
  for (const TxFrame& frame : sent) {
    trace::Event e;
    e.at = s.now;
    e.kind = trace::Kind::frame_out;
    e.interface = p.burst_interface;
    e.length = frame.length();
    e.extra = frame.wire_frames();
    s.trace.emit(e);
  }
}

// Nothing is lost silently: what a link does not take now waits for the next turn.
void Turn::refuse(std::uint8_t interface, const TxFrame& frame) {
  p.blocked = true;
  s.counters.add(Counter::tx_blocked);
  PacketQueue& queue = s.refused[interface];
  Packet* packet = queue.size() < kMaxRefused ? s.ip.copy_frame(frame) : nullptr;
  if (packet == nullptr) {
    s.counters.drop(Drop::tx_refused);
    return;
  }
  packet->interface = interface;
  queue.push_back(packet);
}

// What ip decided about the frame at burst[burst_size]. True when it is in a burst.
inline bool Turn::dispatch(const ip::Verdict& verdict) {
  if (verdict.action == Action::loopback || verdict.loop_copy) [[unlikely]]
    loop_back(p.burst[p.burst_size]);
  if (verdict.action != Action::send) return false;
  push(verdict.interface);
  return true;
}

// A copy for ourselves.
void Turn::loop_back(const TxFrame& frame) {
  Packet* packet = s.ip.copy_frame(frame);
  if (packet == nullptr) {
    s.counters.drop(Drop::no_buffer);
    return;
  }
  packet->pull(frame.network_offset);
  packet->checksum = ChecksumState::good;
  s.loopback.push_back(packet);
}

// A frame that lies whole in a packet, which is kept until the burst has left.
void Turn::send_packet(Packet* packet) {
  if (packet->interface == ip::kLoopback) {
    s.loopback.push_back(packet);
    return;
  }
  select(packet->interface);
  ip::Ip::describe(*packet, p.burst[p.burst_size]);
  p.owned[p.owned_count++] = packet;
  push(packet->interface);
}

// --- sources, in order ---------------------------------------------------------------

void Turn::flush_refused() {
  for (std::uint8_t i = 1; i < s.ip.interface_count(); ++i) {
    PacketQueue& queue = s.refused[i];
    while (!queue.empty()) {
      select(i);
      if (p.room == 0) {
        p.blocked = true;
        break;
      }
      const auto left = queue.size();
      send_packet(queue.pop_front());
      transmit();
      if (queue.size() == left) break;  // refused again, whatever room the link has told of
    }
  }
}

void Turn::flush_ip() {
  if (!s.ip.has_output()) return;
  while (Packet* packet = s.ip.pop_output()) send_packet(packet);
  transmit();
}

void Turn::flush_udp() {
  udp::DatagramOut out;
  while (s.udp.next_datagram(out)) {
    const auto d = s.ip.destination(out.remote.addr, out.source, s.now, out.interface);
    if (!d) {
      s.counters.drop(Drop::ip_no_route);
      s.udp.on_error({out.source, out.source_port}, out.remote, d.error(), true);
      s.udp.done(s.now);
      continue;
    }
    udp::Udp::emit(out, s.ip.transport_offset(*d), p.burst[p.burst_size]);
    ip::Verdict v =
        s.ip.output(p.burst[p.burst_size], *d,
                    {Protocol::udp, out.tos, out.ttl, out.dont_fragment, out.fragment_here,
                     datagram_mtu(s.ip, s.ip.at(*d), out.ignores_path, out.longest_packet)},
                    s.now);
    v.loop_copy &= out.loop || !s.ip.at(*d).is_multicast;
    if (v.action == Action::too_big) {
      s.udp.on_error({out.source, out.source_port}, out.remote, Error::message_size, true);
    }
    if (dispatch(v)) transmit();  // the payload is the datagram's packet
    s.udp.done(s.now);
    flush_ip();  // fragments in order
  }
}

void Turn::flush_icmp() {
  icmp::MessageOut out;
  while (s.icmp.next_message(out)) {
    const auto d = s.ip.destination(out.remote, out.source, s.now);
    if (!d) {
      s.counters.drop(Drop::ip_no_route);
      s.icmp.done();
      continue;
    }
    TxFrame& frame = p.burst[p.burst_size];
    frame.header_length = s.ip.transport_offset(*d);
    frame.payload_length = static_cast<std::uint32_t>(out.message.size());
    frame.span_count = 1;
    frame.spans[0] = out.message;
    frame.gso_size = 0;
    frame.needs_checksum = false;
    // That of ICMPv6 covers the addresses, of which one is known only now.
    if (out.is_v6) wire::fill_icmpv6_checksum(out.message, s.ip.at(*d).source, out.remote);
    const Protocol protocol = out.is_v6 ? Protocol::icmpv6 : Protocol::icmp;
    const ip::Verdict v = s.ip.output(frame, *d, {protocol, out.tos, out.ttl, false, true}, s.now);
    if (dispatch(v)) transmit();  // the payload is the message's packet
    s.icmp.done();
    flush_ip();  // fragments in order
  }
}

inline tcp::PathLimits Turn::select_path(std::uint32_t destination) {
  const ip::Destination& d = s.ip.at(destination);
  tcp::PathLimits limits;
  limits.mtu = d.mtu;
  limits.transport_offset = d.header_size;
  if (d.is_local || p.links[d.interface] == nullptr) return limits;
  select(d.interface);
  limits.max_payload = p.caps[d.interface].max_payload;
  limits.room = static_cast<std::uint32_t>(std::min<std::size_t>(p.room, 0xffffU));
  return limits;
}

void Turn::flush_replies() {
  while (!s.tcp.replies.empty()) {
    const tcp::Reply& reply = s.tcp.replies.front();
    const auto d = s.ip.destination(reply.remote.addr, reply.local.addr, s.now);
    if (d) {
      const tcp::PathLimits limits = select_path(*d);
      if (limits.room == 0) {
        p.blocked = true;
        return;
      }
      s.tcp.emit_reply(reply, limits, p.burst[p.burst_size]);
      dispatch(s.ip.output(p.burst[p.burst_size], *d,
                           {Protocol::tcp, reply.tos, reply.ttl, true, false}, s.now));
    }
    s.tcp.replies.pop();
  }
}

// The connection's route is looked up again only when something about it changed.
bool Turn::find_route(tcp::Connection& c) {
  const auto found = s.ip.destination(c.remote_addr, c.local_addr, s.now);
  if (!found) {
    s.tcp.on_no_route(c, found.error());
    return false;
  }
  const ip::DestinationRef now = s.ip.ref(*found);
  c.destination = now.index;
  c.destination_generation = now.generation;
  return true;
}

// True when the connection wants another go at once: it was stopped by the link.
inline bool Turn::flush_connection(tcp::Connection& c) {
  s.tcp.change.set(&c);
  if (!s.ip.is_current({c.destination, c.destination_generation}) && !find_route(c)) [[unlikely]]
    return false;
  // After R1 the first hop is doubted (RFC 9293 3.8.3).
  if (c.retries != 0 && c.retries > s.options.get(Option::tcp_retries1)) [[unlikely]]
    s.ip.doubt_neighbour(c.destination);
  const bool df = s.options.on(Option::tcp_path_mtu_discovery) && !c.has(tcp::kNoPathMtu);
  do {
    const tcp::PathLimits limits = select_path(c.destination);
    if (limits.room == 0) return true;
    TxFrame& frame = p.burst[p.burst_size];
    if (!s.tcp.next_segment(c, limits, frame)) return false;
    dispatch(s.ip.output(frame, c.destination, {Protocol::tcp, c.tos, c.ttl, df, false}, s.now));
  } while (s.tcp.may_have_more(c));
  return false;
}

void Turn::flush_tcp() {
  const tcp::Connection* first_stopped = nullptr;
  while (tcp::Connection* c = s.tcp.first_dirty()) {
    if (c == first_stopped) break;  // all that are left are stopped
    if (!flush_connection(*c)) {
      s.tcp.pop_dirty();
      continue;
    }
    p.blocked = true;
    if (first_stopped == nullptr) first_stopped = c;
    s.tcp.rotate_dirty();
  }
}

void Turn::flush() {
  if (p.blocked) [[unlikely]] {
    p.blocked = false;
    flush_refused();
  }
  flush_ip();
  if (!s.tcp.replies.empty()) flush_replies();
  if (s.udp.has_output()) flush_udp();
  if (s.icmp.has_output()) [[unlikely]]
    flush_icmp();
  flush_tcp();
  transmit();
  flush_ip();  // ARP requests and fragments that the above has caused
}

}  // namespace naru
