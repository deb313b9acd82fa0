// SpinPolicy: how long to look again and again before one sleeps.
//
//   nothing to do ── spin ──────────── sleep ─────── rung
//                    │<- at most budget ->│
//
// To wake a sleeper on another core costs some 20 to 40 us here, so it pays to look
// for about as long, if what one waits for tends to come within that time and nobody
// else needs the core. Without a clock of its own: whoever waits says what time it is.
#pragma once

#include <algorithm>

#include <naru/time/time.hpp>

namespace naru::link {

class SpinPolicy {
 public:
  struct Limits {
    Duration least = 1us;
    Duration most = 50us;
  };

  // `cores`: how many may run at once.
  explicit SpinPolicy(unsigned cores) : SpinPolicy(cores, Limits()) {}
  SpinPolicy(unsigned cores, const Limits& limits)
      : cores_(cores), limits_(limits), budget_(limits.most) {}

  // There is nothing to do: true to look again at once, false to sleep. `runnable`
  // counts who wants a core now, ourselves included; 0: looking never pays.
  bool should_spin(Time now, unsigned runnable) {
    if (!waits_) {
      waits_ = true;
      since_ = now;
    }
    return runnable != 0 && runnable <= cores_ && now - since_ < budget_;
  }
  // There was something to do.
  void on_work() {
    if (waits_) budget_ = std::min(limits_.most, budget_ * 2);
    waits_ = false;
  }
  // Woken from a sleep.
  void on_wake(Time now) {
    if (!waits_) return;
    // It would have been seen, or not for long.
    const bool missed = now - since_ < 2 * limits_.most;
    budget_ = missed ? std::min(limits_.most, budget_ * 2) : std::max(limits_.least, budget_ / 2);
    waits_ = false;
  }

  Duration budget() const { return budget_; }

 private:
  unsigned cores_;
  Limits limits_;
  Duration budget_;
  bool waits_ = false;
  Time since_{};
};

}  // namespace naru::link
