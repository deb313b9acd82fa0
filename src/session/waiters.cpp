// Who wants to know what.

#include <sys/epoll.h>

#include "session/session.hpp"

namespace naru::session {

Waiter* Session::add_waiter() {
  Waiter* waiter = tables().waiters.take();
  if (waiter != nullptr) waiter->holders.set(process_);
  return waiter;
}

void Session::remove_waiter(Waiter& waiter) {
  while (Watch* w = waiter.watches.front()) remove_watch(*w);
  tables().waiters.give_back(&waiter);
}

Watch* Session::add_watch(Waiter& waiter, OpenSocket& socket, std::uint32_t events) {
  Watch* w = tables().watches.take();
  if (w == nullptr) return nullptr;
  w->socket = &socket;
  w->waiter = &waiter;
  w->events = events;
  socket.watches.push_back(w);
  waiter.watches.push_back(w);
  return w;
}

void Session::remove_watch(Watch& watch) {
  OpenSocket& socket = *watch.socket;
  const bool was_told = static_cast<ListHook<IsReady>&>(watch).is_linked();
  const bool was_told_alone = was_told && (watch.events & EPOLLEXCLUSIVE) != 0;
  const bool was_call = !watch.waiter->is_set;
  if (was_told) watch.waiter->ready.remove(&watch);
  watch.waiter->watches.remove(&watch);
  socket.watches.remove(&watch);
  watch.socket = nullptr;
  tables().watches.give_back(&watch);
  if (was_call && socket.is_orphan) release(socket);
  if (!was_told_alone) return;
  // It may have died before it could act: what was its to do is another's now.
  const std::uint32_t now = poll_bits(readiness(socket), !socket.is_tcp());
  tell(socket, now, now);
}

// Those who want to hear of the bits; of those who share a socket exclusively the first
// that sleeps.
void Session::tell(OpenSocket& socket, std::uint32_t now, std::uint32_t edges) {
  bool exclusive_called = false;
  for (Watch* w = socket.watches.front(); w != nullptr; w = socket.watches.next(w)) {
    const std::uint32_t wanted = w->events | EPOLLERR | EPOLLHUP;
    if (w->disarmed || (((w->events & EPOLLET) != 0 ? edges : now) & wanted) == 0) continue;
    if ((w->events & EPOLLEXCLUSIVE) != 0) {
      if (exclusive_called) continue;
      exclusive_called = w->waiter->sleepers != 0;
    }
    make_ready(*w);
  }
}

void Session::make_ready(Watch& watch) {
  Waiter& waiter = *watch.waiter;
  if (!static_cast<ListHook<IsReady>&>(watch).is_linked()) waiter.ready.push_back(&watch);
  call(waiter);
}

void Session::call(Waiter& waiter) {
  if (!waiter.is_set) {
    const std::uint32_t before = waiter.word.exchange(Waiter::kCalled);
    if (before == Waiter::kAsleep) wakes_.add_word(waiter.word, ringer_);
    if (before == Waiter::kAtDoor) knock(waiter);
    if (before == Waiter::kListens) wakes_.add_bell(waiter.bell, ringer_);
    return;
  }
  waiter.word.fetch_add(1);
  if (waiter.nappers != 0) wakes_.add_word(waiter.word, ringer_);
  if (waiter.at_door != 0) knock(waiter);
  if ((waiter.sleepers != 0 || waiter.is_inner) && !waiter.rung) {
    waiter.rung = true;
    wakes_.add_bell(waiter.bell, ringer_);
  }
}

void Session::knock(const Waiter& waiter) {
  if (lan() != nullptr) {
    std::atomic<std::uint32_t>& door = lan()->door(tables().waiters.index_of(&waiter));
    door.fetch_add(1);
    wakes_.add_word(door, ringer_);
    return;
  }
  // The lan was taken down before this process started, so it has no way to the doors.
  header().knocks_wanted = true;
  wakes_.add_bell(header().keeper_bell, ringer_);
}

// A wake too many does no harm.
void Session::call_again(Waiter& waiter) {
  waiter.rung = false;
  const bool was_called = !waiter.is_set && waiter.word.load() == Waiter::kCalled;
  if (was_called && !waiter.watches.empty()) {
    wakes_.add_word(waiter.word, ringer_);
    if (header().port.kind == Port::Kind::lan) knock(waiter);
    if (waiter.bell != 0) wakes_.add_bell(waiter.bell, ringer_);
  }
  call(waiter);
}

// --- seats ------------------------------------------------------------------------------

Seat Session::take_seat() {
  Seat seat;
  if (seats_.empty()) {
    seat.waiter = add_waiter();
  } else {
    seat = std::move(seats_.back());
    seats_.pop_back();
  }
  if (seat.waiter != nullptr) seat.waiter->word.store(Waiter::kAwake);
  return seat;
}

void Session::give_seat(Seat seat) {
  if (seat.waiter == nullptr) return;
  while (Watch* w = seat.waiter->watches.front()) remove_watch(*w);
  seats_.push_back(std::move(seat));
}

int Session::hang_bell(Seat& seat) {
  if (seat.bell.fd() >= 0) return 0;
  seat.waiter->bell = next_bell();
  return seat.bell.open(header().id, seat.waiter->bell);
}

bool Session::has_bell(Seat& seat) {
  if (seat.bell.fd() >= 0) return true;
  const Inside inside(*this);
  return hang_bell(seat) == 0;
}

}  // namespace naru::session
