// Input before ESTABLISHED: CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED, and TIME-WAIT,
// where a SYN may begin again (RFC 9293 3.10.7.1-3, RFC 6191).

#include <algorithm>

#include "tcp/defer_accept.hpp"
#include "tcp/input.hpp"
#include "tcp/isn.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/listen.hpp"
#include "tcp/reset.hpp"
#include "tcp/seq.hpp"
#include "tcp/timers.hpp"
#include "tcp/window.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint16_t kDefaultMssV4 = 536;  // RFC 9293 3.7.1
constexpr std::uint16_t kDefaultMssV6 = 1220;
constexpr std::uint8_t kMaxShift = 14;  // RFC 7323 2.3
constexpr Duration kResendSyn = 2ms;

// What the peer's SYN says, together with what we offer (or would).
void negotiate(Tcp& t, Connection& c, const wire::TcpOptions& o) {
  c.peer_mss = o.mss.value_or(c.remote_addr.is_v4() ? kDefaultMssV4 : kDefaultMssV6);
  c.clear(kTimestamps | kSack | kWindowScale);
  if (o.timestamps && t.options->on(Option::tcp_timestamps)) {
    c.set(kTimestamps);
    c.ts_recent = o.timestamps->value;
    c.ts_recent_at = t.now_ms;
  }
  if (o.sack_permitted && t.options->on(Option::tcp_sack)) c.set(kSack);
  if (o.window_scale && t.options->on(Option::tcp_window_scaling)) {
    c.set(kWindowScale);
    c.snd_scale = std::min(*o.window_scale, kMaxShift);
    c.rcv_scale = window_shift(*t.options);
  } else {
    c.snd_scale = c.rcv_scale = 0;
  }
  const std::uint32_t options = c.has(kTimestamps) ? wire::TcpOptions::kTimestampsSize : 0;
  const std::uint32_t mss =
      std::max<std::uint32_t>(c.peer_mss, t.options->u32(Option::tcp_min_send_mss));
  c.smss = static_cast<std::uint16_t>(mss - options);
}

void set_window(Connection& c, const Segment& s, std::uint8_t shift) {
  c.snd.wnd = std::uint32_t{s.window} << shift;
  c.snd.wl1 = s.seq;
  c.snd.wl2 = s.ack;
  c.snd.max_wnd = std::max(c.snd.max_wnd, c.snd.wnd);
}

// --- LISTEN ----------------------------------------------------------------------

// A connection for a SYN; what the listening socket has set is inherited.
Connection* spawn(Tcp& t, std::uint32_t listener, const Segment& s) {
  Connection* c = create_connection(t);
  if (c == nullptr) return nullptr;
  const Connection& parent = *t.connections.at(t.listeners.at(listener)->connection);
  constexpr std::uint32_t kInherited = kNoDelay | kKeepAlive | kLinger | kOobInline |
                                       kFixedSendBuffer | kFixedReceiveBuffer | kNoPathMtu |
                                       kReuseAddress | kReusePort;
  c->flags = (parent.flags & kInherited) | kPassive;
  if (const Extra* x = t.extra_of(parent); x != nullptr) {
    if (Extra* own = take_extra(t, *c); own != nullptr) *own = *x;
  }
  c->local_addr = s.local.addr;
  c->local_port = s.local.port;
  c->remote_addr = s.remote.addr;
  c->remote_port = s.remote.port;
  c->ttl = parent.ttl;
  c->tos = parent.tos;
  c->send_buffer = parent.send_buffer;
  c->receive_buffer = parent.receive_buffer;
  c->listener = listener;
  c->rcv.nxt = c->rcv.adv = s.seq + 1;
  c->ts_offset = timestamp_offset(t.timestamp_key, c->local_addr, c->remote_addr);
  c->active_ms = t.now_ms - t.options->u32(Option::tcp_challenge_ack_interval);
  return c;
}

Drop open_passive(Tcp& t, std::uint32_t listener, const Segment& s, std::uint32_t iss) {
  Connection* c = spawn(t, listener, s);
  if (c == nullptr) return Drop::tcp_no_memory;
  negotiate(t, *c, s.options);
  c->snd.iss = c->snd.una = iss;
  c->snd.nxt = iss + 1;
  set_window(*c, s, 0);
  c->snd.wl2 = iss;
  ++t.listeners.at(listener)->syn_count;
  set_state(t, *c, TcpState::syn_received);
  enter_table(t, *c);
  c->set(kSynPending);
  mark_dirty(t, *c);
  return Drop::none;
}

// The SYN queue is full: everything that must be known goes into the answer.
void reply_cookie(Tcp& t, const Segment& s) {
  Reply reply;
  reply.local = s.local;
  reply.remote = s.remote;
  reply.tos = s.tos & 0xfcU;
  const std::uint16_t mss =
      s.options.mss.value_or(s.remote.addr.is_v4() ? kDefaultMssV4 : kDefaultMssV6);
  reply.seq = t.cookies.make(s.local, s.remote, s.seq, mss, t.now);
  reply.ack = s.seq + 1;
  reply.flags = wire::kSyn | wire::kAck;
  reply.window = 0xffff;
  reply.is_syn_cookie = true;
  // Without timestamps there is no place to remember the other options.
  if (s.options.timestamps && t.options->on(Option::tcp_timestamps)) {
    CookieOptions kept;
    if (t.options->on(Option::tcp_window_scaling)) kept.window_scale = s.options.window_scale;
    if (kept.window_scale) kept.window_scale = std::min(*kept.window_scale, kMaxShift);
    kept.sack_permitted = s.options.sack_permitted && t.options->on(Option::tcp_sack);
    const std::uint32_t offset = timestamp_offset(t.timestamp_key, s.local.addr, s.remote.addr);
    reply.options.timestamps = {cookie_timestamp(t.timestamp(offset), kept),
                                s.options.timestamps->value};
    reply.options.sack_permitted = kept.sack_permitted;
    if (kept.window_scale) reply.options.window_scale = window_shift(*t.options);
  }
  if (t.replies.push(reply)) t.counters->add(Counter::tcp_syn_cookies_out);
}

Drop on_listen_syn(Tcp& t, std::uint32_t listener, const Segment& s, std::uint32_t iss) {
  const Listener& l = *t.listeners.at(listener);
  if (l.accept_count > l.backlog) return Drop::tcp_accept_queue_full;
  const std::int64_t cookies = t.options->get(Option::tcp_syn_cookies);
  const bool full = l.syn_count >= t.options->u32(Option::tcp_syn_backlog);
  if (cookies == 2 || (full && cookies == 1)) {
    reply_cookie(t, s);
    return Drop::none;
  }
  if (full) return Drop::tcp_syn_queue_full;
  return open_passive(t, listener, s, iss);
}

// The handshake is complete: the connection waits for accept().
void enter_accept_queue(Tcp& t, Connection& c) {
  Listener& l = *t.listeners.at(c.listener);
  const std::uint32_t index = t.index_of(c);
  c.ready_next = kNoIndex;
  (l.accept_head == kNoIndex ? l.accept_head : t.connections.at(l.accept_tail)->ready_next) = index;
  l.accept_tail = index;
  ++l.accept_count;
  t.counters->add(Counter::tcp_passive_opens);
  if (t.trace->on()) t.trace->emit(event(t, c, trace::Kind::accept_queued));
  notify(t, *t.connections.at(l.connection));
}

// An ACK for a SYN cookie becomes a connection.
Drop on_cookie_ack(Tcp& t, std::uint32_t listener, Segment& s) {
  const auto mss = t.cookies.check(s.local, s.remote, s.seq - 1, s.ack - 1, t.now);
  if (!mss) {
    reply_reset(t, s);
    return Drop::tcp_bad_cookie;
  }
  const Listener& l = *t.listeners.at(listener);
  if (l.accept_count > l.backlog) return Drop::tcp_accept_queue_full;
  Segment syn = s;
  syn.seq = s.seq - 1;
  wire::TcpOptions offered;
  offered.mss = mss;
  if (s.options.timestamps) {
    const CookieOptions kept = cookie_options(s.options.timestamps->echo);
    offered.timestamps = s.options.timestamps;
    offered.sack_permitted = kept.sack_permitted;
    offered.window_scale = kept.window_scale;
  }
  Connection* c = spawn(t, listener, syn);
  if (c == nullptr) return Drop::tcp_no_memory;
  negotiate(t, *c, offered);
  c->snd.iss = s.ack - 1;
  c->snd.una = c->snd.nxt = s.ack;
  c->rcv.adv = c->rcv.nxt + 0xffffU;
  set_window(*c, s, c->snd_scale);
  set_state(t, *c, TcpState::established);
  enter_table(t, *c);
  t.counters->add(Counter::tcp_syn_cookies_in);
  enter_accept_queue(t, *c);
  arm_keep_alive(t, *c);
  if (s.length != 0 && take_data(t, *c, s).gone) return Drop::none;
  if (!take_fin(t, *c, s).gone) settle(t, *c);
  return Drop::none;
}

// --- shared ------------------------------------------------------------------------

// When the SYN that is now acknowledged was sent: its timer tells, where the acknowledgement
// was not put off.
void sample_handshake(Tcp& t, Connection& c) {
  const Extra* x = t.extra_of(c);
  if (x != nullptr && x->has_deferred) {
    c.rtt.reset_backoff();
  } else if (c.retries == 0 && c.is_armed()) {
    const Time sent = c.deadline - current_rto(t, c);
    if (sent <= t.now) c.rtt.sample(t.now - sent);
  } else if (c.retries != 0) {
    c.rtt.syn_was_lost();
  }
  t.wheel.cancel(c);
  c.retries = 0;
}

void become_established(Tcp& t, Connection& c, const Segment& s) {
  sample_handshake(t, c);
  c.soft_error = Error::none;
  c.snd.una = s.ack;
  set_window(c, s, s.has(wire::kSyn) ? 0 : c.snd_scale);
  c.active_ms = t.now_ms;
  if (c.state == TcpState::syn_received && c.listener != kNoIndex) {
    --t.listeners.at(c.listener)->syn_count;
  }
  set_state(t, c, c.has(kFinQueued) ? TcpState::fin_wait_1 : TcpState::established);
  arm_keep_alive(t, c);
  mark_dirty(t, c);
  t.progressed = &c;
  if (c.has(kPassive)) {
    enter_accept_queue(t, c);
  } else {
    notify(t, c);
  }
}

}  // namespace

Drop on_unmatched(Tcp& t, Segment& s) {
  const std::uint32_t listener = find_listener(t, s.local, s.remote);
  if (listener == kNoIndex) {
    reply_reset(t, s);
    return Drop::tcp_no_connection;
  }
  if (s.has(wire::kRst)) return Drop::tcp_bad_flags;
  if (s.has(wire::kAck)) {
    if (!s.has(wire::kSyn)) return on_cookie_ack(t, listener, s);
    reply_reset(t, s);
    return Drop::tcp_no_connection;
  }
  if (!s.has(wire::kSyn) || s.has(wire::kFin)) return Drop::tcp_bad_flags;
  return on_listen_syn(t, listener, s, initial_sequence(t.isn_key, s.local, s.remote, t.now));
}

Drop on_time_wait(Tcp& t, TimeWait& w, Segment& s) {
  if (s.has(wire::kRst)) return Drop::tcp_old_duplicate;  // RFC 1337
  const bool newer_stamp =
      w.timestamps() && s.options.timestamps && seq_gt(s.options.timestamps->value, w.ts_recent);
  const bool older_stamp =
      w.timestamps() && s.options.timestamps && seq_lt(s.options.timestamps->value, w.ts_recent);
  if (s.has(wire::kSyn) && !s.has(wire::kAck) && !s.has(wire::kFin)) {
    const std::uint32_t listener = find_listener(t, s.local, s.remote);
    const bool is_new = newer_stamp || (!older_stamp && seq_gt(s.seq, w.rcv_nxt));
    if (listener != kNoIndex && is_new) {
      // Above everything that the old connection sent (RFC 6191 2).
      const std::uint32_t isn = initial_sequence(t.isn_key, s.local, s.remote, t.now);
      const std::uint32_t iss = seq_gt(isn, w.snd_nxt) ? isn : w.snd_nxt + 0x10000U;
      t.counters->add(Counter::tcp_time_wait_reused);
      forget_time_wait(t, &w);
      return on_listen_syn(t, listener, s, iss);
    }
  }
  if (s.has(wire::kFin) && s.seq + s.seg_len() == w.rcv_nxt && !older_stamp) {
    t.time_wait.restart(&w, milliseconds32(t.now + t.options->duration(Option::tcp_time_wait)));
    reply_time_wait_ack(t, w);
    return Drop::tcp_old_duplicate;
  }
  if (s.seg_len() == 0) return Drop::tcp_old_duplicate;
  std::uint32_t& answered =
      t.time_wait_answered_ms[t.time_wait.index_of(&w) % Tcp::kTimeWaitLimits];
  const std::uint32_t now = t.now_ms;
  if (answered == 0 || now - answered >= t.options->u32(Option::tcp_challenge_ack_interval)) {
    answered = std::max(now, 1U);
    reply_time_wait_ack(t, w);
  }
  return Drop::tcp_old_duplicate;
}

Verdict on_syn_received_ack(Tcp& t, Connection& c, const Segment& s) {
  if (!(seq_lt(c.snd.una, s.ack) && seq_le(s.ack, c.snd.nxt))) {
    reply_reset(t, s);
    return {Drop::tcp_unacceptable_ack};
  }
  if (c.listener != kNoIndex) {
    const Listener& l = *t.listeners.at(c.listener);
    // The client believes that it is connected; our SYN-ACK will come again and
    // with it another ACK, when there may be room.
    if (l.accept_count > l.backlog) return {Drop::tcp_accept_queue_full};
    if (Extra* x = t.extra_of(c); waits_for_data(c, x, s)) {
      x->has_deferred = true;
      return {Drop::tcp_accept_deferred};
    }
  }
  become_established(t, c, s);
  return {};
}

Verdict on_syn_sent(Tcp& t, Connection& c, Segment& s) {
  const bool has_ack = s.has(wire::kAck);
  if (has_ack && (seq_le(s.ack, c.snd.iss) || seq_gt(s.ack, c.snd.nxt))) {
    // Left over from a former life; when our RST has cleared it, try again soon.
    reply_reset(t, s);
    if (c.retries == 0 && !s.has(wire::kRst)) t.wheel.arm(c, t.now + kResendSyn);
    return {Drop::tcp_unacceptable_ack};
  }
  if (s.has(wire::kRst)) {
    if (!has_ack) return {Drop::tcp_unacceptable_seq};
    t.counters->add(Counter::tcp_resets_in);
    fail(t, c, Error::refused);
    return {Drop::none, true};
  }
  if (!s.has(wire::kSyn) || (s.has(wire::kFin) && !has_ack)) return {Drop::tcp_bad_flags};

  negotiate(t, c, s.options);
  c.rcv.nxt = s.seq + 1;
  c.rcv.adv = c.rcv.nxt + std::min<std::uint32_t>(c.receive_buffer, 0xffffU);
  if (!has_ack) {  // simultaneous open (RFC 9293 3.5, figure 8)
    set_window(c, s, 0);
    set_state(t, c, TcpState::syn_received);
    c.set(kSynPending);
    mark_dirty(t, c);
    return {};
  }
  become_established(t, c, s);
  c.set(kAckNow);
  s.seq += 1;
  if (s.length != 0) {
    if (const Verdict v = take_data(t, c, s); v.gone) return v;
  }
  if (const Verdict v = take_fin(t, c, s); v.gone) return v;
  settle(t, c);
  return {};
}

}  // namespace naru::tcp
