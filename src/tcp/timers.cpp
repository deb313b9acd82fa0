#include "tcp/timers.hpp"

#include <algorithm>

#include "tcp/defer_accept.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/reset.hpp"

namespace naru::tcp {
namespace {

constexpr Duration kHoldShort = 200ms;  // as Linux
constexpr std::uint8_t kMaxRetries = 255;

// A point on the 32-bit millisecond clock as a Time, from where now is.
Time from_ms(const Tcp& t, std::uint32_t ms) {
  const auto ahead = static_cast<std::int32_t>(ms - t.now_ms);
  const std::int64_t floor_ms = nanoseconds(t.now) / 1'000'000;
  return Time(std::chrono::milliseconds(floor_ms + ahead));
}

std::uint32_t or_option(const Tcp& t, std::uint32_t own, Option option) {
  return own != 0 ? own : t.options->u32(option);
}

Time keep_alive_at(const Tcp& t, const Connection& c) {
  const Extra* x = t.extra_of(c);
  const std::uint32_t idle = or_option(t, x ? x->keep_idle_ms : 0, Option::tcp_keepalive_idle);
  const std::uint32_t interval =
      or_option(t, x ? x->keep_interval_ms : 0, Option::tcp_keepalive_interval);
  return from_ms(t, c.active_ms + idle + c.retries * interval);
}

Time fin_wait_2_at(const Tcp& t, const Connection& c) {
  const Extra* x = t.extra_of(c);
  return from_ms(t, c.active_ms + or_option(t, x ? x->fin_timeout_ms : 0, Option::tcp_fin_timeout));
}

bool ends_in_fin_wait_2(const Connection& c) {
  return c.state == TcpState::fin_wait_2 && !c.has(kOwned);
}
bool keeps_alive(const Connection& c) {
  return c.has(kKeepAlive) && is_synchronized(c.state) && c.in_flight() == 0;
}

// TCP_USER_TIMEOUT: nothing was acknowledged for that long.
bool user_timeout_over(const Tcp& t, const Connection& c, Time waiting_since) {
  const Extra* x = t.extra_of(c);
  return x != nullptr && x->user_timeout_ms != 0 &&
         t.now - waiting_since >= std::chrono::milliseconds(x->user_timeout_ms);
}

// A timer that fires at the end of the program's time at the latest.
Duration within_user_timeout(const Tcp& t, const Connection& c, Time waiting_since,
                             Duration after) {
  const Extra* x = t.extra_of(c);
  if (x == nullptr || x->user_timeout_ms == 0) return after;
  const Duration left = waiting_since + std::chrono::milliseconds(x->user_timeout_ms) - t.now;
  return std::clamp<Duration>(after, 1ms, std::max<Duration>(left, 1ms));
}

void give_up(Tcp& t, Connection& c) {
  fail(t, c, c.soft_error != Error::none ? c.soft_error : Error::timed_out);
}

void count_retry(Connection& c) {
  if (c.retries < kMaxRetries) ++c.retries;
}

void on_syn_timer(Tcp& t, Connection& c) {
  const Extra* x = t.extra_of(c);
  const bool active = c.state == TcpState::syn_sent;
  const std::uint32_t limit = active ? or_option(t, x ? x->syn_count : 0, Option::tcp_syn_retries)
                                     : t.options->u32(Option::tcp_synack_retries);
  // active_ms: when the first SYN was sent.
  const bool lasts = x != nullptr && x->has_deferred && c.retries < x->defer_accept;
  if ((c.retries >= limit && !lasts) || user_timeout_over(t, c, from_ms(t, c.active_ms))) {
    if (c.has(kPassive)) {
      t.counters->add(Counter::tcp_failed);
      finish(t, c);
    } else {
      give_up(t, c);
    }
    return;
  }
  const bool is_quiet = is_deferred(c, x);
  count_retry(c);
  c.rtt.backoff();
  if (is_quiet) {
    t.wheel.arm(c, t.now + current_rto(t, c));
    return;
  }
  t.counters->add(Counter::tcp_timeouts);
  c.set(kSynPending);
  mark_dirty(t, c);
}

// Nothing is in flight and the window is shut, or too small to be worth it.
void on_persist(Tcp& t, Connection& c, Flow& f) {
  t.counters->add(Counter::tcp_zero_window_probes);
  count_retry(c);
  c.rtt.backoff();
  if (c.snd.wnd == 0) {
    c.set(kProbeNow);
    arm_persist(t, c, f);
  } else {
    f.override_sws = true;
  }
  mark_dirty(t, c);
}

std::uint32_t retry_limit(const Tcp& t, const Connection& c) {
  return t.options->u32(c.has(kOwned) ? Option::tcp_retries2 : Option::tcp_orphan_retries);
}

// RFC 6298 5.4-5.7, RFC 6675 5.1.
void on_timeout(Tcp& t, Connection& c, Flow& f) {
  t.counters->add(Counter::tcp_timeouts);
  // A peer that reports its first byte missing and still does not acknowledge it
  // has thrown away what it reported (RFC 2018 8).
  if (f.sack != nullptr &&
      (c.retries != 0 || f.sack->hole_from(c.snd.una, c.snd.nxt).start != c.snd.una)) {
    drop_scoreboard(t, f);
  }
  const std::uint32_t flight = c.in_flight();
  const bool first = f.recovery.on_timeout(c.snd.una, c.snd.nxt);
  f.congestion.on_timeout(t.now, flight, first);
  count_retry(c);
  c.rtt.backoff();
  f.timing = false;
  mark_dirty(t, c);
}

void on_retransmit_timer(Tcp& t, Connection& c, Flow& f) {
  f.retransmit_at = kTimeNever;
  if (c.in_flight() == 0 && f.send.empty() && !c.has(kFinQueued)) return;
  if (c.retries >= retry_limit(t, c) || user_timeout_over(t, c, f.progress_at)) {
    if (!c.has(kOwned)) reset_peer(t, c);
    give_up(t, c);
    return;
  }
  if (c.in_flight() == 0 || c.snd.wnd == 0) {
    on_persist(t, c, f);
  } else {
    on_timeout(t, c, f);
  }
}

// False when the connection is gone.
bool on_keep_alive(Tcp& t, Connection& c) {
  const Extra* x = t.extra_of(c);
  const std::uint32_t most = or_option(t, x ? x->keep_count : 0, Option::tcp_keepalive_count);
  const bool over = x != nullptr && x->user_timeout_ms != 0
                        ? c.retries != 0 && user_timeout_over(t, c, from_ms(t, c.active_ms))
                        : c.retries >= most;
  if (over) {
    reset_peer(t, c);
    give_up(t, c);
    return false;
  }
  count_retry(c);
  t.counters->add(Counter::tcp_keepalive_probes);
  c.set(kProbeNow);
  mark_dirty(t, c);
  return true;
}

// The flow's deadlines that are over. False when the connection is gone.
bool fire_flow(Tcp& t, Connection& c, Flow& f) {
  if (f.ack_at <= t.now) {
    f.ack_at = kTimeNever;
    t.counters->add(Counter::tcp_delayed_acks);
    c.set(kAckNow);
    mark_dirty(t, c);
  }
  if (f.cork_until <= t.now) {
    f.cork_until = kTimeNever;
    f.override_sws = c.in_flight() < f.send.size();  // and not the next write
    mark_dirty(t, c);
  }
  if (f.retransmit_at > t.now) return true;
  const std::uint32_t generation = c.generation;
  on_retransmit_timer(t, c, f);
  return c.generation == generation && c.state != TcpState::closed;
}

void fire(Tcp& t, Connection& c) {
  if (!is_synchronized(c.state)) {
    on_syn_timer(t, c);
    return;
  }
  Time next = kTimeNever;
  if (Flow* f = t.flow_of(c); f != nullptr) {
    if (!fire_flow(t, c, *f)) return;
    next = std::min({f->ack_at, f->cork_until, f->retransmit_at});
  } else if (lacks_flow(c)) {
    mark_dirty(t, c);  // perhaps there is one now
  }
  if (ends_in_fin_wait_2(c)) {
    if (fin_wait_2_at(t, c) <= t.now) {
      finish(t, c);
      return;
    }
    next = std::min(next, fin_wait_2_at(t, c));
  }
  if (keeps_alive(c)) {
    if (keep_alive_at(t, c) <= t.now && !on_keep_alive(t, c)) return;
    next = std::min(next, keep_alive_at(t, c));
  }
  if (next != kTimeNever) t.wheel.arm_no_later(c, next);
}

void set_deadline(Tcp& t, Connection& c, Time& deadline, Duration after) {
  deadline = t.now + after;
  t.wheel.arm_no_later(c, deadline);
}

}  // namespace

RtoLimits rto_limits(const Tcp& t) {
  return {t.options->duration(Option::tcp_initial_rto), t.options->duration(Option::tcp_rto_min),
          t.options->duration(Option::tcp_rto_max)};
}

Duration current_rto(const Tcp& t, const Connection& c) { return c.rtt.rto(rto_limits(t)); }

void arm_syn(Tcp& t, Connection& c) {
  const Time first_sent = from_ms(t, c.active_ms);
  t.wheel.arm(c, t.now + within_user_timeout(t, c, first_sent, current_rto(t, c)));
}

void arm_retransmit(Tcp& t, Connection& c, Flow& f) {
  const Duration after = within_user_timeout(t, c, f.progress_at, current_rto(t, c));
  set_deadline(t, c, f.retransmit_at, after);
}

void arm_persist(Tcp& t, Connection& c, Flow& f) {
  if (f.retransmit_at == kTimeNever) arm_retransmit(t, c, f);
}

void arm_delayed_ack(Tcp& t, Connection& c, Flow& f) {
  if (f.ack_at != kTimeNever) return;
  set_deadline(t, c, f.ack_at, t.options->duration(Option::tcp_delayed_ack_min));
}

void arm_quick_ack(Tcp& t, Connection& c, Flow& f) {
  set_deadline(t, c, f.ack_at, Duration::zero());
}

void hold_short(Tcp& t, Connection& c, Flow& f) {
  if (f.cork_until == kTimeNever) set_deadline(t, c, f.cork_until, kHoldShort);
}

void arm_keep_alive(Tcp& t, Connection& c) {
  if (keeps_alive(c)) t.wheel.arm_no_later(c, std::max(keep_alive_at(t, c), t.now));
}

bool lacks_flow(const Connection& c) {
  return c.flow == kNoIndex && c.has(kFinQueued) && !c.has(kFinSent);
}

void arm_flow_wait(Tcp& t, Connection& c) { t.wheel.arm_no_later(c, t.now + current_rto(t, c)); }

void arm_fin_wait_2(Tcp& t, Connection& c) {
  c.active_ms = t.now_ms;
  t.wheel.arm_no_later(c, fin_wait_2_at(t, c));
}

void Tcp::on_timer() {
  while (TimerNode* timer = wheel.pop_expired(now)) {
    change.set(static_cast<Connection*>(timer));
    fire(*this, static_cast<Connection&>(*timer));
  }
  const std::uint32_t ms = now_ms;
  for (TimeWait* w = time_wait.oldest();
       w != nullptr && static_cast<std::int32_t>(ms - w->expires_ms) >= 0; w = time_wait.oldest()) {
    if (trace->on()) {
      trace::Event e;
      e.at = now;
      e.kind = trace::Kind::time_wait_end;
      e.protocol = Protocol::tcp;
      e.local = w->local();
      e.remote = w->remote();
      trace->emit(e);
    }
    forget_time_wait(*this, w);
  }
}

Time Tcp::next_deadline() const {
  Time next = wheel.next_deadline();
  if (const TimeWait* w = time_wait.oldest(); w != nullptr) {
    next = std::min(next, from_ms(*this, w->expires_ms));
  }
  return next;
}

}  // namespace naru::tcp
