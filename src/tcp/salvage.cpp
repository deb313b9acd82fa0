#include "tcp/salvage.hpp"

#include <algorithm>

#include "tcp/lifecycle.hpp"
#include "tcp/reset.hpp"
#include "tcp/timers.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kListFlags = kDirty | kReadyQueued | kInTable;
constexpr std::uint32_t kIntentions = kAckNow | kSynPending | kFinQueued | kProbeNow | kUrgentOut;

// --- who goes on -------------------------------------------------------------------

void forget_lists(Tcp& t) {
  t.dirty_head = t.dirty_tail = t.ready_head = t.ready_tail = kNoIndex;
  t.ready_count = t.ready_gone = t.orphans = 0;
  t.quiet = {};
  t.replies.clear();
  t.progressed = t.last_found = nullptr;
  t.wheel.reset(t.now);
  t.table.clear();
  t.ports_in_use.clear();
  std::fill_n(t.listener_buckets, kPortBuckets, kNoIndex);
  std::fill_n(t.bind_buckets, kPortBuckets, kNoIndex);
}

bool keep_listener(Tcp& t, Connection& c) {
  if (!t.listeners.was_used(c.flow)) return false;
  Listener& l = *t.listeners.at(c.flow);
  if (l.connection != t.index_of(c) || !t.listeners.keep(c.flow)) return false;
  l.syn_count = l.accept_count = 0;
  l.accept_head = l.accept_tail = kNoIndex;
  return true;
}

void salvage_listeners(Tcp& t) {
  t.listeners.forget();
  t.connections.for_each([&](Connection& c) {
    if (c.state != TcpState::listen || keep_listener(t, c)) return;
    c.state = TcpState::closed;  // has not begun to listen, or has just stopped
    c.flow = kNoIndex;
  });
  t.listeners.rebuild();
}

bool is_whole(const Tcp& t, const Connection& c, const Flow& f) {
  if (!f.send.is_whole(t.blocks) || !f.receive.is_whole(*t.packets)) return false;
  if (f.reassembly != nullptr &&
      (t.reassemblies.find(f.reassembly) == kNoIndex || !f.reassembly->is_whole(*t.packets))) {
    return false;
  }
  if (f.sack != nullptr &&
      (t.scoreboards.find(f.sack) == kNoIndex || f.sack->count > Scoreboard::kMaxRanges)) {
    return false;
  }
  return c.in_flight() <= f.send.size() + (c.has(kFinSent) ? 1U : 0U);
}

// A quiet flow that was being taken for another connection is missed by nobody.
bool lacks_its_flow(const Tcp& t, const Connection& c) {
  return c.flow != kNoIndex && c.state != TcpState::listen &&
         (!t.flows.was_used(c.flow) || t.flows.at(c.flow)->connection != t.index_of(c));
}

bool is_sound(const Tcp& t, const Connection& c) {
  if (t.change.is_on(&c) || c.state == TcpState::time_wait) return false;
  const bool is_known = c.has(kOwned) || c.has(kFinQueued) || t.listeners.is_live(c.listener);
  if (!is_known) return false;
  if (const Flow* f = t.flow_of(c); f != nullptr) return is_whole(t, c, *f);
  return !is_synchronized(c.state) || c.in_flight() == 0;
}

// Nobody holds an id of it, or waits to accept it.
bool is_forgotten(const Connection& c) {
  return c.state == TcpState::closed && !c.has(kOwned) && c.listener == kNoIndex;
}

void free_slot(Tcp& t, Connection& c) {
  // Who died while a connection was made may have left no generation; then ids of those
  // that had the slot before are told apart by chance.
  c.generation = (c.generation == 0 ? t.random->next_u32() : c.generation + 1) & 0xffffffU;
  t.connections.give_back(&c);
}

// As fail(), but nothing that the connection refers to is trusted.
void lose(Tcp& t, Connection& c) {
  reset_peer(t, c);
  if (c.remote_port != 0) c.error = Error::reset;
  c.state = TcpState::closed;
  c.flow = kNoIndex;
  c.listener = kNoIndex;
  c.snd.una = c.snd.nxt;
  c.clear(kIntentions);
}

void judge(Tcp& t, Connection& c) {
  if (c.state == TcpState::listen) return;
  if (lacks_its_flow(t, c)) c.flow = kNoIndex;
  if (c.has(kOwned) || !t.listeners.is_live(c.listener)) c.listener = kNoIndex;
  if (!is_sound(t, c)) lose(t, c);
  if (is_forgotten(c)) free_slot(t, c);
}

// --- what they hold ----------------------------------------------------------------

bool keep_flow(Tcp& t, const Connection& c, Flow& f) {
  static_cast<ListHook<QuietTag>&>(f) = {};
  return t.flows.keep(c.flow) && f.send.keep(t.blocks) && f.receive.keep(*t.packets) &&
         (f.sack == nullptr || t.scoreboards.keep(t.scoreboards.index_of(f.sack))) &&
         (f.reassembly == nullptr || (t.reassemblies.keep(t.reassemblies.index_of(f.reassembly)) &&
                                      f.reassembly->keep(*t.packets)));
}

bool keep_what_is_held(Tcp& t) {
  t.flows.forget();
  t.blocks.forget();
  t.scoreboards.forget();
  t.reassemblies.forget();
  t.extras.forget();
  bool is_sole_holder = true;
  t.connections.for_each([&](Connection& c) {
    if (!t.extras.keep(c.extra)) c.extra = kNoIndex;
    if (Flow* f = t.flow_of(c); f != nullptr) is_sole_holder &= keep_flow(t, c, *f);
  });
  t.flows.rebuild();
  t.blocks.rebuild();
  t.scoreboards.rebuild();
  t.reassemblies.rebuild();
  t.extras.rebuild();
  return is_sole_holder;
}

// --- where they are found ------------------------------------------------------------

void hold_port_again(Tcp& t, Connection& c) {
  BindRecord* record = c.local_port == 0 ? nullptr : t.binds.take();
  if (record == nullptr) {
    c.clear(kBound);
    return;
  }
  std::uint32_t& bucket = t.bind_buckets[port_bucket(c.local_port)];
  record->connection = t.index_of(c);
  record->next = bucket;
  bucket = t.binds.index_of(record);
}

void listen_again(Tcp& t, const Connection& c) {
  std::uint32_t& bucket = t.listener_buckets[port_bucket(c.local_port)];
  t.listeners.at(c.flow)->next = bucket;
  bucket = c.flow;
}

// On the SYN queue or the accept queue, in the order of their slots.
void wait_again(Tcp& t, Connection& c) {
  Listener& l = *t.listeners.at(c.listener);
  if (c.state == TcpState::syn_received) {
    ++l.syn_count;
    return;
  }
  const std::uint32_t index = t.index_of(c);
  c.ready_next = kNoIndex;
  (l.accept_head == kNoIndex ? l.accept_head : t.connections.at(l.accept_tail)->ready_next) = index;
  l.accept_tail = index;
  ++l.accept_count;
}

// A timer that was set may be on no list any more, so each fires at once and looks which
// of its deadlines is due. One for a SYN has a single deadline, its own.
void arm_again(Tcp& t, Connection& c) {
  if (is_synchronized(c.state)) {
    t.wheel.arm(c, Time{});
  } else if (c.deadline == kTimeNever) {
    c.set(kSynPending);
  } else {
    t.wheel.arm(c, std::clamp(c.deadline, t.now, t.now + current_rto(t, c)));
  }
}

void go_on(Tcp& t, Connection& c) {
  if (c.has(kBound)) hold_port_again(t, c);
  if (c.listener != kNoIndex) wait_again(t, c);
  if (c.state == TcpState::listen) {
    listen_again(t, c);
  } else if (c.state != TcpState::closed) {
    enter_table(t, c);
    arm_again(t, c);
    mark_dirty(t, c);
    t.orphans += is_orphan(c) ? 1U : 0U;
  }
  settle(t, c);
  notify(t, c);
}

}  // namespace

bool salvage(Tcp& t) {
  forget_lists(t);
  t.connections.rebuild();
  t.connections.for_each([](Connection& c) {
    static_cast<TimerLinks&>(c) = {};
    c.clear(kListFlags);
  });
  salvage_listeners(t);
  t.connections.for_each([&](Connection& c) { judge(t, c); });
  return keep_what_is_held(t);
}

void resume(Tcp& t) {
  t.binds.forget();
  t.binds.rebuild();
  t.connections.for_each([&](Connection& c) {
    const bool is_connection = c.state != TcpState::closed && c.state != TcpState::listen;
    if (is_connection && find(t, c.local(), c.remote())) {  // in the place of another
      drop_flow(t, c);
      lose(t, c);
    }
    is_forgotten(c) ? free_slot(t, c) : go_on(t, c);
  });
  const auto life_ms = static_cast<std::uint32_t>(t.options->duration(Option::tcp_time_wait) / 1ms);
  t.time_wait.rebuild(t.now_ms, life_ms, [&](const TimeWait& w) {
    if (find(t, w.local(), w.remote())) return false;
    t.table.insert(t.table.hash(w.local(), w.remote()),
                   t.time_wait.index_of(&w) | Table::kTimeWaitBit);
    t.ports_in_use.add(w.local_port);
    return true;
  });
  t.change.clear();
}

}  // namespace naru::tcp
