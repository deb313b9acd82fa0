// Who wants to know what.

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
  if (static_cast<ListHook<IsReady>&>(watch).is_linked()) watch.waiter->ready.remove(&watch);
  watch.waiter->watches.remove(&watch);
  watch.socket->watches.remove(&watch);
  tables().watches.give_back(&watch);
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
    if (before == Waiter::kListens) wakes_.add_bell(waiter.bell, ringer_);
    return;
  }
  waiter.word.fetch_add(1);
  if (waiter.nappers != 0) wakes_.add_word(waiter.word, ringer_);
  if ((waiter.sleepers != 0 || waiter.is_inner) && !waiter.rung) {
    waiter.rung = true;
    wakes_.add_bell(waiter.bell, ringer_);
  }
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

}  // namespace naru::session
