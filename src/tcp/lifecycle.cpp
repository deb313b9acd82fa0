#include "tcp/lifecycle.hpp"

#include <algorithm>

#include "tcp/reset.hpp"

namespace naru::tcp {

trace::Event event(const Tcp& t, const Connection& c, trace::Kind kind) {
  trace::Event e;
  e.at = t.now;
  e.kind = kind;
  e.protocol = Protocol::tcp;
  e.object = t.index_of(c);
  e.local = c.local();
  e.remote = c.remote();
  return e;
}

// --- connections -----------------------------------------------------------

Connection* create_connection(Tcp& t) {
  Connection* c = t.connections.take_raw();
  if (c == nullptr) return nullptr;
  t.change.set(c);
  const std::uint32_t generation = (c->generation + 1) & 0xffffffU;
  *c = Connection();
  c->generation = generation == 0 ? 1 : generation;
  return c;
}

void enter_table(Tcp& t, Connection& c) {
  t.table.insert(t.table.hash(c.local(), c.remote()), t.index_of(c));
  t.ports_in_use.add(c.local_port);
  c.set(kInTable);
}

Found find(Tcp& t, const Endpoint& local, const Endpoint& remote) {
  const auto same = [&](std::uint32_t object) {
    if ((object & Table::kTimeWaitBit) != 0) {
      const TimeWait& w = *t.time_wait.at(object & ~Table::kTimeWaitBit);
      return w.remote_port == remote.port && w.local_port == local.port &&
             w.remote_addr == remote.addr && w.local_addr == local.addr;
    }
    const Connection& c = *t.connections.at(object);
    prefetch(&c);
    return c.remote_port == remote.port && c.local_port == local.port &&
           c.remote_addr == remote.addr && c.local_addr == local.addr;
  };
  const std::uint32_t object = t.table.find(t.table.hash(local, remote), same);
  if (object == kNoIndex) return {};
  if ((object & Table::kTimeWaitBit) == 0) return {t.connections.at(object), nullptr};
  return {nullptr, t.time_wait.at(object & ~Table::kTimeWaitBit)};
}

void set_state(Tcp& t, Connection& c, TcpState state) {
  if (t.trace->on()) {
    trace::Event e = event(t, c, trace::Kind::state);
    e.extra = static_cast<std::uint32_t>(c.state) << 8U | static_cast<std::uint32_t>(state);
    t.trace->emit(e);
  }
  if (state == TcpState::established) t.counters->add(Counter::tcp_established);
  t.orphans -= is_orphan(c) ? 1U : 0U;
  c.state = state;
  t.orphans += is_orphan(c) ? 1U : 0U;
}

void disown(Tcp& t, Connection& c) {
  c.clear(kOwned);
  t.orphans += is_orphan(c) ? 1U : 0U;
}

namespace {

void leave_table(Tcp& t, Connection& c) {
  if (!c.has(kInTable)) return;
  if (t.last_found == &c) t.last_found = nullptr;
  t.table.remove(t.table.hash(c.local(), c.remote()), t.index_of(c));
  t.ports_in_use.remove(c.local_port);
  c.clear(kInTable);
}

// What is left of the connection takes its place.
void leave_table_to(Tcp& t, Connection& c, const TimeWait& record) {
  t.last_found = nullptr;
  const std::uint32_t hash = t.table.hash(c.local(), c.remote());
  t.table.remove(hash, t.index_of(c));
  t.table.insert(hash, t.time_wait.index_of(&record) | Table::kTimeWaitBit);
  c.clear(kInTable);
}

void give_back_flow(Tcp& t, Connection& c, Flow& f) {
  if (f.is_linked()) t.quiet.remove(&f);
  f.send.clear(t.blocks);
  f.receive.clear(*t.packets);
  drop_reassembly(t, f);
  drop_scoreboard(t, f);
  t.flows.give_back(&f);
  c.flow = kNoIndex;
}

// While it is on a list the slot must stay; whoever takes it off gives it back.
void give_back_connection(Tcp& t, Connection& c) {
  if (c.has(kDirty)) return;
  if (c.has(kReadyQueued)) {
    ++t.ready_gone;
    return;
  }
  c.generation = (c.generation + 1) & 0xffffffU;
  t.connections.give_back(&c);
}

}  // namespace

void drop_bind(Tcp& t, Connection& c) {
  if (!c.has(kBound)) return;
  const std::uint32_t index = t.index_of(c);
  std::uint32_t* link = &t.bind_buckets[port_bucket(c.local_port)];
  while (t.binds.at(*link)->connection != index) link = &t.binds.at(*link)->next;
  BindRecord* record = t.binds.at(*link);
  *link = record->next;
  t.binds.give_back(record);
  c.clear(kBound);
}

void finish(Tcp& t, Connection& c) {
  leave_table(t, c);
  // One that waits for accept() stays there: accept() answers it, and recv() tells
  // what became of it (as Linux does).
  if (c.state == TcpState::syn_received) leave_listener(t, c);
  t.wheel.cancel(c);
  if (c.state != TcpState::closed) set_state(t, c, TcpState::closed);
  c.clear(kAckNow | kSynPending | kFinQueued | kProbeNow | kUrgentOut);
  if (Flow* f = t.flow_of(c); f != nullptr) {
    f->send.clear(t.blocks);
    drop_reassembly(t, *f);
    drop_scoreboard(t, *f);
    f->ack_at = f->retransmit_at = f->cork_until = kTimeNever;
  }
  c.snd.una = c.snd.nxt;
  if (!c.has(kOwned) && c.listener == kNoIndex) {
    release(t, c);
    return;
  }
  notify(t, c);
  settle(t, c);
}

void fail(Tcp& t, Connection& c, Error error) {
  if (!is_synchronized(c.state)) {
    t.counters->add(Counter::tcp_failed);
    c.set(kConnectFailed);
  }
  c.error = error;
  finish(t, c);
}

void release(Tcp& t, Connection& c) {
  leave_listener(t, c);
  drop_flow(t, c);
  drop_bind(t, c);
  if (Extra* x = t.extra_of(c); x != nullptr) t.extras.give_back(x);
  c.extra = kNoIndex;
  if (c.has(kOwned)) c.clear(kOwned);
  give_back_connection(t, c);
}

void forget_time_wait(Tcp& t, TimeWait* record) {
  t.table.remove(t.table.hash(record->local(), record->remote()),
                 t.time_wait.index_of(record) | Table::kTimeWaitBit);
  t.ports_in_use.remove(record->local_port);
  t.time_wait.remove(record);
}

void enter_time_wait(Tcp& t, Connection& c) {
  if (c.has(kAckNow)) reply_ack(t, c);  // the record sends none by itself
  const Duration life = t.options->duration(Option::tcp_time_wait);
  const std::uint32_t expires = milliseconds32(t.now + life);
  t.counters->add(Counter::tcp_time_wait);
  set_state(t, c, TcpState::time_wait);
  TimeWait* record = life == Duration::zero() ? nullptr : t.time_wait.add(expires);
  if (record == nullptr && life != Duration::zero() && t.time_wait.size() != 0) {
    t.counters->add(Counter::tcp_time_wait_evicted);
    forget_time_wait(t, t.time_wait.oldest());
    record = t.time_wait.add(expires);
  }
  if (record != nullptr) {
    record->snd_nxt = c.snd.nxt;
    record->rcv_nxt = c.rcv.nxt;
    record->ts_recent = c.has(kTimestamps) ? c.ts_recent : 0;
    record->ts_offset = c.has(kTimestamps) ? c.ts_offset : 0;
    record->local_port = c.local_port;
    record->remote_port = c.remote_port;
    record->local_addr = c.local_addr;
    record->remote_addr = c.remote_addr;
    leave_table_to(t, c, *record);
  }
  if (t.trace->on()) {
    trace::Event e = event(t, c, trace::Kind::time_wait);
    e.extra = static_cast<std::uint32_t>(life / 1ms);
    t.trace->emit(e);
  }
  finish(t, c);
}

// --- flows -------------------------------------------------------------------

namespace {

// cwnd and ssthresh survive in segments; a fresh flow starts from them.
void rest_congestion(Connection& c, const Flow& f) {
  const std::uint32_t smss = std::max<std::uint32_t>(c.smss, 1);
  c.saved_cwnd = static_cast<std::uint16_t>(std::min(f.congestion.cwnd() / smss, 0xffffU));
  c.saved_ssthresh = static_cast<std::uint16_t>(std::min(f.congestion.ssthresh() / smss, 0xffffU));
}

void drop_oldest_flow(Tcp& t) {
  Flow* oldest = t.quiet.front();
  Connection& owner = *t.connections.at(oldest->connection);
  rest_congestion(owner, *oldest);
  give_back_flow(t, owner, *oldest);
  // The next to go has rested for long: its owner is fetched meanwhile.
  if (const Flow* next = t.quiet.front()) prefetch(t.connections.at(next->connection));
}

Flow* take_flow_slot(Tcp& t) {
  if (Flow* f = t.flows.take(); f != nullptr) return f;
  if (t.quiet.empty()) return nullptr;
  drop_oldest_flow(t);
  return t.flows.take();
}

}  // namespace

Flow* take_new_flow(Tcp& t, Connection& c) {
  Flow* f = take_flow_slot(t);
  if (f == nullptr) return nullptr;
  c.flow = t.flows.index_of(f);
  f->connection = t.index_of(c);
  f->last_ack_sent = c.rcv.nxt;
  f->push_seq = f->small_end = c.snd.una;
  f->receive_mss = std::max<std::uint32_t>(c.smss, 1);
  f->read_epoch = f->progress_at = t.now;
  const Extra* x = t.extra_of(c);
  const std::int64_t algorithm = x != nullptr && x->congestion >= 0
                                     ? x->congestion
                                     : t.options->get(Option::tcp_congestion_control);
  f->congestion.start(static_cast<Algorithm>(algorithm), c.smss,
                      t.options->u32(Option::tcp_initial_window));
  if (c.saved_cwnd == 0) {
    f->quick_acks = static_cast<std::uint16_t>(t.options->get(Option::tcp_quick_acks));
  } else {
    const std::uint32_t ssthresh =
        c.saved_ssthresh == 0xffff ? kNoThreshold : std::uint32_t{c.saved_ssthresh} * c.smss;
    f->congestion.restore(std::uint32_t{c.saved_cwnd} * c.smss, ssthresh);
  }
  return f;
}

Flow* flow_to_send(Tcp& t, Connection& c) {
  return c.has(kFinQueued) && !c.has(kFinSent) ? take_flow(t, c) : t.flow_of(c);
}

void drop_flow(Tcp& t, Connection& c) {
  if (Flow* f = t.flow_of(c); f != nullptr) give_back_flow(t, c, *f);
}

void settle(Tcp& t, Connection& c) {
  Flow* f = t.flow_of(c);
  if (f == nullptr || f->is_linked()) return;
  if (!f->send.empty() || c.in_flight() != 0 || !f->receive.empty() || f->reassembly != nullptr ||
      f->ack_at != kTimeNever || c.has(kAckNow) || f->urgent != Urgent::none) {
    return;
  }
  if (c.state == TcpState::closed) {
    give_back_flow(t, c, *f);
    return;
  }
  drop_scoreboard(t, *f);
  f->retransmit_at = f->cork_until = kTimeNever;
  t.quiet.push_back(f);
  if (t.quiet.size() > t.options->u32(Option::tcp_quiet_flows)) drop_oldest_flow(t);
}

Reassembly* take_reassembly(Tcp& t, Flow& f) {
  if (f.reassembly == nullptr) {
    f.reassembly = t.reassemblies.take_raw();
    if (f.reassembly != nullptr) {
      f.reassembly->count = f.reassembly->bytes = f.reassembly->stamp = 0;
      f.reassembly->fin = false;
    }
  }
  return f.reassembly;
}

void drop_reassembly(Tcp& t, Flow& f) {
  if (f.reassembly == nullptr) return;
  f.reassembly->clear(*t.packets);
  t.reassemblies.give_back(f.reassembly);
  f.reassembly = nullptr;
}

Scoreboard* take_scoreboard(Tcp& t, Flow& f) {
  if (f.sack == nullptr) {
    f.sack = t.scoreboards.take_raw();
    if (f.sack != nullptr) f.sack->clear();
  }
  return f.sack;
}

void drop_scoreboard(Tcp& t, Flow& f) {
  if (f.sack == nullptr) return;
  t.scoreboards.give_back(f.sack);
  f.sack = nullptr;
}

Extra* take_extra(Tcp& t, Connection& c) {
  if (c.extra == kNoIndex) {
    Extra* x = t.extras.take();
    if (x != nullptr) c.extra = t.extras.index_of(x);
  }
  return t.extra_of(c);
}

// --- lists -------------------------------------------------------------------

void mark_dirty(Tcp& t, Connection& c) {
  if (c.has(kDirty)) return;
  c.set(kDirty);
  c.dirty_next = kNoIndex;
  const std::uint32_t index = t.index_of(c);
  (t.dirty_head == kNoIndex ? t.dirty_head : t.connections.at(t.dirty_tail)->dirty_next) = index;
  t.dirty_tail = index;
}

Connection* Tcp::first_dirty() {
  while (dirty_head != kNoIndex) {
    Connection* c = connections.at(dirty_head);
    if (c->state != TcpState::closed) return c;
    pop_dirty();
  }
  return nullptr;
}

void Tcp::pop_dirty() {
  Connection& c = *connections.at(dirty_head);
  dirty_head = c.dirty_next;
  c.clear(kDirty);
  const bool awaits_accept = c.listener != kNoIndex;
  if (c.state == TcpState::closed && !c.has(kOwned) && !awaits_accept) {
    give_back_connection(*this, c);
  }
}

void Tcp::rotate_dirty() {
  Connection& c = *connections.at(dirty_head);
  dirty_head = c.dirty_next;
  c.clear(kDirty);
  mark_dirty(*this, c);
}

void notify(Tcp& t, Connection& c) {
  if ((c.flags & (kReadyQueued | kOwned)) != kOwned) return;
  c.set(kReadyQueued);
  c.ready_next = kNoIndex;
  const std::uint32_t index = t.index_of(c);
  (t.ready_head == kNoIndex ? t.ready_head : t.connections.at(t.ready_tail)->ready_next) = index;
  t.ready_tail = index;
  ++t.ready_count;
}

namespace {

// The first of the ready list leaves it; nullptr when no program owns it any more.
Connection* take_ready(Tcp& t) {
  Connection& c = *t.connections.at(t.ready_head);
  t.ready_head = c.ready_next;
  --t.ready_count;
  c.clear(kReadyQueued);
  if (c.has(kOwned)) return &c;
  if (c.state == TcpState::closed && !c.has(kDirty)) {
    --t.ready_gone;
    give_back_connection(t, c);
  }
  return nullptr;
}

}  // namespace

Connection* Tcp::pop_ready() {
  while (ready_head != kNoIndex) {
    if (Connection* c = take_ready(*this); c != nullptr) return c;
  }
  return nullptr;
}

// When half of the list is gone, so that the walk costs each of them one step.
void Tcp::sweep_ready() {
  if (ready_gone * 2 < ready_count) return;
  for (std::uint32_t n = ready_count; n != 0; --n) {
    if (Connection* c = take_ready(*this); c != nullptr) notify(*this, *c);
  }
}

// --- listeners -----------------------------------------------------------------

Listener* listener_of(Tcp& t, const Connection& c) {
  return c.state == TcpState::listen ? t.listeners.at(c.flow) : nullptr;
}

void leave_listener(Tcp& t, Connection& c) {
  if (c.listener == kNoIndex) return;
  Listener& l = *t.listeners.at(c.listener);
  c.listener = kNoIndex;
  if (c.state == TcpState::syn_received) {
    --l.syn_count;
    return;
  }
  const std::uint32_t index = t.index_of(c);
  std::uint32_t before = kNoIndex;
  std::uint32_t at = l.accept_head;
  while (at != index) {
    before = at;
    at = t.connections.at(at)->ready_next;
  }
  (before == kNoIndex ? l.accept_head : t.connections.at(before)->ready_next) = c.ready_next;
  if (l.accept_tail == index) l.accept_tail = before;
  --l.accept_count;
}

}  // namespace naru::tcp
