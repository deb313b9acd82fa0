// Tcp: the shared state of the room, and what stack calls.
//
//   input(packet) ─► input.cpp ─► input_syn │ ack │ receive ─► mark_dirty ─┐
//   on_timer()    ─► timers.cpp ───────────────────────────► mark_dirty ─┤
//   send(), close()… (user.hpp) ───────────────────────────► mark_dirty ─┤
//                                                                         ▼
//   stack: first_dirty(), next_segment() ◄── output.cpp (why send? what?) ─ emit.cpp
//
// Nothing here transmits: stack asks for segments, one at a time, and carries
// them to ip. `now` is set once a turn.
#pragma once

#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/buf/packet.hpp>
#include <naru/buf/tx_frame.hpp>
#include <naru/config/counters.hpp>
#include <naru/config/options.hpp>
#include <naru/random/random.hpp>

#include "base/change_mark.hpp"
#include "tcp/connection.hpp"
#include "tcp/flow.hpp"
#include "tcp/listener.hpp"
#include "tcp/ports.hpp"
#include "tcp/segment.hpp"
#include "tcp/syn_cookie.hpp"
#include "tcp/table.hpp"
#include "tcp/time_wait.hpp"
#include "time/timer_wheel.hpp"
#include "trace/ring.hpp"

namespace naru::tcp {

// What the route allows a segment to be.
struct PathLimits {
  std::uint32_t mtu = 1500;
  std::uint32_t max_payload = 65'000;  // of a large segment that the link will cut
  std::uint32_t room = 0xffffffffU;    // frames that the link takes now, at least 1
  std::uint16_t transport_offset = 34;
};

// An ICMP error about a segment of ours (RFC 5927, RFC 9293 3.9.2.2).
struct PathError {
  enum class Kind : std::uint8_t { soft, hard, too_big };
  Kind kind{};
  Error error{};  // how the program hears of it
  std::uint32_t mtu = 0;
  std::uint32_t quoted_seq = 0;
};

// What stands under a four-tuple: at most one of the two.
struct Found {
  Connection* connection = nullptr;
  TimeWait* time_wait = nullptr;
  explicit operator bool() const { return connection != nullptr || time_wait != nullptr; }
};

struct Tcp {
  [[nodiscard]] bool init(Arena& arena, const Options& options, Counters& counters,
                          trace::Ring& trace, Random& random, PacketPool& packets);

  // Takes a packet as ip delivers it: at the TCP header, exact length. `group`:
  // the IP or link destination was a broadcast or multicast address.
  Drop input(Packet* packet, bool group);
  Drop input_segment(Packet* packet, const wire::TcpView& view, const Found& found);
  // True when the error was about a connection of ours and believable; for
  // too_big the caller then lowers the route's MTU.
  bool on_path_error(const Endpoint& local, const Endpoint& remote, const PathError& error);
  void on_timer();
  Time next_deadline() const;

  // --- output ---
  bool has_output() const { return dirty_head != kNoIndex || !replies.empty(); }
  // A connection that may have something to send, or nullptr.
  Connection* first_dirty();
  void pop_dirty();
  // The first becomes the last: its link has no room now.
  void rotate_dirty();
  // Writes the connection's next segment into the frame: TCP header at
  // limits.transport_offset and references to the payload. False: nothing (more)
  // to send now.
  bool next_segment(Connection& c, const PathLimits& limits, TxFrame& frame);
  // False: next_segment() would find nothing.
  bool may_have_more(const Connection& c) const;
  // The same for a reply; it always fits.
  void emit_reply(const Reply& reply, const PathLimits& limits, TxFrame& frame);
  // The way to the peer is gone (no route, no ARP answer).
  void on_no_route(Connection& c, Error error);

  // --- readiness ---
  // The next connection whose readiness changed, or nullptr.
  Connection* pop_ready();
  // Takes connections that are gone off the ready list of a program that does not
  // read it.
  void sweep_ready();

  // --- environment ---
  const Options* options = nullptr;
  Counters* counters = nullptr;
  trace::Ring* trace = nullptr;
  Random* random = nullptr;
  PacketPool* packets = nullptr;
  Time now{};
  std::uint32_t now_ms = 0;  // the same, on the 32-bit millisecond clock
  void set_now(Time time) {
    now = time;
    now_ms = milliseconds32(time);
  }

  // --- tables ---
  Slab<Connection> connections;
  Slab<Flow> flows;
  Slab<Extra> extras;
  Slab<Listener> listeners;
  Slab<BindRecord> binds;
  Slab<Reassembly> reassemblies;
  Slab<Scoreboard> scoreboards;
  SendBlockPool blocks;
  Table table;
  TimeWaitQueue time_wait;
  TimerWheel wheel;
  std::uint32_t* listener_buckets = nullptr;  // kPortBuckets each
  std::uint32_t* bind_buckets = nullptr;
  PortUse ports_in_use;  // by what is in the table

  // --- lists ---
  std::uint32_t dirty_head = kNoIndex;
  std::uint32_t dirty_tail = kNoIndex;
  std::uint32_t ready_head = kNoIndex;
  std::uint32_t ready_tail = kNoIndex;
  std::uint32_t ready_count = 0;
  std::uint32_t ready_gone = 0;  // of them, connections that only wait to leave the list
  List<Flow, QuietTag> quiet;
  ReplyQueue replies;
  std::uint32_t orphans = 0;  // is_orphan()

  // --- secrets ---
  SipKey isn_key;
  SipKey timestamp_key;
  SipKey listener_key;  // spreads over SO_REUSEPORT groups
  EphemeralPorts ports;
  SynCookies cookies;

  // Old data for a TIME-WAIT is answered now and then only; by record, hashed.
  static constexpr std::uint32_t kTimeWaitLimits = 256;
  std::uint32_t time_wait_answered_ms[kTimeWaitLimits] = {};

  // The connection that is being changed. What else an operation touches (lists, table,
  // queues of a listener, the oldest quiet flow) can be made again without it: salvage.hpp.
  ChangeMark change;

  // The connection whose snd.una moved in the last input(), or nullptr: its
  // neighbour is alive.
  Connection* progressed = nullptr;
  Connection* last_found = nullptr;  // the last segment's: bursts come from one peer

  std::uint32_t index_of(const Connection& c) const { return connections.index_of(&c); }
  Flow* flow_of(const Connection& c) {
    return c.flow == kNoIndex || c.state == TcpState::listen ? nullptr : flows.at(c.flow);
  }
  const Flow* flow_of(const Connection& c) const {
    return c.flow == kNoIndex || c.state == TcpState::listen ? nullptr : flows.at(c.flow);
  }
  Extra* extra_of(const Connection& c) {
    return c.extra == kNoIndex ? nullptr : extras.at(c.extra);
  }
  const Extra* extra_of(const Connection& c) const {
    return c.extra == kNoIndex ? nullptr : extras.at(c.extra);
  }
  // TSval of the connection (RFC 7323 5.4): milliseconds and a secret offset.
  std::uint32_t timestamp(std::uint32_t offset) const { return now_ms + offset; }
};

inline bool Tcp::may_have_more(const Connection& c) const {
  const bool fin_due = (c.flags & (kFinQueued | kFinSent)) == kFinQueued;
  if ((c.flags & (kAckNow | kProbeNow | kSynPending)) != 0 || fin_due) return true;
  const Flow* f = flow_of(c);
  return f != nullptr &&
         (c.in_flight() < f->send.size() || f->recovery.phase() != Recovery::Phase::open);
}

}  // namespace naru::tcp
