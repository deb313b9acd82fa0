// What the peer has received: acknowledgements, SACK, windows, round trips.

#include <algorithm>

#include "tcp/input.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/reset.hpp"
#include "tcp/seq.hpp"
#include "tcp/timers.hpp"
#include "tcp/window.hpp"

namespace naru::tcp {
namespace {

// Marks what the blocks report; returns how many bytes are news.
std::uint32_t take_sack(Tcp& t, Connection& c, Flow& f, const Segment& s) {
  if (!c.has(kSack) || s.options.sack_count == 0) return 0;
  std::uint32_t news = 0;
  for (const wire::SackBlock& b : s.options.sack()) {
    // Forward, within the flight, and less than 2^31 from it (TCX-021).
    const std::uint32_t flight = c.in_flight();
    const bool valid = b.right - b.left - 1 < flight && b.left - c.snd.una < flight &&
                       b.right - c.snd.una <= flight;
    if (!valid) {
      if (seq_le(b.right, c.snd.una) && seq_lt(b.left, b.right)) {
        t.counters->add(Counter::tcp_spurious);  // a duplicate arrived (RFC 2883)
      } else {
        t.counters->add(Counter::tcp_sack_blocks_ignored);
      }
      continue;
    }
    Scoreboard* board = take_scoreboard(t, f);
    if (board == nullptr) return news;
    news += board->add(b.left, b.right);
  }
  return news;
}

void sample_rtt(Tcp& t, Connection& c, Flow& f, const AckNews& news, AckSample& sample) {
  if (f.timing && seq_ge(news.ack, f.timed_seq)) {
    f.timing = false;
    sample.rtt = std::max<Duration>(t.now - f.timed_at, 1us);
  } else if (news.echo != 0 && c.has(kTimestamps) && c.rtt.backoffs() != 0) {
    // After a retransmission only a timestamp tells which one was acknowledged. An
    // echo from before the last one is no round trip: the segment may have come at
    // once and its ACK have been lost, and then this ACK has waited for our timer.
    const std::chrono::milliseconds rtt(t.timestamp(c.ts_offset) - news.echo);
    if (rtt <= t.now - f.sent_at + 1ms) sample.rtt = std::max<Duration>(rtt, 1ms);
  }
  if (sample.rtt == Duration::zero()) return;
  c.rtt.sample(sample.rtt);
  f.min_rtt.sample(t.now, sample.rtt);
}

void begin_recovery(Tcp& t, Connection& c, Flow& f) {
  t.counters->add(Counter::tcp_fast_retransmits);
  f.congestion.on_congestion(t.now, c.in_flight());
  f.congestion.set_cwnd(f.congestion.ssthresh());
}

// RFC 5681 2: the strict definition, so that window updates and data do not count. Nor
// do the answers to probes of a window that has shrunk to nothing.
bool is_duplicate_ack(const Connection& c, const Segment& s, std::uint32_t old_window) {
  return s.ack == c.snd.una && c.in_flight() != 0 && s.seg_len() == 0 && c.snd.wnd == old_window &&
         c.snd.wnd != 0;
}

void on_loss_news(Tcp& t, Connection& c, Flow& f, bool duplicate) {
  mark_dirty(t, c);
  if (f.recovery.on_duplicate(c.snd.una, c.snd.nxt, c.smss, f.sack, duplicate)) {
    begin_recovery(t, c, f);
  }
}

void tell_space(Tcp& t, Connection& c, const Flow& f) {
  if (!c.has(kWantSpace) || !has_send_space(c, &f)) return;
  c.clear(kWantSpace);
  notify(t, c);
}

AckNews news_of(const Connection& c, const Segment& s) {
  const bool echoes = s.options.timestamps.has_value();
  return {s.seq, s.ack, std::uint32_t{s.window} << c.snd_scale,
          echoes ? s.options.timestamps->echo : 0};
}

}  // namespace

void pursue(Tcp& t, Connection& c, const Flow& f) {
  if (c.snd.nxt - c.snd.una < f.send.size() || (c.has(kFinQueued) && !c.has(kFinSent)) ||
      f.recovery.phase() != Recovery::Phase::open) {
    mark_dirty(t, c);
  }
}

// RFC 9293 3.10.7.4 fifth: a segment older than the last update changes nothing.
void update_window(Tcp& t, Connection& c, Flow* f, const AckNews& news) {
  if (seq_lt(news.ack, c.snd.una)) return;
  if (!seq_lt(c.snd.wl1, news.seq) && !(c.snd.wl1 == news.seq && seq_le(c.snd.wl2, news.ack))) {
    return;
  }
  const bool opened = news.window > c.snd.wnd;
  const bool was_shut = c.snd.wnd == 0;
  c.snd.wnd = news.window;
  c.snd.wl1 = news.seq;
  c.snd.wl2 = news.ack;
  c.snd.max_wnd = std::max(c.snd.max_wnd, news.window);
  if (!opened || f == nullptr) return;
  // The persist timer. If the window shrank onto data in flight, it has only asked for
  // room since, and what fell off the edge comes after one RTO, not after its backoff.
  if ((was_shut || c.in_flight() == 0) && f->retransmit_at != kTimeNever) {
    f->retransmit_at = kTimeNever;
    c.rtt.reset_backoff();
    c.retries = 0;
    if (c.in_flight() != 0) arm_retransmit(t, c, *f);
  }
  pursue(t, c, *f);
}

void advance(Tcp& t, Connection& c, Flow& f, const AckNews& news, std::uint32_t sacked) {
  AckSample sample;
  sample.now = t.now;
  sample.flight_before = c.in_flight();
  sample.acked = news.ack - c.snd.una;
  const std::uint32_t bytes = std::min(sample.acked, f.send.size());  // without the FIN
  f.send.drop_front(t.blocks, bytes);
  f.bytes_acked += bytes;
  c.snd.una = news.ack;
  if (f.sack != nullptr) f.sack->drop_below(c.snd.una);
  sample_rtt(t, c, f, news, sample);
  c.retries = 0;
  c.soft_error = Error::none;
  f.progress_at = t.now;
  t.progressed = &c;
  if (c.has(kUrgentOut) && seq_ge(c.snd.una, f.snd_up)) c.clear(kUrgentOut);

  const bool was_recovering = f.recovery.phase() == Recovery::Phase::recovery;
  if (sacked != 0 && f.recovery.on_duplicate(c.snd.una, c.snd.nxt, c.smss, f.sack, false)) {
    begin_recovery(t, c, f);
  }
  const bool ended = f.recovery.on_advance(c.snd.una, c.snd.nxt, sample.acked, c.smss, f.sack);
  if (ended && was_recovering) {
    f.congestion.on_recovery_exit(t.now);
  } else if (f.recovery.phase() != Recovery::Phase::recovery) {
    sample.srtt = c.rtt.srtt();
    sample.min_rtt = f.min_rtt.get();
    sample.snd_una = c.snd.una;
    sample.snd_nxt = c.snd.nxt;
    sample.cwnd_limited = f.cwnd_limited;
    f.congestion.on_ack(sample);
    grow_send_buffer(t, c, f);
  }
  f.cwnd_limited = false;
  f.retransmit_at = kTimeNever;
  if (c.in_flight() != 0) {
    arm_retransmit(t, c, f);
  } else {
    arm_keep_alive(t, c);  // whose time may have come, and passed, meanwhile
  }
  tell_space(t, c, f);
}

Verdict check_ack(Tcp& t, Connection& c, const Segment& s) {
  if (seq_gt(s.ack, c.snd.nxt)) {
    challenge(t, c);
    return {Drop::tcp_unacceptable_ack};
  }
  if (seq_ge(s.ack, c.snd.una)) return {};
  // RFC 5961 5.2, and never before what was really sent (ghost ACKs).
  const std::uint32_t age = c.snd.una - s.ack;
  if (age > c.snd.max_wnd || age >= c.snd.una - c.snd.iss) {
    challenge(t, c);
    return {Drop::tcp_unacceptable_ack};
  }
  return {};
}

void on_ack(Tcp& t, Connection& c, const Segment& s) {
  if (seq_lt(s.ack, c.snd.una)) return;
  Flow* f = t.flow_of(c);
  const std::uint32_t old_window = c.snd.wnd;
  const AckNews news = news_of(c, s);
  update_window(t, c, f, news);
  if (f == nullptr || (f->is_linked() && c.in_flight() == 0)) {
    c.retries = 0;  // a probe was answered
    return;
  }
  const std::uint32_t sacked = take_sack(t, c, *f, s);
  if (s.ack != c.snd.una) {
    advance(t, c, *f, news, sacked);
  } else {
    if (c.in_flight() == 0 || c.snd.wnd == 0) c.retries = 0;
    const bool duplicate = is_duplicate_ack(c, s, old_window);
    if (duplicate) t.counters->add(Counter::tcp_duplicate_acks_in);
    if (c.has(kSack) ? sacked != 0 : duplicate) on_loss_news(t, c, *f, true);
  }
  pursue(t, c, *f);
}

Verdict on_fin_acked(Tcp& t, Connection& c) {
  if (!c.has(kFinSent) || c.snd.una != c.snd.nxt) return {};
  switch (c.state) {
    case TcpState::fin_wait_1:
      set_state(t, c, TcpState::fin_wait_2);
      if (!c.has(kOwned)) arm_fin_wait_2(t, c);
      return {};
    case TcpState::closing:
      enter_time_wait(t, c);
      return {Drop::none, true};
    case TcpState::last_ack:
      finish(t, c);
      return {Drop::none, true};
    default:
      return {};
  }
}

}  // namespace naru::tcp
