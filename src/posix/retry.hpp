// The loop of every call that may wait.
#pragma once

#include <cerrno>
#include <utility>

#include <naru/socket/clock.hpp>

#include "posix/chair.hpp"
#include "posix/sockets.hpp"
#include "session/deferral.hpp"

namespace naru::posix {

template <class Attempt>
long Sockets::retry(int fd, Patience& patience, const Attempt& attempt) {
  Session& s = session();
  Chair chair(s);
  session::Seat& seat = chair.seat;
  std::uint32_t index = kNoIndex;
  std::uint64_t serial = 0;
  session::Deferral::forget_interruption();
  for (;;) {
    s.enter();
    // Who has waited goes on with what the number meant then: another thread may have closed
    // it meanwhile, and it may mean another socket.
    OpenSocket* o = serial == 0 ? fds_.socket(fd) : s.socket_at(index);
    const bool is_same = o != nullptr && (serial == 0 || serial == o->serial);
    long answer = is_same ? attempt(*o, patience) : -EBADF;
    if (answer == -EAGAIN && s.cable() != nullptr) {
      s.turn();  // takes in the frames that wait
      answer = attempt(*o, patience);
    }
    if (answer == -EAGAIN && patience.waits) {
      index = s.index_of(*o);
      serial = o->serial;
      if (seat.waiter == nullptr) {
        seat = s.take_seat();
        if (seat.waiter != nullptr) s.add_watch(*seat.waiter, *o, patience.events);
      }
      if (seat.waiter != nullptr && monotonic_now() < patience.deadline) {
        seat.waiter->word.store(session::Waiter::kAwake);
        s.leave(session::Leaving::to_wait);
        // A handler may have run when we left.
        answer = session::Deferral::was_interrupted()
                     ? -EINTR
                     : session::sleep_in(s, seat, patience.deadline);
        if (answer != -EINTR) continue;
        s.enter();
      }
    }
    s.give_seat(std::exchange(seat, {}));
    s.leave();
    return answer;
  }
}

}  // namespace naru::posix
