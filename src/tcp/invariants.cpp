// Invariants: what must be true of a connection after every event.

#include "tcp/lifecycle.hpp"
#include "tcp/seq.hpp"
#include "tcp/user.hpp"

namespace naru::tcp {
namespace {

void check_sending(const Connection& c, const Flow& f) {
  NARU_CHECK(seq_le(c.snd.una, c.snd.nxt));
  const std::uint32_t fin = c.has(kFinSent) ? 1 : 0;
  NARU_CHECK(c.in_flight() <= f.send.size() + fin);
  NARU_CHECK(!c.has(kFinSent) || c.snd.una == c.snd.nxt || c.in_flight() == f.send.size() + 1);
  NARU_CHECK(f.congestion.cwnd() >= c.smss);
  if (f.sack != nullptr) {
    std::uint32_t sum = 0;
    std::uint32_t before = c.snd.una;
    for (unsigned i = 0; i < f.sack->count; ++i) {
      const Scoreboard::Range& r = f.sack->ranges[i];
      NARU_CHECK(seq_ge(r.start, before) && seq_lt(r.start, r.end) && seq_le(r.end, c.snd.nxt));
      before = r.end;
      sum += r.end - r.start;
    }
    NARU_CHECK(sum == f.sack->sacked);
  }
  if (f.recovery.phase() != Recovery::Phase::open) {
    NARU_CHECK(seq_lt(c.snd.una, f.recovery.recover()));
    NARU_CHECK(seq_le(f.recovery.recover(), c.snd.nxt));
  }
  NARU_CHECK(f.recovery.pipe(c.snd.una, c.snd.nxt, f.sack) <= 2 * c.in_flight());
}

void check_receiving(const Connection& c, const Flow& f) {
  if (f.reassembly == nullptr) return;
  const Reassembly& r = *f.reassembly;
  NARU_CHECK(r.count != 0 || r.fin);
  std::uint32_t before = c.rcv.nxt;
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < r.count; ++i) {
    NARU_CHECK(seq_gt(r.ranges[i].start, before) && seq_lt(r.ranges[i].start, r.ranges[i].end));
    before = r.ranges[i].end;
    sum += r.ranges[i].end - r.ranges[i].start;
    std::uint32_t at = r.ranges[i].start;
    for (const Packet* p = r.ranges[i].head; p != nullptr; p = p->next) {
      NARU_CHECK(p->seq == at && p->length != 0);
      at += p->length;
    }
    NARU_CHECK(at == r.ranges[i].end);
  }
  NARU_CHECK(sum == r.bytes);
  NARU_CHECK(seq_le(before, c.rcv.adv));
}

// TCC-044: which timers may run when.
void check_timers(const Connection& c, const Flow* f) {
  if (c.state == TcpState::closed || c.state == TcpState::listen) {
    NARU_CHECK(!c.is_armed());
    return;
  }
  const bool waits = c.state == TcpState::syn_sent || c.state == TcpState::syn_received;
  if (waits) NARU_CHECK(c.is_armed() || c.has(kSynPending));
  if (f == nullptr || waits) return;
  if (c.in_flight() != 0) NARU_CHECK(f->retransmit_at != kTimeNever || c.has(kDirty));
  for (const Time deadline : {f->retransmit_at, f->ack_at, f->cork_until}) {
    NARU_CHECK(deadline == kTimeNever || (c.is_armed() && c.deadline <= deadline));
  }
}

}  // namespace

void check_invariants(const Tcp& t, const Connection& c) {
  const Flow* f = t.flow_of(c);
  NARU_CHECK((c.state == TcpState::closed || c.state == TcpState::listen) != c.has(kInTable));
  NARU_CHECK(c.state != TcpState::time_wait);
  if (f != nullptr) NARU_CHECK(t.connections.at(f->connection) == &c);
  check_timers(c, f);
  if (!is_synchronized(c.state)) return;
  NARU_CHECK(seq_le(c.rcv.nxt, c.rcv.adv));
  if (f == nullptr) {
    NARU_CHECK(c.snd.una == c.snd.nxt);
    return;
  }
  check_sending(c, *f);
  check_receiving(c, *f);
  NARU_CHECK(!f->is_linked() || (f->send.empty() && f->receive.empty() && c.in_flight() == 0));
}

void check_invariants(const Tcp& t) {
  // for_each hands out mutable objects; nothing is changed here.
  auto& connections = const_cast<Slab<Connection>&>(t.connections);
  std::uint32_t orphans = 0;
  connections.for_each([&](const Connection& c) {
    check_invariants(t, c);
    orphans += is_orphan(c) ? 1U : 0U;
  });
  NARU_CHECK(orphans == t.orphans);
}

}  // namespace naru::tcp
