// Trace: what a stack did, as typed events in a ring. The protocol code emits;
// observe/ turns events into words.
#pragma once

#include <cstdint>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru::trace {

enum class Kind : std::uint8_t {
  // socket
  connect,   // connect() called                     remote
  listen,    // listen() called                      local, length = backlog
  accepted,  // accept() took a connection
  written,   // bytes appended to the send buffer    length, extra = queued now
  read,      // bytes taken from the receive buffer  length, extra = left
  closed,    // close() called
  // tcp
  state,        // state change                         extra = old << 8 | new
  segment_out,  // seq, ack, length, flags, extra = mss or window
  segment_in,   // seq, ack, length, flags
  retransmit,   // seq, length
  time_wait,    // entered TIME-WAIT                    extra = milliseconds
  time_wait_end,
  accept_queued,  // handshake complete, in the accept queue
  received,       // bytes placed into the receive buffer length, extra = readable
  // udp
  datagram_out,
  datagram_in,
  // ip
  packet_out,  // route chosen: remote = destination, local.addr = next hop, length
  packet_in,   // checks passed                        length, extra = ttl
  forwarded,   // remote = destination, local.addr = next hop, interface = out, extra = new ttl
  translated,  // at a NAT: local became remote; extra = 1 for the destination
  fragment_in,
  reassembled,
  neighbour_asked,     // ARP or NDP request sent for remote.addr
  neighbour_answered,  // and answered: remote.addr is at mac
  neighbour_reply,     // we answered a request from remote.addr
  icmp_in,
  icmp_out,
  group_asked,  // IGMP or MLD: remote asks who listens to local.addr; any: to whatever there is
  group_heard,  // remote says in an older dialect that it listens to local.addr
  group_told,   // routers are told that we listen to remote.addr; extra = 0: no longer
  // link
  frame_out,  // length, extra = frames that the link cuts it into
  frame_in,   // length; it lay in the rx ring
  interrupt,  // the link rang: frames wait
  poll,       // the stack took a burst                extra = frames
  // hubs and switches; interface = the port that the frame came from
  frame_repeated,   // length, extra = ports
  address_learned,  // mac is at this port, extra = VLAN
  frame_switched,   // to mac, extra = port
  frame_flooded,    // to mac, which may be anywhere; extra = ports
  dropped,          // extra = Drop
};

// One event. Which fields mean something depends on the kind.
struct Event {
  Time at{};
  Kind kind{};
  Protocol protocol{};
  std::uint16_t flags = 0;  // TCP flags
  std::uint8_t interface = 0;
  std::uint32_t object = 0;  // connection or socket index, to tell concurrent ones apart
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint32_t length = 0;  // bytes of the unit that the event is about
  std::uint32_t extra = 0;
  MacAddr mac{};
  Endpoint local{};
  Endpoint remote{};
};

}  // namespace naru::trace
