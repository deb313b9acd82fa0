#include "ip/neighbour/neighbour.hpp"

#include "ip/neighbour/arp.hpp"
#include "wire/ethernet.hpp"

namespace naru::ip {
namespace {

constexpr Duration kDelayFirstProbe = 5s;  // RFC 4861 10: DELAY_FIRST_PROBE_TIME

}  // namespace

bool NeighbourTable::init(Arena& arena, Context& context, InterfaceTable& interfaces) {
  context_ = &context;
  interfaces_ = &interfaces;
  const std::uint32_t capacity = context.options->u32(Option::max_neighbours);
  return neighbours_.init(arena, capacity) && table_.init(arena, neighbours_, capacity);
}

Neighbour* NeighbourTable::find(std::uint8_t interface, const IpAddr& addr) const {
  return table_.find(hash(interface, addr), [&](const Neighbour& n) {
    return n.addr == addr && n.interface == interface;
  });
}

Neighbour* NeighbourTable::find_or_add(std::uint8_t interface, const IpAddr& addr, Time now) {
  if (Neighbour* known = find(interface, addr)) return known;
  const bool half_unproven = unproven_.size() >= neighbours_.capacity() / 2;
  Neighbour* n = half_unproven ? nullptr : neighbours_.take();
  if (n == nullptr) n = evict(now);
  if (n == nullptr) return nullptr;
  n->addr = addr;
  n->interface = interface;
  bump(*n);
  table_.insert(hash(interface, addr), n);
  unproven_.push_back(n);
  return n;
}

// An empty entry in place of the oldest unproven one, or else of the one whose last
// answer is the oldest.
Neighbour* NeighbourTable::evict(Time now) {
  Neighbour* victim = unproven_.empty() ? proven_.front() : unproven_.front();
  if (victim == nullptr) return nullptr;
  context_->counters->drop(Drop::neighbour_table_full);
  remove(*victim, now);
  return neighbours_.take();
}

void NeighbourTable::remove(Neighbour& n, Time now) {
  drop_waiting(n, Drop::arp_queue_full, now);
  context_->wheel.cancel(n);
  if (n.state != NeighbourState::permanent) list_of(n).remove(&n);
  table_.remove(hash(n.interface, n.addr), &n);
  n.version = 0;
  n.fresh_until = Time::min();
  neighbours_.give_back(&n);
}

void NeighbourTable::drop_waiting(Neighbour& n, Drop reason, Time now) {
  while (Packet* packet = n.waiting.pop_front()) {
    --waiting_;
    context_->drop(packet, reason, now);
  }
}

// The newest is at the back of its list.
void NeighbourTable::set_proven(Neighbour& n, bool proven) {
  list_of(n).remove(&n);
  n.proven = proven;
  list_of(n).push_back(&n);
}

void NeighbourTable::ask(Neighbour& n, Time now) {
  n.last_asked = now;
  ++n.attempts;
  if (n.addr.is_v4()) {
    ask_by_arp(n, now);
  } else {
    solicit(n, now);
  }
  context_->wheel.arm(n, now + retransmit_time(n));
}

Duration NeighbourTable::retransmit_time(const Neighbour& n) const {
  return n.addr.is_v6() ? interfaces_->retransmit_time(n.interface)
                        : context_->options->duration(Option::arp_retransmit_interval);
}

Duration NeighbourTable::reachable_time(const Neighbour& n) const {
  return n.addr.is_v6() ? interfaces_->reachable_time(n.interface)
                        : context_->options->duration(Option::arp_reachable_time);
}

// Broadcast while nothing is known, unicast to check what is (RFC 1122 2.3.2.1).
void NeighbourTable::ask_by_arp(const Neighbour& n, Time now) {
  const Interface& interface = interfaces_->at(n.interface);
  const Address* source = interfaces_->select_source(n.interface, n.addr);
  // From and about link-local addresses everything is broadcast (RFC 3927 2.5).
  const bool unicast = n.has_mac() && n.attempts == 1 && !n.addr.is_link_local();
  send_arp(*context_, interface, n.interface, unicast ? n.mac : MacAddr::broadcast(),
           {.op = wire::Arp::kRequest,
            .sha = interface.mac,
            .spa = source == nullptr ? IpAddr::any_v4() : source->addr,
            .tha = {},
            .tpa = n.addr},
           now);
}

// At most one request in the interval, also over several rounds of asking.
void NeighbourTable::ask_soon(Neighbour& n, Time now) {
  const Duration interval = retransmit_time(n);
  if (n.last_asked == Time::min() || now - n.last_asked >= interval) {
    ask(n, now);
  } else {
    context_->wheel.arm(n, n.last_asked + interval);
  }
}

void NeighbourTable::start_probing(Neighbour& n, Time now) {
  n.state = NeighbourState::probing;
  n.attempts = 0;
  n.fresh_until = kTimeNever;
  // RFC 4861 7.3.3: an answer from above may make the question needless.
  if (n.addr.is_v6()) {
    context_->wheel.arm(n, now + kDelayFirstProbe);
  } else {
    ask_soon(n, now);
  }
}

bool NeighbourTable::use(Neighbour& n, Time now) {
  switch (n.state) {
    case NeighbourState::reachable:
      if (now < n.fresh_until) return true;
      [[fallthrough]];
    case NeighbourState::stale:
      if (now - n.confirmed < kMaxAge) {
        start_probing(n, now);
        return true;
      }
      n.state = NeighbourState::incomplete;
      bump(n);
      n.attempts = 0;
      ask_soon(n, now);
      return false;
    case NeighbourState::probing:
    case NeighbourState::permanent:
      return true;
    case NeighbourState::failed:
      n.state = NeighbourState::incomplete;
      n.attempts = 0;
      ask_soon(n, now);
      return false;
    case NeighbourState::incomplete:
      if (!n.is_armed()) ask_soon(n, now);
      return false;
  }
  return false;
}

void NeighbourTable::hold(Neighbour& n, Packet* frame, Time now) {
  if (waiting_ >= kMaxWaiting && n.waiting.empty()) {
    context_->drop(frame, Drop::arp_queue_full, now);
    return;
  }
  const std::uint32_t longest = context_->options->u32(Option::arp_queue_length);
  if (waiting_ >= kMaxWaiting || n.waiting.size() >= longest) {
    context_->drop(n.waiting.pop_front(), Drop::arp_queue_full, now);
    --waiting_;
  }
  n.waiting.push_back(frame);
  ++waiting_;
}

void NeighbourTable::become_reachable(Neighbour& n, Time now) {
  set_proven(n, true);
  n.state = NeighbourState::reachable;
  context_->wheel.cancel(n);
  n.attempts = 0;
  n.confirmed = now;
  n.reachable_time = reachable_time(n);
  n.fresh_until = now + n.reachable_time;
}

void NeighbourTable::on_answer(Neighbour& n, const MacAddr& mac, bool asked, Time now) {
  if (n.state == NeighbourState::permanent) {
    if (mac != n.mac) context_->counters->drop(Drop::arp_conflict);
    return;
  }
  set_mac(n, mac);
  if (asked || n.proven || !n.waiting.empty()) {
    become_reachable(n, now);
  } else {
    n.state = NeighbourState::stale;
    n.fresh_until = Time::min();
    n.confirmed = now;
    context_->wheel.cancel(n);
  }
  on_resolved(n, now);
}

void NeighbourTable::set_mac(Neighbour& n, const MacAddr& mac) {
  if (n.has_mac() && n.mac != mac) context_->counters->add(Counter::arp_changes);
  if (!n.has_mac() || n.mac != mac) bump(n);
  n.mac = mac;
}

// What waits for it may go.
void NeighbourTable::on_resolved(Neighbour& n, Time now) {
  context_->trace->emit({.at = now,
                         .kind = trace::Kind::neighbour_answered,
                         .interface = n.interface,
                         .mac = n.mac,
                         .remote = {.addr = n.addr, .port = 0}});
  while (Packet* packet = n.waiting.pop_front()) {
    --waiting_;
    packet->interface = n.interface;
    wire::store_mac(packet->data, n.mac);
    context_->send(packet, now);
  }
}

// Taking the word of anybody for it would let anybody redirect our packets; asking
// costs one request and finds a real move at once.
void NeighbourTable::on_rumour(Neighbour& n, const MacAddr& mac, Time now) {
  if (!n.has_mac() || n.state == NeighbourState::permanent || n.mac == mac) return;
  n.state = NeighbourState::probing;
  n.fresh_until = kTimeNever;
  n.attempts = 1;  // the next request is a broadcast
  ask_soon(n, now);
}

void NeighbourTable::set_permanent(Neighbour& n, const MacAddr& mac, Time now) {
  if (n.state != NeighbourState::permanent) {
    on_answer(n, mac, false, now);
    list_of(n).remove(&n);
  }
  context_->wheel.cancel(n);
  n.state = NeighbourState::permanent;
  n.mac = mac;
  n.fresh_until = kTimeNever;
  bump(n);
}

void NeighbourTable::doubt(Neighbour& n) {
  if (n.state != NeighbourState::reachable) return;
  n.state = NeighbourState::stale;
  n.fresh_until = Time::min();
}

void NeighbourTable::flush(std::uint8_t interface, Time now) {
  neighbours_.for_each([&](Neighbour& n) {
    if (n.interface == interface && n.state != NeighbourState::permanent) remove(n, now);
  });
}

void NeighbourTable::forget() {
  neighbours_.rebuild();
  table_.clear();
  proven_ = {};
  unproven_ = {};
  waiting_ = 0;
  neighbours_.for_each([&](Neighbour& n) {
    static_cast<TimerLinks&>(n) = {};
    static_cast<ListHook<NeighbourOrder>&>(n) = {};
    n.waiting = {};
    if (n.state == NeighbourState::permanent) {
      table_.insert(hash(n.interface, n.addr), &n);
      return;
    }
    n.version = 0;
    n.fresh_until = Time::min();
    neighbours_.give_back(&n);
  });
}

PacketQueue NeighbourTable::on_timer(Neighbour& n, Time now) {
  if (n.state != NeighbourState::incomplete && n.state != NeighbourState::probing) return {};
  if (n.attempts < context_->options->u32(Option::arp_attempts)) {
    ask(n, now);
    return {};
  }
  n.state = NeighbourState::failed;
  set_proven(n, false);
  bump(n);
  if (n.is_gateway) ++gateway_failures_;
  PacketQueue undeliverable = n.waiting;
  waiting_ -= undeliverable.size();
  n.waiting = {};
  return undeliverable;
}

}  // namespace naru::ip
