// Connection: the TCB, as small as an idle connection can be.
//
//   send sequence space (RFC 9293 3.3.1)         receive sequence space
//
//        snd.una      snd.nxt   una + wnd              rcv.nxt        rcv.adv
//   ───────|────────────|──────────|─────        ─────────|──────────────|─────
//    acked |  in flight |  may be  | may          received|  may be sent | not
//          |            |  sent    | not                  |  by the peer | allowed
//
// What exists only while data moves is in the Flow (flow.hpp).
#pragma once

#include <cstdint>

#include <naru/base/result.hpp>
#include <naru/config/socket_types.hpp>
#include <naru/wire/address.hpp>

#include "base/slab.hpp"
#include "tcp/rtt.hpp"
#include "time/timer_wheel.hpp"

namespace naru::tcp {

// Bits of Connection::flags.
enum Flag : std::uint32_t {
  kDirty = 1U << 0U,        // on the list of connections that may have to send
  kReadyQueued = 1U << 1U,  // on the list of connections whose readiness changed
  kAckNow = 1U << 2U,       // an ACK is owed at once
  kSynPending = 1U << 3U,   // SYN or SYN-ACK is to be sent (again)
  kFinQueued = 1U << 4U,    // the program has finished sending
  kFinSent = 1U << 5U,      // snd.nxt has passed the FIN
  kFinReceived = 1U << 6U,  // rcv.nxt has passed the peer's FIN
  kOwned = 1U << 7U,        // a program holds its id (not so before accept, after close)
  kPassive = 1U << 8U,      // came from a listener
  kTimestamps = 1U << 9U,   // both SYNs carried the option
  kSack = 1U << 10U,
  kWindowScale = 1U << 11U,
  kNoDelay = 1U << 12U,
  kCork = 1U << 13U,
  kKeepAlive = 1U << 14U,
  kLinger = 1U << 15U,  // SO_LINGER is on (its time is in Extra)
  kReuseAddress = 1U << 16U,
  kReusePort = 1U << 17U,
  kBound = 1U << 18U,    // holds a BindRecord
  kInTable = 1U << 19U,  // found by its four-tuple
  kShutReceive = 1U << 20U,
  kWantSpace = 1U << 21U,  // send() said would_block: tell when there is room
  kOobInline = 1U << 22U,
  kFixedSendBuffer = 1U << 23U,  // set by the program: no autotuning
  kFixedReceiveBuffer = 1U << 24U,
  kMore = 1U << 25U,           // the last send() announced more (MSG_MORE)
  kProbeNow = 1U << 26U,       // send a zero-window or keep-alive probe
  kBoundAddress = 1U << 27U,   // bind() named a local address
  kAutoPort = 1U << 28U,       // the local port is ephemeral
  kConnectFailed = 1U << 29U,  // the last connect() failed: ECONNABORTED once (Linux)
  kNoPathMtu = 1U << 30U,      // do not set DF
  kUrgentOut = 1U << 31U,      // flow.snd_up is valid
};

struct Send {
  std::uint32_t una = 0;
  std::uint32_t nxt = 0;
  std::uint32_t wnd = 0;      // bytes, already scaled
  std::uint32_t wl1 = 0;      // seg.seq of the last window update
  std::uint32_t wl2 = 0;      // seg.ack of the last window update
  std::uint32_t max_wnd = 0;  // the largest window seen
  std::uint32_t iss = 0;
};

struct Receive {
  std::uint32_t nxt = 0;
  std::uint32_t adv = 0;  // the right edge told to the peer; never moves left
};

struct alignas(64) Connection : TimerNode {
  std::uint32_t generation = 0;   // survives the slot's owners: stale ids are noticed
  std::uint32_t flow = kNoIndex;  // Flow; in LISTEN the Listener
  std::uint32_t flags = 0;        // Flag
  Send snd;
  Receive rcv;
  std::uint32_t ts_recent = 0;     // RFC 7323 4.3
  std::uint32_t ts_recent_at = 0;  // milliseconds
  std::uint32_t ts_offset = 0;     // of our own timestamp clock

  IpAddr local_addr;
  IpAddr remote_addr;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint32_t destination = kNoIndex;  // cached route: ip::DestinationRef
  std::uint32_t destination_generation = 0;

  std::uint32_t dirty_next = kNoIndex;
  std::uint32_t ready_next = kNoIndex;  // ready list; accept queue before accept()
  std::uint64_t cookie = 0;
  std::uint32_t listener = kNoIndex;  // in SYN-RECEIVED and until accepted
  std::uint32_t extra = kNoIndex;     // Extra: options that few programs set

  Rtt rtt;
  std::uint32_t send_buffer = 0;     // bytes at most in the send queue
  std::uint32_t receive_buffer = 0;  // bytes at most in the receive queue
  std::uint32_t active_ms = 0;       // last arrival (keep-alive), FIN-WAIT-2 entered
  std::uint16_t peer_mss = 536;      // from the peer's SYN (RFC 9293 3.7.1)
  std::uint16_t smss = 536;          // payload of a full segment now
  std::uint16_t saved_cwnd = 0;      // segments, while there is no flow; 0: initial
  std::uint16_t saved_ssthresh = 0xffff;

  TcpState state = TcpState::closed;
  std::uint8_t snd_scale = 0;
  std::uint8_t rcv_scale = 0;
  std::uint8_t ttl = 0;  // 0: the default
  std::uint8_t tos = 0;
  Error error = Error::none;       // SO_ERROR
  Error soft_error = Error::none;  // trouble on the way, for SO_ERROR and time-outs
  std::uint8_t retries = 0;        // retransmissions or probes without an answer

  bool has(Flag f) const { return (flags & f) != 0; }
  void set(Flag f) { flags |= f; }
  void clear(std::uint32_t f) { flags &= ~f; }

  Endpoint local() const { return {local_addr, local_port}; }
  Endpoint remote() const { return {remote_addr, remote_port}; }
  std::uint32_t in_flight() const { return snd.nxt - snd.una; }
};

// Starts fetching all three lines of a connection that may be far away, so that
// one wait covers them.
inline void prefetch(const Connection* c) {
  const auto* p = reinterpret_cast<const char*>(c);
  __builtin_prefetch(p);
  __builtin_prefetch(p + 64);
  __builtin_prefetch(p + 128);
}

// The states in which both sides know each other's numbers (RFC 9293 3.4.3).
constexpr bool is_synchronized(TcpState s) {
  return s != TcpState::closed && s != TcpState::listen && s != TcpState::syn_sent &&
         s != TcpState::syn_received;
}
// Closed by its program, with data or a FIN still to deliver.
inline bool is_orphan(const Connection& c) {
  return !c.has(kOwned) && c.has(kFinQueued) && c.state != TcpState::closed &&
         c.state != TcpState::fin_wait_2;
}
// May the program's bytes still go out / the peer's come in?
constexpr bool can_send_data(TcpState s) {
  return s == TcpState::established || s == TcpState::close_wait;
}
constexpr bool can_receive_data(TcpState s) {
  return s == TcpState::established || s == TcpState::fin_wait_1 || s == TcpState::fin_wait_2;
}

// Extra::fin_timeout_ms: do not stay in FIN-WAIT-2 at all after close (TCP_LINGER2 -1).
inline constexpr std::uint32_t kNoFinWait = 0xffffffffU;

// Socket options that few connections change, taken when one does.
struct Extra {
  std::uint32_t free_link = 0;
  std::uint32_t keep_idle_ms = 0;  // 0: the stack's option
  std::uint32_t keep_interval_ms = 0;
  std::uint32_t user_timeout_ms = 0;
  std::uint32_t fin_timeout_ms = 0;
  std::int32_t linger_s = -1;
  std::uint16_t max_segment = 0;
  std::uint8_t keep_count = 0;
  std::uint8_t syn_count = 0;
  std::int8_t congestion = -1;
  std::uint8_t defer_accept = 0;  // TCP_DEFER_ACCEPT, in retransmissions of the SYN-ACK
  bool has_deferred = false;      // the handshake's ACK came without data, and was not taken
  bool receive_errors = false;    // IP_RECVERR: soft errors are told at once
  bool v6_only = false;           // IPV6_V6ONLY
};

static_assert(sizeof(Connection) == 192, "three cache lines");

}  // namespace naru::tcp
