// Sleeping until somebody calls.
#pragma once

#include <algorithm>
#include <atomic>
#include <csignal>
#include <poll.h>
#include <span>

#include <naru/socket/clock.hpp>
#include <naru/time/time.hpp>

#include "session/session.hpp"

namespace naru::session {

// Cores that this process may use.
int cores();
// The processor's hint that a loop only waits.
void relax();

// Spins while `word` is `idle`, for as long as a wake-up from sleep would take, where
// a core is free for it. True when the word has changed. How long depends on how well
// it went lately: a machine that is busy with others has no core to spare.
bool spin(Session& session, const std::atomic<std::uint32_t>& word, std::uint32_t idle);

// Counts a sleeper as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::uint32_t>& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<std::uint32_t>& count_;
};

// Until the word is not `idle` any more. 0, -EINTR or -ETIMEDOUT. A signal handler
// with SA_RESTART ends a sleep without a deadline no more than it ends read(2). Here and in
// all that sleeps by it also when the thread is cancelled: see cancellable.hpp.
int sleep_on_word(std::atomic<std::uint32_t>& word, std::uint32_t idle, Time deadline);

// At the waiter's door, until somebody of the session or a frame knocks there, unless the
// waiter's word has another value. For processes on a lan.
int sleep_at_door(Session& session, Waiter& waiter, std::uint32_t idle, Time deadline);

// Until the waiter of this seat is called.
int sleep_in(Session& session, Seat& seat, Time deadline);

// A deadline that never comes, but makes the sleep one with a timeout, which the kernel
// does not go on with after a signal's handler, as poll(2) and its kind must not.
inline Time never_restarted(Time deadline) { return std::min(deadline, monotonic_now() + 1000h); }

// What is left of the time, for a call that takes a timespec; null: for ever.
struct Remaining {
  explicit Remaining(Time deadline);
  timespec* pointer() { return is_bounded_ ? &left_ : nullptr; }
  bool is_over() const { return is_bounded_ && left_.tv_sec == 0 && left_.tv_nsec == 0; }

 private:
  bool is_bounded_;
  timespec left_{};
};

}  // namespace naru::session
