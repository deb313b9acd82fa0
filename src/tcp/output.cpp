// Output: why send, and what? (RFC 9293 3.8, RFC 6675 NextSeg, RFC 5681 4.1)
//
// In this order: SYN, probe, what is lost, what is new, FIN, what may be lost,
// and an ACK alone only when nothing else carried it.

#include <algorithm>

#include "tcp/emit.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/seq.hpp"
#include "tcp/timers.hpp"
#include "tcp/window.hpp"

namespace naru::tcp {
namespace {

std::uint32_t data_end(const Connection& c, const Flow& f) { return c.snd.una + f.send.size(); }

// The right edge of what the peer takes.
std::uint32_t send_edge(const Connection& c) { return c.snd.una + c.snd.wnd; }

// --- SYN ---------------------------------------------------------------------

bool next_syn(Tcp& t, Connection& c, const PathLimits& limits, TxFrame& frame) {
  if (c.has(kSynPending)) {
    c.clear(kSynPending);
    const std::uint8_t flags = c.state == TcpState::syn_sent ? wire::kSyn : wire::kSyn | wire::kAck;
    c.snd.nxt = c.snd.iss + 1;
    emit(t, c, limits, {c.snd.iss, flags, 0, 0}, frame);
    arm_syn(t, c);
    return true;
  }
  if (c.has(kAckNow) && c.state == TcpState::syn_received) {
    emit(t, c, limits, {c.snd.nxt, wire::kAck, 0, 0}, frame);
    return true;
  }
  c.clear(kAckNow);
  return false;
}

// --- data --------------------------------------------------------------------

// The last bytes of the queue make a short segment. May it go now? (Nagle, RFC
// 9293 3.7.4, in Minshall's form: only one short segment unacknowledged.)
inline bool may_send_short(Tcp& t, Connection& c, Flow& f) {
  if (c.has(kFinQueued) || f.override_sws) return true;
  if ((c.flags & (kCork | kMore)) != 0) [[unlikely]] {
    hold_short(t, c, f);
    return false;
  }
  return c.has(kNoDelay) || seq_le(f.small_end, c.snd.una);
}

// What one frame may carry. Each segment with an urgent pointer goes by itself: the
// pointer counts from the segment's own number.
std::uint32_t max_payload(const Connection& c, const PathLimits& limits) {
  return c.has(kUrgentOut) ? c.smss : std::max<std::uint32_t>(limits.max_payload, c.smss);
}

// How many new bytes go now; 0: none.
std::uint32_t sendable(Tcp& t, Connection& c, Flow& f, const PathLimits& limits) {
  const std::uint32_t unsent = data_end(c, f) - c.snd.nxt;
  const std::uint32_t edge = send_edge(c);
  const std::uint32_t window = seq_gt(edge, c.snd.nxt) ? edge - c.snd.nxt : 0;
  const std::uint32_t pipe = f.recovery.pipe(c.snd.una, c.snd.nxt, f.sack);
  const std::uint32_t cwnd = f.congestion.cwnd() + f.recovery.limited_transmit(c.smss);
  const std::uint32_t room = cwnd > pipe ? cwnd - pipe : 0;

  // The usual end of a message: one short segment takes what there is.
  if (unsent < c.smss && unsent <= window && unsent <= room) {
    return may_send_short(t, c, f) ? unsent : 0;
  }
  std::uint32_t length = std::min(unsent, window);
  if (length > room) {
    f.cwnd_limited = true;
    length = room / c.smss * c.smss;
    if (length == 0) return 0;
  }
  const std::uint64_t most =
      std::min<std::uint64_t>(max_payload(c, limits), std::uint64_t{limits.room} * c.smss);
  const bool is_rest = length == unsent && length <= most;
  length = static_cast<std::uint32_t>(std::min<std::uint64_t>(length, most));
  const std::uint32_t tail = length % c.smss;
  if (length >= c.smss) {
    return tail == 0 || (is_rest && may_send_short(t, c, f)) ? length : length - tail;
  }
  if (is_rest && length != 0) return may_send_short(t, c, f) ? length : 0;
  // A window that takes less than a segment: silly (RFC 9293 3.8.6.2.1), unless it
  // is half of the largest that the peer ever had, or we have waited long enough.
  if (length != 0 && (length >= c.snd.max_wnd / 2 || f.override_sws)) return length;
  if (c.in_flight() == 0) arm_persist(t, c, f);
  return 0;
}

void on_sent(Tcp& t, Connection& c, Flow& f, std::uint32_t length) {
  if (c.in_flight() == 0) {
    f.progress_at = t.now;
    c.retries = 0;  // keep-alives without an answer
  }
  if (length < c.smss ? length != 0 : length % c.smss != 0) f.small_end = c.snd.nxt + length;
  c.snd.nxt += length;
  f.sent_at = t.now;
  f.override_sws = false;
  if (!f.timing) {
    f.timing = true;
    f.timed_at = t.now;
    f.timed_seq = c.snd.nxt;
  }
}

bool next_data(Tcp& t, Connection& c, Flow& f, const PathLimits& limits, TxFrame& frame) {
  if (c.has(kFinSent)) return false;
  const std::uint32_t end = data_end(c, f);
  if (end == c.snd.nxt && !c.has(kFinQueued)) return false;
  // An RTO is never below its least; most sends need not work it out.
  if (c.in_flight() == 0 && t.now - f.sent_at > t.options->duration(Option::tcp_rto_min) &&
      f.sent_at != Time{} && t.now - f.sent_at > current_rto(t, c)) [[unlikely]] {
    f.congestion.on_idle(t.now, t.options->u32(Option::tcp_initial_window));
  }
  std::uint32_t length = 0;
  if (end != c.snd.nxt) {
    length = sendable(t, c, f, limits);
    if (length == 0) return false;
  }
  Outgoing out{c.snd.nxt, wire::kAck, c.snd.nxt - c.snd.una, length};
  const bool last = c.snd.nxt + length == end;
  if (last && length != 0) out.flags |= wire::kPsh;
  const bool fin = last && c.has(kFinQueued);
  if (fin) out.flags |= wire::kFin;
  emit(t, c, limits, out, frame);
  // The frame may have had fewer spans than the payload needed.
  const bool whole = frame.payload_length == length;
  const bool first = c.in_flight() == 0;
  on_sent(t, c, f, frame.payload_length);
  if (fin && whole) {
    c.set(kFinSent);
    ++c.snd.nxt;
  }
  if (first || f.retransmit_at == kTimeNever) arm_retransmit(t, c, f);
  return true;
}

// --- retransmission ------------------------------------------------------------

// Sends the beginning of the piece; one large segment at most.
void resend(Tcp& t, Connection& c, Flow& f, const PathLimits& limits, Recovery::Piece piece,
            std::uint32_t room, TxFrame& frame) {
  const std::uint32_t end = data_end(c, f);
  const std::uint32_t most =
      std::min({std::max<std::uint32_t>(room / c.smss * c.smss, c.smss), max_payload(c, limits),
                limits.room > 64 ? 64U * c.smss : limits.room * c.smss});
  Outgoing out{piece.start, wire::kAck, piece.start - c.snd.una, 0};
  if (seq_lt(piece.start, end)) {
    out.length = std::min(seq_min(piece.end, end) - piece.start, most);
    if (piece.start + out.length == end) out.flags |= wire::kPsh;
  }
  // Everything up to the end of the queue: the FIN, if it was sent, goes with it.
  const bool fin = c.has(kFinSent) && out.seq + out.length == end && seq_gt(piece.end, end);
  if (fin) out.flags |= wire::kFin;
  emit(t, c, limits, out, frame);
  f.recovery.on_retransmit({piece.start, piece.start + frame.payload_length + (fin ? 1U : 0U)});
  f.timing = false;  // Karn
  f.sent_at = t.now;
  const std::uint32_t segments = std::max<std::uint32_t>((out.length + c.smss - 1) / c.smss, 1);
  f.retransmits += segments;
  t.counters->add(Counter::tcp_retransmits, segments);
  if (t.trace->on()) {
    trace::Event e = event(t, c, trace::Kind::retransmit);
    e.seq = out.seq;
    e.length = out.length;
    t.trace->emit(e);
  }
  if (f.retransmit_at == kTimeNever) arm_retransmit(t, c, f);
}

// Room in cwnd for what is sent again.
std::uint32_t recovery_room(const Connection& c, const Flow& f) {
  const std::uint32_t pipe = f.recovery.pipe(c.snd.una, c.snd.nxt, f.sack);
  return f.congestion.cwnd() > pipe ? f.congestion.cwnd() - pipe : 0;
}

bool next_lost(Tcp& t, Connection& c, Flow& f, const PathLimits& limits, TxFrame& frame) {
  if (f.recovery.phase() == Recovery::Phase::open) return false;
  const auto piece = f.recovery.next_lost(c.snd.una, f.sack);
  if (!piece) return false;
  const std::uint32_t room = recovery_room(c, f);
  const bool first = f.recovery.first_due();
  if (!first && (room < c.smss || seq_ge(piece->start, send_edge(c)))) return false;
  resend(t, c, f, limits, *piece, first ? c.smss : room, frame);
  return true;
}

bool next_unproven(Tcp& t, Connection& c, Flow& f, const PathLimits& limits, TxFrame& frame) {
  if (f.recovery.phase() != Recovery::Phase::recovery || recovery_room(c, f) < c.smss) return false;
  const auto piece = f.recovery.next_unproven(c.snd.una, c.snd.nxt, c.smss, f.sack);
  if (!piece) return false;
  resend(t, c, f, limits, *piece, c.smss, frame);
  return true;
}

// --- the rest --------------------------------------------------------------------

// A byte that the peer has long acknowledged: it must answer (RFC 9293 3.8.4, 3.8.6.1).
void emit_probe(Tcp& t, Connection& c, const PathLimits& limits, TxFrame& frame) {
  c.clear(kProbeNow);
  emit(t, c, limits, {c.snd.una - 1, wire::kAck, 0, 0}, frame);
}

void emit_ack(Tcp& t, Connection& c, const PathLimits& limits, TxFrame& frame) {
  // Beyond a window that has shrunk our number would not be acceptable.
  const std::uint32_t seq = seq_min(c.snd.nxt, seq_max(send_edge(c), c.snd.una));
  emit(t, c, limits, {seq, wire::kAck, 0, 0}, frame);
}

// The path's MTU or the options have changed.
void refresh_mss(const Tcp& t, Connection& c, Flow& f, const PathLimits& limits) {
  f.path_mtu = limits.mtu;
  c.smss = effective_mss(t, c, limits.mtu);
  f.congestion.set_smss(c.smss);
}

}  // namespace

bool Tcp::next_segment(Connection& c, const PathLimits& limits, TxFrame& frame) {
  if (!is_synchronized(c.state)) {
    return (c.state == TcpState::syn_sent || c.state == TcpState::syn_received) &&
           next_syn(*this, c, limits, frame);
  }
  Flow* f = flow_to_send(*this, c);
  if (f == nullptr && lacks_flow(c)) arm_flow_wait(*this, c);
  if (f != nullptr && f->path_mtu != limits.mtu) refresh_mss(*this, c, *f, limits);
  if (c.has(kProbeNow)) {
    emit_probe(*this, c, limits, frame);
    return true;
  }
  if (f != nullptr) {
    // What SACK has to say does not fit on full segments.
    const bool sack_due =
        c.has(kAckNow) && (f->reassembly != nullptr || f->dsack_start != f->dsack_end);
    if (!sack_due &&
        (next_lost(*this, c, *f, limits, frame) || next_data(*this, c, *f, limits, frame) ||
         next_unproven(*this, c, *f, limits, frame))) {
      return true;
    }
  }
  if (c.has(kAckNow)) {
    emit_ack(*this, c, limits, frame);
    if (f != nullptr) settle(*this, c);
    return true;
  }
  return false;
}

}  // namespace naru::tcp
