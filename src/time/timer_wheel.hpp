// A hierarchical timer wheel: O(1) to set and to cancel, and timers are part of
// the objects that they belong to.
//
//   level 0: 64 slots of 1 tick        a timer sits on the level of the highest
//   level 1: 64 slots of 64 ticks      6-bit digit in which its tick differs
//   ...                                from the wheel's; when the wheel reaches
//   level 7                            that slot, it moves to lower levels
//
// A tick is 2^16 ns (65.5 µs); eight levels hold every 64-bit time. Timers fire
// to the nanosecond: a slot says where to look, the deadline says when.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <naru/time/time.hpp>

namespace naru {

struct TimerLinks {
  TimerLinks* next = nullptr;
  TimerLinks* prev = nullptr;
};

// A timer, as a base class of its owner.
struct TimerNode : TimerLinks {
  Time deadline = kTimeNever;

  bool is_armed() const { return next != nullptr; }
};

class TimerWheel {
 public:
  // Arms (or moves) the timer. It fires at the first pop_expired(now >= deadline).
  void arm(TimerNode& timer, Time deadline);
  void cancel(TimerNode& timer);

  // Arms the timer only if it is not going to fire earlier already. A timer may
  // then fire early: its owner looks which of its deadlines is due and arms it
  // again. Moving a deadline later, as every ACK does, so costs nothing.
  void arm_no_later(TimerNode& timer, Time deadline) {
    if (!timer.is_armed() || deadline < timer.deadline) arm(timer, deadline);
  }

  // An empty wheel again, whatever was left of it. The timers that were on it are not
  // touched: they are armed no longer only when their owners have cleared their links.
  void reset(Time now) {
    *this = TimerWheel();
    tick_ = tick_of(now);
  }

  // Takes a timer that is due off the wheel, or returns nullptr when none is.
  TimerNode* pop_expired(Time now);

  // No timer fires before this time; kTimeNever when none is armed. It may be
  // early: by less than a slot of the wheel, or after a cancel() until the next
  // pop_expired(). Kept up to date, so that asking costs nothing.
  Time next_deadline() const { return next_; }

  std::uint32_t armed() const { return armed_; }

 private:
  static constexpr unsigned kTickShift = 16;
  static constexpr unsigned kLevelBits = 6;
  static constexpr unsigned kSlots = 1U << kLevelBits;
  static constexpr unsigned kLevels = 8;
  struct Slot {
    unsigned level;
    unsigned index;
    std::uint64_t tick;  // where the slot begins
  };

  // Times before the axis' start count as its start.
  static std::uint64_t tick_of(Time t) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds(t), 0)) >> kTickShift;
  }
  TimerLinks* head(unsigned level, unsigned slot) { return &heads_[level * kSlots + slot]; }
  void insert(TimerNode& timer);
  void unlink(TimerNode& timer);
  bool first_slot(Slot& out) const;
  Time earliest() const;
  void cascade(const Slot& slot);

  std::uint64_t tick_ = 0;  // the wheel's position: no timer sits in a slot before it
  std::uint32_t armed_ = 0;
  Time next_ = kTimeNever;
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit per slot
  std::array<TimerLinks, kLevels * kSlots> heads_{};
};

}  // namespace naru
