// Batches: a thread that epoll_wait(2), poll(2) or select(2) has given events acts on them
// and then waits again. What it does to the stack meanwhile is carried out together:
//
//   epoll_wait ── recv, writev, sendfile, recv, writev, sendfile ... ── epoll_wait: a turn
//
// The head and the body of an answer become one segment, and the peer is woken once. A
// thread that does not come back keeps nobody waiting for long: the keeper looks in.
#pragma once

#include <algorithm>

#include <naru/time/time.hpp>

namespace naru::session {

// Is this thread acting on events?
class Round {
 public:
  static void set_open(bool is_open) { is_open_ = is_open; }
  static bool is_open() { return is_open_; }

 private:
  static inline thread_local constinit bool is_open_ __attribute__((tls_model("initial-exec"))) =
      false;
};

// In the session's header.
class Batch {
 public:
  // How long output waits at most for more. A device costs a system call for each frame; on
  // a lan the neighbour could be at work on it meanwhile, on its own core.
  static constexpr Duration kLongestAtDevice = 100us;
  static constexpr Duration kLongestOnLan = 20us;

  // May what the calls have caused so far wait for those that follow?
  bool may_wait(Time now, bool has_output, Duration longest) {
    if (credit_ < 0) {
      ++credit_;
      return false;
    }
    if (has_output) since_ = std::min(since_, now);
    return since_ == kTimeNever || now - since_ < longest;
  }
  bool waits() const { return since_ != kTimeNever; }
  // All is carried out. Where that was late more than once in a hundred times, nothing is
  // put off for a while.
  void end(Time now) {
    if (!waits()) return;
    credit_ = now - since_ > kLate ? credit_ - kPrice : std::min(credit_ + 1, kMostCredit);
    since_ = kTimeNever;
  }

 private:
  static constexpr Duration kLate = 1ms;
  static constexpr int kPrice = 100;
  static constexpr int kMostCredit = 1000;

  Time since_ = kTimeNever;  // what waits, has waited
  int credit_ = 0;
};

}  // namespace naru::session
