#include "tcp/input.hpp"

#include <algorithm>

#include "tcp/lifecycle.hpp"
#include "tcp/reset.hpp"
#include "tcp/seq.hpp"
#include "tcp/timers.hpp"
#include "tcp/urgent.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kPawsIdleMs = 24U * 24 * 3600 * 1000;  // RFC 7323 5.5

// --- parsing -------------------------------------------------------------------

Drop check(const Packet& packet, const std::optional<wire::TcpView>& view, bool group) {
  if (!view) return Drop::tcp_malformed;
  if (group) return Drop::tcp_bad_address;
  if (packet.checksum != ChecksumState::good &&
      !view->checksum_ok(packet.source, packet.destination)) {
    return Drop::tcp_bad_checksum;
  }
  return Drop::none;
}

Drop parse(Packet* packet, const wire::TcpView& view, Segment& s) {
  s.options = wire::TcpOptions::parse(view.options());
  if (s.options.malformed) return Drop::tcp_option_malformed;
  s.local = {packet->destination, view.dst_port()};
  s.remote = {packet->source, view.src_port()};
  s.seq = view.seq();
  s.ack = view.ack();
  s.flags = view.flags();
  s.window = view.window();
  s.urgent_pointer = view.urgent_pointer();
  s.tos = packet->tos;
  packet->pull(static_cast<std::uint32_t>(view.header_size()));
  s.length = packet->length;
  s.packet = packet;
  return Drop::none;
}

void trace_segment(Tcp& t, const Connection* c, const Segment& s) {
  trace::Event e;
  e.at = t.now;
  e.kind = trace::Kind::segment_in;
  e.protocol = Protocol::tcp;
  e.object = c == nullptr ? kNoIndex : t.index_of(*c);
  e.local = s.local;
  e.remote = s.remote;
  e.flags = s.flags;
  e.seq = s.seq;
  e.ack = s.ack;
  e.length = s.length;
  e.extra = s.window;
  t.trace->emit(e);
}

// Bursts come from one peer: look at the last one found before hashing.
Found lookup(Tcp& t, const Packet& packet, const wire::TcpView& view) {
  Connection* last = t.last_found;
  if (last != nullptr && last->remote_port == view.src_port() &&
      last->local_port == view.dst_port() && last->remote_addr == packet.source &&
      last->local_addr == packet.destination) {
    return {last, nullptr};
  }
  const Found found =
      find(t, {packet.destination, view.dst_port()}, {packet.source, view.src_port()});
  if (found.connection != nullptr) t.last_found = found.connection;
  return found;
}

// --- the steps ------------------------------------------------------------------

// RFC 7323 5.3 R1: an old duplicate shows its age.
bool fails_paws(const Tcp& t, const Connection& c, const Segment& s) {
  if (!c.has(kTimestamps) || !s.options.timestamps || s.has(wire::kRst)) return false;
  if (seq_ge(s.options.timestamps->value, c.ts_recent)) return false;
  return t.now_ms - c.ts_recent_at < kPawsIdleMs;
}

// The acceptability test of RFC 9293 3.10.7.4 first: four cases.
bool is_acceptable(const Connection& c, const Segment& s) {
  const std::uint32_t window = c.rcv.adv - c.rcv.nxt;
  const std::uint32_t length = s.seg_len();
  // A FIN needs no room, so it may come when there is none.
  if (window == 0) return s.length == 0 && !s.has(wire::kSyn) && s.seq == c.rcv.nxt;
  if (seq_within(s.seq, c.rcv.nxt, window)) return true;
  return length != 0 && seq_within(s.seq + length - 1, c.rcv.nxt, window);
}

// An unacceptable segment is answered with an ACK. Data deserves it at once (our
// ACK was lost); anything else only now and then, or two confused peers would
// echo each other for ever.
void answer_unacceptable(Tcp& t, Connection& c, const Segment& s) {
  if (s.length == 0 && !s.has(wire::kFin)) {
    challenge(t, c);
    return;
  }
  if (s.length != 0 && seq_lt(s.seq, c.rcv.nxt)) {
    note_duplicate(t, c, s.seq, seq_min(s.seq + s.length, c.rcv.nxt));
  }
  c.set(kAckNow);
  mark_dirty(t, c);
}

Drop check_seq(Tcp& t, Connection& c, Segment& s) {
  if (fails_paws(t, c, s)) {
    answer_unacceptable(t, c, s);
    return Drop::tcp_paws;
  }
  if (is_acceptable(c, s)) return Drop::none;
  if (s.has(wire::kRst)) {
    // Also where there is no room for the data it carries (RFC 9293 3.10.7.4 MUST-66).
    return s.seq == c.rcv.nxt ? Drop::none : Drop::tcp_unacceptable_seq;
  }
  answer_unacceptable(t, c, s);
  // With no window at all, what stands at the edge still brings ACK and URG news.
  const bool at_closed_edge =
      c.rcv.adv == c.rcv.nxt && s.seq == c.rcv.nxt && s.length != 0 && !s.has(wire::kSyn);
  if (!at_closed_edge) {
    return seq_lt(s.seq, c.rcv.nxt) ? Drop::tcp_old_duplicate : Drop::tcp_unacceptable_seq;
  }
  s.length = 0;
  s.flags &= static_cast<std::uint8_t>(~wire::kFin);
  s.packet->trim(0);
  return Drop::none;
}

Verdict check_rst(Tcp& t, Connection& c, const Segment& s) {
  if (!s.has(wire::kRst)) return {};
  if (s.seq != c.rcv.nxt) {
    challenge(t, c);  // RFC 5961 3.2
    return {Drop::tcp_reset_challenged};
  }
  t.counters->add(Counter::tcp_resets_in);
  if (c.state == TcpState::syn_received) {
    if (c.has(kPassive)) {
      t.counters->add(Counter::tcp_failed);
      finish(t, c);  // the listener never knew (RFC 9293 3.10.7.4 second)
    } else {
      fail(t, c, Error::refused);
    }
  } else if (c.state == TcpState::closing || c.state == TcpState::last_ack) {
    finish(t, c);
  } else {
    fail(t, c, c.state == TcpState::close_wait ? Error::broken_pipe : Error::reset);
  }
  return {Drop::none, true};
}

// A SYN in a synchronised state (RFC 5961 4.2). In SYN-RECEIVED the peer's own SYN
// again means that our answer was lost.
Drop check_syn(Tcp& t, Connection& c, const Segment& s) {
  if (!s.has(wire::kSyn)) return Drop::none;
  challenge(t, c);
  return Drop::tcp_syn_challenged;
}

bool repeats_syn(const Connection& c, const Segment& s) {
  return c.state == TcpState::syn_received && s.has(wire::kSyn) && !s.has(wire::kRst) &&
         !s.has(wire::kAck) && s.seq == c.rcv.nxt - 1;
}

// In a simultaneous open both ends answer the other's SYN with a SYN-ACK (RFC 9293
// 3.5, figure 7). Its SYN is known; what remains is the ACK.
void take_crossing_syn_ack(const Connection& c, Segment& s) {
  if (c.state != TcpState::syn_received || !s.has(wire::kSyn) || !s.has(wire::kAck)) return;
  if (s.has(wire::kRst) || s.seq != c.rcv.nxt - 1 || s.ack != c.snd.nxt) return;
  s.flags &= static_cast<std::uint8_t>(~wire::kSyn);
  ++s.seq;
}

void answer_repeated_syn(Tcp& t, Connection& c) {
  const std::uint32_t now = t.now_ms;
  if (now - c.active_ms < t.options->u32(Option::tcp_challenge_ack_interval)) return;
  c.active_ms = now;
  c.set(kSynPending);
  mark_dirty(t, c);
}

// Only what lies inside the window stays (RFC 9293 3.10.7.4).
void trim(Tcp& t, Connection& c, Segment& s) {
  if (seq_lt(s.seq, c.rcv.nxt)) {
    const std::uint32_t old = std::min(c.rcv.nxt - s.seq, s.length);
    if (old != 0) note_duplicate(t, c, s.seq, s.seq + old);
    s.packet->pull(old);
    s.seq += old;
    s.length -= old;
  }
  const std::uint32_t room = c.rcv.adv - s.seq;
  if (s.length > room) {
    t.counters->drop(Drop::tcp_out_of_window);
    s.packet->trim(room);
    s.length = room;
    s.flags &= static_cast<std::uint8_t>(~(wire::kFin | wire::kPsh));
  }
}

// RFC 7323 4.3: only from segments that passed all checks.
void update_ts_recent(const Tcp& t, Connection& c, const Segment& s, std::uint32_t original_seq) {
  if (!c.has(kTimestamps) || !s.options.timestamps) return;
  const Flow* f = t.flow_of(c);
  const std::uint32_t last_ack = f == nullptr ? c.rcv.nxt : f->last_ack_sent;
  if (seq_gt(original_seq, last_ack)) return;
  if (seq_lt(s.options.timestamps->value, c.ts_recent) && t.now_ms - c.ts_recent_at < kPawsIdleMs) {
    return;
  }
  c.ts_recent = s.options.timestamps->value;
  c.ts_recent_at = t.now_ms;
}

Verdict on_segment(Tcp& t, Connection& c, Segment& s) {
  if (c.state == TcpState::syn_sent) return on_syn_sent(t, c, s);
  if (repeats_syn(c, s)) {
    answer_repeated_syn(t, c);
    return {Drop::tcp_old_duplicate};
  }
  take_crossing_syn_ack(c, s);
  if (const Drop d = check_seq(t, c, s); d != Drop::none) return {d};
  if (const Verdict v = check_rst(t, c, s); v.gone || v.reason != Drop::none) return v;
  if (const Drop d = check_syn(t, c, s); d != Drop::none) return {d};
  if (!s.has(wire::kAck)) return {Drop::tcp_no_ack_flag};
  if (c.state == TcpState::syn_received) {
    if (const Verdict v = on_syn_received_ack(t, c, s); v.gone || v.reason != Drop::none) return v;
  }
  if (const Verdict v = check_ack(t, c, s); v.reason != Drop::none) return v;

  const std::uint32_t seq = s.seq;
  c.active_ms = c.state == TcpState::fin_wait_2 && !c.has(kOwned) ? c.active_ms : t.now_ms;
  trim(t, c, s);
  update_ts_recent(t, c, s, seq);
  on_ack(t, c, s);
  if (const Verdict v = on_fin_acked(t, c); v.gone) return v;
  if (c.has(kFinReceived) && s.seg_len() != 0) {  // nothing can follow the peer's FIN
    challenge(t, c);
    return {Drop::tcp_out_of_window};
  }
  if (s.has(wire::kUrg)) take_urgent(t, c, s, seq);
  if (s.length != 0) {
    if (const Verdict v = take_data(t, c, s); v.gone) return v;
  }
  if (const Verdict v = take_fin(t, c, s); v.gone) return v;
  settle(t, c);
  return {};
}

}  // namespace

Drop Tcp::input(Packet* packet, bool group) {
  counters->add(Counter::tcp_in);
  const auto view = wire::TcpView::parse(packet->bytes());
  Drop reason = check(*packet, view, group);
  if (reason == Drop::none) {
    const Found found = lookup(*this, *packet, *view);
    if (found.connection != nullptr) change.set(found.connection);
    if (found.connection != nullptr && !trace->on() &&
        take_predicted(*this, *found.connection, packet, *view)) [[likely]] {
      return Drop::none;
    }
    return input_segment(packet, *view, found);
  }
  packets->give_back(packet);
  return counters->drop(reason);
}

// The general path: any segment, any state.
Drop Tcp::input_segment(Packet* packet, const wire::TcpView& view, const Found& found) {
  Segment s;
  Drop reason = parse(packet, view, s);
  if (reason != Drop::none) {
    packets->give_back(packet);
    return counters->drop(reason);
  }
  if (trace->on()) trace_segment(*this, found.connection, s);
  if (found.connection != nullptr) {
    reason = on_segment(*this, *found.connection, s).reason;
  } else if (found.time_wait != nullptr) {
    reason = on_time_wait(*this, *found.time_wait, s);
  } else {
    reason = on_unmatched(*this, s);
  }
  packets->give_back(s.packet);
  return reason == Drop::none ? reason : counters->drop(reason);
}

namespace {

// RFC 9293 3.9.1 MUST-47: a soft error waits for who asks for it, until data gets
// through. With IP_RECVERR it is told at once, and an open does not wait either.
void on_soft_error(Tcp& t, Connection& c, Error error) {
  const Extra* x = t.extra_of(c);
  if (x == nullptr || !x->receive_errors) {
    c.soft_error = error;
  } else if (c.state == TcpState::syn_sent) {
    fail(t, c, error);
  } else {
    c.error = error;
    notify(t, c);
  }
}

}  // namespace

bool Tcp::on_path_error(const Endpoint& local, const Endpoint& remote, const PathError& error) {
  Connection* c = find(*this, local, remote).connection;
  if (c == nullptr) return false;
  const bool believable = seq_ge(error.quoted_seq, c->snd.una) &&
                          seq_lt(error.quoted_seq, seq_max(c->snd.nxt, c->snd.una + 1));
  if (!believable) return false;
  change.set(c);
  switch (error.kind) {
    case PathError::Kind::too_big:
      // What was too big is sent again in smaller pieces as soon as the caller has
      // lowered the route's MTU. A SYN goes by its own timer.
      if (Flow* f = flow_of(*c); f != nullptr && c->in_flight() != 0 && is_synchronized(c->state)) {
        f->recovery.on_timeout(c->snd.una, c->snd.nxt);
        f->timing = false;
      }
      mark_dirty(*this, *c);
      return true;
    case PathError::Kind::hard:
      if (c->state == TcpState::syn_sent) {
        fail(*this, *c, error.error);
        return true;
      }
      [[fallthrough]];
    case PathError::Kind::soft:
      on_soft_error(*this, *c, error.error);
      return true;
  }
  return false;
}

void Tcp::on_no_route(Connection& c, Error error) {
  if (c.state == TcpState::syn_sent) {
    fail(*this, c, error);
    return;
  }
  c.soft_error = error;
  c.clear(kAckNow | kProbeNow);
  // What was to be sent is tried again by a timer.
  if (c.state == TcpState::syn_received) {
    arm_syn(*this, c);
  } else if (Flow* f = flow_to_send(*this, c); f != nullptr) {
    arm_persist(*this, c, *f);
  } else if (lacks_flow(c)) {
    arm_flow_wait(*this, c);
  }
}

}  // namespace naru::tcp
