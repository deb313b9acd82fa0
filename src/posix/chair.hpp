// Chair: a place to wait, for one call.
#pragma once

#include <utility>

#include "posix/descriptors.hpp"

namespace naru::posix {

// A seat that is given back, also when the thread is cancelled.
struct Chair {
  explicit Chair(Session& s) : session(s) {}
  ~Chair() {
    if (seat.waiter == nullptr) return;
    const Inside inside(session);
    session.give_seat(std::move(seat));
  }
  Chair(const Chair&) = delete;
  Chair& operator=(const Chair&) = delete;

  Session& session;
  session::Seat seat;
};

}  // namespace naru::posix
