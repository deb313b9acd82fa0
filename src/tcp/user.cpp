#include "tcp/user.hpp"

#include <algorithm>

#include "tcp/isn.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/listen.hpp"
#include "tcp/reset.hpp"
#include "tcp/seq.hpp"
#include "tcp/timers.hpp"
#include "tcp/urgent.hpp"
#include "tcp/window.hpp"

namespace naru::tcp {
namespace {

std::unexpected<Error> no(Error error) { return std::unexpected(error); }

// Are there bytes still to come from the peer?
bool may_receive(const Connection& c) {
  return can_receive_data(c.state) || c.state == TcpState::syn_sent ||
         c.state == TcpState::syn_received;
}

// What recv() answers when there is nothing to give.
Result<std::size_t> nothing_to_read(Connection& c) {
  if (c.error != Error::none) return no(std::exchange(c.error, Error::none));
  if (c.state == TcpState::listen) return no(Error::not_connected);
  if (c.has(kShutReceive) || c.has(kFinReceived)) return 0;
  if (c.state == TcpState::closed) {
    if (c.remote_port == 0) return no(Error::not_connected);
    return 0;  // was connected once
  }
  return may_receive(c) ? Result<std::size_t>(no(Error::would_block)) : Result<std::size_t>(0);
}

}  // namespace

Result<Connection*> open(Tcp& t) {
  Connection* c = create_connection(t);
  if (c == nullptr) return no(Error::no_memory);
  c->set(kOwned);
  c->local_addr = IpAddr::any_v4();
  c->remote_addr = IpAddr::any_v4();
  c->send_buffer = t.options->u32(Option::tcp_send_buffer);
  c->receive_buffer = t.options->u32(Option::tcp_receive_buffer);
  return c;
}

Status bind(Tcp& t, Connection& c, const Endpoint& local) {
  if (c.state != TcpState::closed || c.has(kBound)) return no(Error::invalid);
  if (const Status s = hold_port(t, c, local); !s) return s;
  if (!local.addr.is_any()) c.set(kBoundAddress);
  return {};
}

Status listen(Tcp& t, Connection& c, std::uint32_t backlog) {
  if (c.state != TcpState::closed && c.state != TcpState::listen) return no(Error::invalid);
  if (c.state == TcpState::closed && c.remote_port != 0) return no(Error::invalid);  // as Linux
  const Status s = start_listening(t, c, backlog);
  if (s && t.trace->on()) t.trace->emit(event(t, c, trace::Kind::listen));
  return s;
}

Result<Connection*> accept(Tcp& t, Connection& c) {
  if (c.state != TcpState::listen) return no(Error::invalid);
  Connection* child = accept_next(t, c);
  if (child == nullptr) return no(Error::would_block);
  return child;
}

Status connect(Tcp& t, Connection& c, const Endpoint& remote, const IpAddr& source) {
  switch (c.state) {
    case TcpState::closed:
      break;
    case TcpState::syn_sent:
    case TcpState::syn_received:
      return no(Error::already);
    default:
      return no(Error::is_connected);
  }
  // A failure is told once, and then the socket is free for another attempt; a connection
  // that once was is told of as one that is (as Linux does).
  if (c.has(kConnectFailed)) {
    c.clear(kConnectFailed);
    const Error error = std::exchange(c.error, Error::none);
    c.remote_port = 0;
    return no(error != Error::none ? error : Error::aborted);
  }
  if (c.remote_port != 0) return no(Error::is_connected);
  const IpAddr local = c.has(kBoundAddress) ? c.local_addr : source;
  if (!c.has(kBound)) {
    const auto port = choose_port(t, local, remote);
    if (!port) return no(port.error());
    c.local_port = *port;
    c.set(kAutoPort);
  }
  c.local_addr = local;
  c.remote_addr = remote.addr;
  c.remote_port = remote.port;
  if (c.has(kBound) && find(t, c.local(), remote)) return no(Error::address_not_available);
  drop_flow(t, c);
  // What it was in a former life, an accepted connection perhaps, it is no more.
  c.clear(kFinReceived | kFinSent | kFinQueued | kShutReceive | kPassive);
  c.snd.iss = c.snd.una = initial_sequence(t.isn_key, c.local(), remote, t.now);
  c.snd.nxt = c.snd.iss + 1;
  c.ts_offset = timestamp_offset(t.timestamp_key, c.local_addr, remote.addr);
  c.rcv_scale = t.options->on(Option::tcp_window_scaling) ? window_shift(*t.options) : 0;
  c.rtt = Rtt();
  c.retries = 0;
  c.saved_cwnd = 0;
  c.saved_ssthresh = 0xffff;
  c.soft_error = Error::none;
  c.active_ms = t.now_ms;
  t.counters->add(Counter::tcp_active_opens);
  if (t.trace->on()) t.trace->emit(event(t, c, trace::Kind::connect));
  set_state(t, c, TcpState::syn_sent);
  enter_table(t, c);
  c.set(kSynPending);
  mark_dirty(t, c);
  return no(Error::in_progress);
}

Result<std::size_t> send(Tcp& t, Connection& c, Bytes data, unsigned flags) {
  if (c.error != Error::none) return no(take_error(t, c));
  if (c.state == TcpState::syn_sent || c.state == TcpState::syn_received) {
    if (!c.has(kFinQueued)) return no(Error::would_block);
  }
  if (!can_send_data(c.state) || c.has(kFinQueued)) return no(Error::broken_pipe);
  if (data.empty()) return 0;
  Flow* f = take_flow(t, c);
  if (f == nullptr) return no(Error::no_buffers);
  if (f->send.empty()) f->progress_at = t.now;
  const std::uint32_t space = send_space(c, f);
  const std::size_t taken =
      space == 0 ? 0
                 : f->send.append(t.blocks, data.first(std::min<std::size_t>(data.size(), space)));
  if (taken == 0) {
    c.set(kWantSpace);
    settle(t, c);
    return no(Error::would_block);
  }
  if (!has_send_space(c, f)) c.set(kWantSpace);  // whoever polls learns of space, too
  const std::uint32_t end = c.snd.una + f->send.size();
  f->push_seq = end;
  (flags & msg::kMore) != 0 ? c.set(kMore) : c.clear(kMore);
  if ((flags & msg::kOob) != 0 && taken == data.size()) {
    f->snd_up = end;
    c.set(kUrgentOut);
  }
  mark_dirty(t, c);
  if (t.trace->on()) {
    trace::Event e = event(t, c, trace::Kind::written);
    e.length = static_cast<std::uint32_t>(taken);
    e.extra = f->send.size();
    t.trace->emit(e);
  }
  return taken;
}

Result<std::size_t> recv(Tcp& t, Connection& c, MutableBytes out, unsigned flags) {
  if (c.state == TcpState::listen) return no(Error::not_connected);
  Flow* f = t.flow_of(c);
  if ((flags & msg::kOob) != 0) [[unlikely]]
    return recv_urgent(c, f, out, flags);
  if (f != nullptr && f->urgent != Urgent::none && (flags & msg::kPeek) == 0) [[unlikely]] {
    leave_mark(t, c, *f);
    f = t.flow_of(c);
  }
  const std::uint32_t there = f == nullptr ? 0 : readable(c, *f);
  if (there == 0) return nothing_to_read(c);
  const MutableBytes room = out.first(std::min<std::size_t>(out.size(), there));
  if ((flags & msg::kPeek) != 0) return f->receive.peek(room, hidden(c, *f));
  const std::size_t n = f->receive.read(*t.packets, room);
  if (f->urgent != Urgent::none) [[unlikely]]
    pass_mark(c, *f);
  on_read(t, c, *f, static_cast<std::uint32_t>(n));
  if (t.trace->on()) {
    trace::Event e = event(t, c, trace::Kind::read);
    e.length = static_cast<std::uint32_t>(n);
    e.extra = f->receive.size();
    t.trace->emit(e);
  }
  if (f->receive.empty()) settle(t, c);
  return n;
}

Status shutdown(Tcp& t, Connection& c, Shutdown how) {
  if (c.state == TcpState::listen && how != Shutdown::send) {
    stop_listening(t, c);  // a bound socket again, as in Linux
    notify(t, c);
    return {};
  }
  if (c.state == TcpState::closed) return no(Error::not_connected);
  if (how != Shutdown::send) {
    c.set(kShutReceive);
    notify(t, c);
  }
  if (how == Shutdown::receive || c.has(kFinQueued)) return {};
  switch (c.state) {
    case TcpState::established:
      set_state(t, c, TcpState::fin_wait_1);
      break;
    case TcpState::close_wait:
      set_state(t, c, TcpState::last_ack);
      break;
    case TcpState::syn_sent:
    case TcpState::syn_received:
      break;  // the FIN follows the handshake (RFC 9293 3.10.4)
    default:
      return {};
  }
  c.set(kFinQueued);
  mark_dirty(t, c);
  notify(t, c);
  return {};
}

void abort(Tcp& t, Connection& c) {
  if (c.state == TcpState::listen) stop_listening(t, c);
  if (t.trace->on()) t.trace->emit(event(t, c, trace::Kind::closed));
  reset_peer(t, c);
  disown(t, c);
  finish(t, c);
}

void abort_orphans(Tcp& t) {
  t.connections.for_each([&t](Connection& c) {
    if (!is_orphan(c)) return;
    t.change.set(&c);
    reset_peer(t, c);
    finish(t, c);
  });
}

void disconnect(Tcp& t, Connection& c) {
  if (c.state == TcpState::listen) {
    stop_listening(t, c);
    return;
  }
  const bool was_open = c.state != TcpState::closed;
  if (c.state != TcpState::closed) {
    reset_peer(t, c);
    finish(t, c);
  }
  drop_flow(t, c);
  c.clear(kConnectFailed | kFinReceived | kShutReceive);
  c.remote_addr = IpAddr();
  c.remote_port = 0;
  if (!c.has(kBoundAddress)) {
    c.local_addr = c.local_addr.is_v4() ? IpAddr::any_v4() : IpAddr::any_v6();
  }
  if (c.has(kAutoPort)) {
    drop_bind(t, c);
    c.clear(kAutoPort);
    c.local_port = 0;
  }
  c.error = was_open ? Error::reset : Error::none;
  notify(t, c);
}

void close(Tcp& t, Connection& c) {
  const Extra* x = t.extra_of(c);
  const bool lingers_zero = c.has(kLinger) && x != nullptr && x->linger_s == 0;
  const Flow* f = t.flow_of(c);
  // Unread data would be lost: the peer must know (RFC 9293 3.6.1 SHLD-3).
  const bool unread = f != nullptr && f->receive.size() != 0 && is_synchronized(c.state);
  const bool too_many =
      c.state != TcpState::fin_wait_2 && t.orphans >= t.options->u32(Option::tcp_max_orphans);
  if (lingers_zero || unread || too_many || c.state == TcpState::closed ||
      c.state == TcpState::listen || c.state == TcpState::syn_sent) {
    if (too_many) t.counters->add(Counter::tcp_orphans_reset);
    abort(t, c);
    return;
  }
  if (t.trace->on()) t.trace->emit(event(t, c, trace::Kind::closed));
  const bool lingers = x == nullptr || x->fin_timeout_ms != kNoFinWait;
  (void)shutdown(t, c, Shutdown::send);
  disown(t, c);
  if (c.state == TcpState::fin_wait_2) {
    if (lingers) {
      arm_fin_wait_2(t, c);
    } else {
      finish(t, c);
    }
  }
}

std::uint8_t readiness(const Tcp& t, const Connection& c) {
  if (c.state == TcpState::listen) {
    return t.listeners.at(c.flow)->accept_count != 0 ? ready::kIn : 0;
  }
  const Flow* f = t.flow_of(c);
  std::uint8_t bits = 0;
  const bool receive_done = c.has(kFinReceived) || c.has(kShutReceive);
  const bool was_connected = c.remote_port != 0;
  if (c.state == TcpState::closed) {
    bits |= ready::kOut | ready::kHup;
    if (was_connected) bits |= ready::kIn | ready::kRdHup;
  } else if (c.state != TcpState::syn_sent && c.state != TcpState::syn_received) {
    if (receive_done) bits |= ready::kIn | ready::kRdHup;
    if (receive_done && c.has(kFinQueued)) bits |= ready::kHup;
    if (c.has(kFinQueued) || has_send_space(c, f)) bits |= ready::kOut;
  }
  if (f != nullptr && readable(c, *f) != 0) bits |= ready::kIn;
  if (f != nullptr && is_urgent(c, *f)) bits |= ready::kPri;
  if (c.error != Error::none) bits |= ready::kErr;
  return bits;
}

Error take_error(Tcp&, Connection& c) {
  const Error error = std::exchange(c.error, Error::none);
  return error != Error::none ? error : std::exchange(c.soft_error, Error::none);
}

}  // namespace naru::tcp
