// What the peer has sent: data and FIN (RFC 9293 3.10.7.4 seventh and eighth).

#include <algorithm>

#include "tcp/input.hpp"
#include "tcp/lifecycle.hpp"
#include "tcp/reset.hpp"
#include "tcp/seq.hpp"
#include "tcp/timers.hpp"
#include "tcp/urgent.hpp"

namespace naru::tcp {
namespace {

void owe_ack(Tcp& t, Connection& c) {
  c.set(kAckNow);
  mark_dirty(t, c);
}

// RFC 9293 3.8.6.3, RFC 5681 4.2: at once for every second full segment, else a
// little later.
void schedule_ack(Tcp& t, Connection& c, Flow& f) {
  const bool quick = f.quick_acks != 0;
  if (quick) --f.quick_acks;
  if (c.rcv.nxt - f.last_ack_sent >= 2 * f.receive_mss) {
    owe_ack(t, c);
  } else if (quick) {
    arm_quick_ack(t, c, f);
  } else {
    arm_delayed_ack(t, c, f);
  }
}

// Were every buffer held by what waits behind holes, what fills the holes could not
// come in; and were every buffer held by what waits to be read, no ACK could.
constexpr unsigned kReserveForHoles = 2;  // a quarter of the buffers
constexpr unsigned kReserveForAcks = 4;   // a sixteenth

void deliver(Tcp& t, Connection& c, Flow& f, Packet* packet) {
  const std::uint32_t length = packet->length;
  c.rcv.nxt += length;
  f.bytes_received += length;
  f.receive.append(*t.packets, packet);
  if (t.trace->on()) {
    trace::Event e = event(t, c, trace::Kind::received);
    e.length = length;
    e.extra = f.receive.size();
    t.trace->emit(e);
  }
}

// Out of order, or filling a hole: RFC 5681 4.2 wants an ACK at once.
bool reassemble(Tcp& t, Connection& c, Flow& f, Packet* packet) {
  Reassembly* r = take_reassembly(t, f);
  if (r == nullptr) {
    t.packets->give_back(packet);
    t.counters->drop(Drop::tcp_no_memory);
    return false;
  }
  if (packet->seq != c.rcv.nxt) t.counters->add(Counter::tcp_out_of_order);
  if (!r->insert(*t.packets, packet, c.rcv.nxt)) t.counters->drop(Drop::tcp_reassembly_full);
  if (r->duplicate.left != r->duplicate.right && f.dsack_start == f.dsack_end) {
    note_duplicate(t, c, r->duplicate.left, r->duplicate.right);
  }
  const std::uint32_t before = c.rcv.nxt;
  for (Packet* p = r->take_ready(c.rcv.nxt); p != nullptr;) {
    Packet* next = p->next;
    deliver(t, c, f, p);
    p = next;
  }
  owe_ack(t, c);
  if (r->count == 0 && !r->fin) drop_reassembly(t, f);
  return c.rcv.nxt != before;
}

void enter_after_fin(Tcp& t, Connection& c) {
  switch (c.state) {
    case TcpState::syn_received:
    case TcpState::established:
      set_state(t, c, TcpState::close_wait);
      break;
    case TcpState::fin_wait_1:
      set_state(t, c, TcpState::closing);
      break;
    default:
      break;
  }
  notify(t, c);
}

}  // namespace

void note_duplicate(Tcp& t, Connection& c, std::uint32_t start, std::uint32_t end) {
  if (!c.has(kSack)) return;
  Flow* f = take_flow(t, c);
  if (f == nullptr) return;
  f->dsack_start = start;
  f->dsack_end = end;
  owe_ack(t, c);
}

Verdict take_data(Tcp& t, Connection& c, Segment& s) {
  if (!can_receive_data(c.state)) return {};
  if (!c.has(kOwned) && c.listener == kNoIndex) {
    // The program has closed: nobody will read this (RFC 9293 3.6.1 SHLD-3).
    t.counters->drop(Drop::tcp_after_close);
    reset_peer(t, c);
    finish(t, c);
    return {Drop::none, true};
  }
  Flow* f = may_keep(t, *s.packet, s.seq == c.rcv.nxt) ? take_flow(t, c) : nullptr;
  if (f == nullptr) {
    t.counters->drop(Drop::tcp_no_memory);
    return {};
  }
  Packet* packet = s.packet;
  s.packet = nullptr;
  packet->seq = s.seq;
  catch_urgent_byte(t, c, *f, s.seq, packet->bytes());
  if (s.seq == c.rcv.nxt && f->reassembly == nullptr) {
    take_in_order(t, c, *f, packet);
  } else if (reassemble(t, c, *f, packet)) {
    notify(t, c);
  }
  return {};
}

bool may_keep(const Tcp& t, const Packet& packet, bool in_order) {
  return !t.packets->is_short_of(packet, in_order ? kReserveForAcks : kReserveForHoles);
}

void take_in_order(Tcp& t, Connection& c, Flow& f, Packet* payload) {
  const std::uint32_t segment = payload->gso_size != 0 ? payload->gso_size : payload->length;
  f.receive_mss = std::max({segment, std::min<std::uint32_t>(c.smss, f.receive_mss)});
  deliver(t, c, f, payload);
  schedule_ack(t, c, f);
  notify(t, c);
}

Verdict take_fin(Tcp& t, Connection& c, const Segment& s) {
  if (!can_receive_data(c.state) || c.has(kFinReceived)) {
    // A FIN that comes again is acknowledged again: check_seq has seen to it.
    return {};
  }
  Flow* f = t.flow_of(c);
  if (s.has(wire::kFin)) {
    const std::uint32_t at = s.seq + s.length;
    if (at != c.rcv.nxt) {  // a hole before it
      f = take_flow(t, c);
      Reassembly* r = f == nullptr ? nullptr : take_reassembly(t, *f);
      if (r != nullptr) {
        r->fin = true;
        r->fin_seq = at;
      }
      owe_ack(t, c);
      return {};
    }
  } else if (f == nullptr || f->reassembly == nullptr || !f->reassembly->fin ||
             f->reassembly->fin_seq != c.rcv.nxt) {
    return {};
  }
  if (f != nullptr) {
    f->ack_at = kTimeNever;
    drop_reassembly(t, *f);
  }
  c.rcv.nxt += 1;
  c.rcv.adv = seq_max(c.rcv.adv, c.rcv.nxt);
  c.set(kFinReceived);
  owe_ack(t, c);
  if (c.state == TcpState::fin_wait_2) {
    enter_time_wait(t, c);
    return {Drop::none, true};
  }
  enter_after_fin(t, c);
  return {};
}

}  // namespace naru::tcp
