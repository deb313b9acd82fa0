#include "tcp/reset.hpp"

#include "tcp/lifecycle.hpp"
#include "tcp/window.hpp"

namespace naru::tcp {
namespace {

void push(Tcp& t, const Reply& reply) {
  if (!t.replies.push(reply)) {
    t.counters->drop(Drop::tcp_no_memory);
    return;
  }
  if ((reply.flags & wire::kRst) != 0) t.counters->add(Counter::tcp_resets_out);
}

// An ACK with the connection's numbers.
Reply of_connection(const Tcp& t, const Connection& c) {
  Reply reply;
  reply.local = c.local();
  reply.remote = c.remote();
  reply.seq = c.snd.nxt;
  reply.ack = c.rcv.nxt;
  reply.flags = wire::kAck;
  reply.window = current_window(c);
  reply.tos = c.tos;
  reply.ttl = c.ttl;
  if (c.has(kTimestamps)) reply.options.timestamps = {t.timestamp(c.ts_offset), c.ts_recent};
  return reply;
}

}  // namespace

void reply_reset(Tcp& t, const Segment& s) {
  if (s.has(wire::kRst)) return;
  Reply reply;
  reply.local = s.local;
  reply.remote = s.remote;
  reply.tos = s.tos & 0xfcU;
  if (s.has(wire::kAck)) {
    reply.seq = s.ack;
    reply.flags = wire::kRst;
  } else {
    reply.ack = s.seq + s.seg_len();
    reply.flags = wire::kRst | wire::kAck;
  }
  push(t, reply);
}

void reset_peer(Tcp& t, Connection& c) {
  // Where both sides have finished and only our FIN is not yet acknowledged, there
  // is nothing that the peer could still miss (RFC 9293 3.10.5).
  const bool finished = (c.state == TcpState::closing || c.state == TcpState::last_ack) &&
                        c.has(kFinSent) && c.in_flight() <= 1;
  const bool sends = c.state == TcpState::syn_received || is_synchronized(c.state);
  if (!sends || finished || c.state == TcpState::time_wait) return;
  Reply reply = of_connection(t, c);
  reply.flags = wire::kRst | wire::kAck;
  push(t, reply);
}

void reply_ack(Tcp& t, const Connection& c) { push(t, of_connection(t, c)); }

void challenge(Tcp& t, Connection& c) {
  const auto interval = t.options->u32(Option::tcp_challenge_ack_interval);
  const std::uint32_t now = t.now_ms;
  Flow* f = take_flow(t, c);
  if (f == nullptr) return;
  if (f->challenged && now - f->challenged_ms < interval) {
    settle(t, c);
    return;
  }
  f->challenged = true;
  f->challenged_ms = now;
  t.counters->add(Counter::tcp_challenge_acks);
  c.set(kAckNow);
  mark_dirty(t, c);
}

void reply_time_wait_ack(Tcp& t, const TimeWait& w) {
  Reply reply;
  reply.local = w.local();
  reply.remote = w.remote();
  reply.seq = w.snd_nxt;
  reply.ack = w.rcv_nxt;
  reply.flags = wire::kAck;
  if (w.timestamps()) reply.options.timestamps = {t.timestamp(w.ts_offset), w.ts_recent};
  push(t, reply);
}

}  // namespace naru::tcp
