// The options of one TCP socket, with Linux's ranges and read-backs.

#include <algorithm>

#include "tcp/defer_accept.hpp"
#include "tcp/emit.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/timers.hpp"
#include "tcp/urgent.hpp"
#include "tcp/user.hpp"

namespace naru::tcp {
namespace {

constexpr std::int64_t kLeastReceive = 2304;  // as Linux, after doubling
constexpr std::int64_t kLeastSend = 4608;
constexpr std::int64_t kMostBuffer = 1'073'741'824;

std::unexpected<Error> invalid() { return std::unexpected(Error::invalid); }

Status set_flag(Tcp& t, Connection& c, Flag flag, bool on) {
  on ? c.set(flag) : c.clear(flag);
  if (flag == kKeepAlive) arm_keep_alive(t, c);
  // What was held back may go now.
  if ((flag == kNoDelay && on) || (flag == kCork && !on)) {
    if (Flow* f = t.flow_of(c); f != nullptr && flag == kCork) {
      c.clear(kMore);
      f->override_sws = c.in_flight() < f->send.size();  // and not the next write
    }
    if (is_synchronized(c.state)) mark_dirty(t, c);
  }
  return {};
}

// An option that lives in Extra.
template <class T>
Status set_extra(Tcp& t, Connection& c, T Extra::*field, std::int64_t value) {
  Extra* x = take_extra(t, c);
  if (x == nullptr) return std::unexpected(Error::no_memory);
  x->*field = static_cast<T>(value);
  return {};
}

bool in(std::int64_t value, std::int64_t low, std::int64_t high) {
  return value >= low && value <= high;
}

Status set_linger(Tcp& t, Connection& c, std::int64_t seconds) {
  seconds < 0 ? c.clear(kLinger) : c.set(kLinger);
  return set_extra(t, c, &Extra::linger_s, std::min<std::int64_t>(seconds, 32'767));
}

Status set_linger2(Tcp& t, Connection& c, std::int64_t seconds) {
  const std::int64_t most = t.options->get(Option::tcp_fin_timeout);
  const std::int64_t ms = seconds < 0 ? kNoFinWait : std::min(seconds * 1000, most);
  return set_extra(t, c, &Extra::fin_timeout_ms, ms);
}

Status set_congestion(Tcp& t, Connection& c, std::int64_t value) {
  if (!in(value, kCongestionNewReno, kCongestionCubic)) return std::unexpected(Error::not_found);
  if (const Status s = set_extra(t, c, &Extra::congestion, value); !s) return s;
  if (Flow* f = t.flow_of(c); f != nullptr) {
    const std::uint32_t cwnd = f->congestion.cwnd();
    const std::uint32_t ssthresh = f->congestion.ssthresh();
    f->congestion.start(static_cast<Algorithm>(value), c.smss,
                        t.options->u32(Option::tcp_initial_window));
    f->congestion.restore(cwnd, ssthresh);
  }
  return {};
}

std::int64_t seconds_or(const Tcp& t, std::uint32_t own_ms, Option option) {
  return (own_ms != 0 ? own_ms : t.options->get(option)) / 1000;
}

std::int64_t readable_bytes(const Tcp& t, const Connection& c) {
  const Flow* f = t.flow_of(c);
  return f == nullptr ? 0 : readable(c, *f);
}

}  // namespace

Status set_option(Tcp& t, Connection& c, SocketOption option, std::int64_t value) {
  using enum SocketOption;
  const bool on = value != 0;
  switch (option) {
    case reuse_address:
      return set_flag(t, c, kReuseAddress, on);
    case reuse_port:
      return set_flag(t, c, kReusePort, on);
    case keep_alive:
      return set_flag(t, c, kKeepAlive, on);
    case oob_inline:
      return set_flag(t, c, kOobInline, on);
    case no_delay:
      return set_flag(t, c, kNoDelay, on);
    case cork:
      return set_flag(t, c, kCork, on);
    case linger:
      return set_linger(t, c, value);
    case linger2:
      return set_linger2(t, c, value);
    case congestion_control:
      return set_congestion(t, c, value);
    case mtu_discover:
      return set_flag(t, c, kNoPathMtu, value == 0);
    case receive_error:
      return set_extra(t, c, &Extra::receive_errors, on);
    case v6_only:
      return set_extra(t, c, &Extra::v6_only, on);
    case defer_accept:
      return set_extra(t, c, &Extra::defer_accept, to_retransmissions(value));
    case broadcast:
    case quick_ack:
    case multicast_ttl:
    case path_mtu:  // IPV6_MTU: segments fit into their path
      return {};
    case send_buffer:
      c.send_buffer = static_cast<std::uint32_t>(std::clamp(value * 2, kLeastSend, kMostBuffer));
      c.set(kFixedSendBuffer);
      return {};
    case receive_buffer:
      c.receive_buffer =
          static_cast<std::uint32_t>(std::clamp(value * 2, kLeastReceive, kMostBuffer));
      c.set(kFixedReceiveBuffer);
      return {};
    case max_segment:
      if (value != 0 && !in(value, 88, 32'767)) return invalid();
      if (Flow* f = t.flow_of(c); f != nullptr) f->path_mtu = 0;
      return set_extra(t, c, &Extra::max_segment, value);
    case keep_idle: {
      if (!in(value, 1, 32'767)) return invalid();
      const Status s = set_extra(t, c, &Extra::keep_idle_ms, value * 1000);
      arm_keep_alive(t, c);
      return s;
    }
    case keep_interval:
      return in(value, 1, 32'767) ? set_extra(t, c, &Extra::keep_interval_ms, value * 1000)
                                  : invalid();
    case keep_count:
      return in(value, 1, 127) ? set_extra(t, c, &Extra::keep_count, value) : invalid();
    case syn_count:
      return in(value, 1, 127) ? set_extra(t, c, &Extra::syn_count, value) : invalid();
    case user_timeout:
      return in(value, 0, 0x7fffffff) ? set_extra(t, c, &Extra::user_timeout_ms, value) : invalid();
    case ttl:
      if (value != -1 && !in(value, 1, 255)) return invalid();
      c.ttl = value == -1 ? 0 : static_cast<std::uint8_t>(value);
      return {};
    case tos:
      c.tos = static_cast<std::uint8_t>(value) & 0xfcU;  // ECN is TCP's own (RFC 3168)
      return {};
    default:
      return std::unexpected(Error::no_protocol_option);
  }
}

Result<std::int64_t> get_option(const Tcp& t, const Connection& c, SocketOption option) {
  using enum SocketOption;
  const Extra* x = t.extra_of(c);
  const Extra none;
  const Extra& e = x == nullptr ? none : *x;
  switch (option) {
    case reuse_address:
      return c.has(kReuseAddress);
    case reuse_port:
      return c.has(kReusePort);
    case keep_alive:
      return c.has(kKeepAlive);
    case oob_inline:
      return c.has(kOobInline);
    case no_delay:
      return c.has(kNoDelay);
    case cork:
      return c.has(kCork);
    case linger:
      return c.has(kLinger) ? e.linger_s : -1;
    case linger2:
      return e.fin_timeout_ms == kNoFinWait
                 ? -1
                 : seconds_or(t, e.fin_timeout_ms, Option::tcp_fin_timeout);
    case congestion_control:
      return e.congestion >= 0 ? e.congestion : t.options->get(Option::tcp_congestion_control);
    case mtu_discover:
      return c.has(kNoPathMtu) ? 0 : 1;
    case send_buffer:
      return c.send_buffer;
    case receive_buffer:
      return c.receive_buffer;
    case max_segment:
      if (e.max_segment == 0) return c.smss;
      return is_synchronized(c.state) ? std::min<std::int64_t>(e.max_segment, c.smss)
                                      : e.max_segment;
    case keep_idle:
      return seconds_or(t, e.keep_idle_ms, Option::tcp_keepalive_idle);
    case keep_interval:
      return seconds_or(t, e.keep_interval_ms, Option::tcp_keepalive_interval);
    case keep_count:
      return e.keep_count != 0 ? e.keep_count : t.options->get(Option::tcp_keepalive_count);
    case syn_count:
      return e.syn_count != 0 ? e.syn_count : t.options->get(Option::tcp_syn_retries);
    case user_timeout:
      return e.user_timeout_ms;
    case ttl:
      return c.ttl != 0 ? c.ttl : t.options->get(Option::ip_default_ttl);
    case tos:
      return c.tos;
    case type:
      return 1;
    case accepting:
      return c.state == TcpState::listen;
    case readable_bytes:
      return tcp::readable_bytes(t, c);
    case unsent_bytes: {
      const Flow* f = t.flow_of(c);
      return f == nullptr ? 0 : f->send.size();
    }
    case at_mark: {
      const Flow* f = t.flow_of(c);
      return f != nullptr && tcp::at_mark(c, *f);
    }
    case receive_error:
      return e.receive_errors;
    case v6_only:
      return e.v6_only;
    case defer_accept:
      return to_seconds(e.defer_accept);
    case broadcast:
    case quick_ack:
      return 0;
    case multicast_ttl:
      return 1;
    default:
      return std::unexpected(Error::no_protocol_option);
  }
}

}  // namespace naru::tcp
