#include "time/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace naru {

void TimerWheel::arm(TimerNode& timer, Time deadline) {
  if (timer.is_armed()) unlink(timer);
  timer.deadline = deadline;
  insert(timer);
  ++armed_;
  next_ = std::min(next_, deadline);
}

void TimerWheel::cancel(TimerNode& timer) {
  if (!timer.is_armed()) return;
  unlink(timer);
  if (armed_ == 0) next_ = kTimeNever;
}

void TimerWheel::insert(TimerNode& timer) {
  const std::uint64_t tick = std::max(tick_of(timer.deadline), tick_);
  const std::uint64_t difference = tick ^ tick_;
  const unsigned level =
      difference == 0 ? 0
                      : (63U - static_cast<unsigned>(std::countl_zero(difference))) / kLevelBits;
  const unsigned slot = (tick >> (level * kLevelBits)) % kSlots;
  TimerLinks* at = head(level, slot);
  if (at->next == nullptr) at->next = at->prev = at;  // fresh arena memory
  timer.next = at;
  timer.prev = at->prev;
  at->prev->next = &timer;
  at->prev = &timer;
  occupied_[level] |= std::uint64_t{1} << slot;
}

void TimerWheel::unlink(TimerNode& timer) {
  if (timer.next == timer.prev) {  // the last of its slot: only the head is left
    const auto slot = static_cast<std::size_t>(timer.next - heads_.data());
    occupied_[slot / kSlots] &= ~(std::uint64_t{1} << (slot % kSlots));
  }
  timer.next->prev = timer.prev;
  timer.prev->next = timer.next;
  timer.next = timer.prev = nullptr;
  --armed_;
}

// The slot that holds the earliest timers: lower levels come before higher ones.
bool TimerWheel::first_slot(Slot& out) const {
  for (unsigned level = 0; level < kLevels; ++level) {
    const unsigned shift = level * kLevelBits;
    const unsigned position = (tick_ >> shift) % kSlots;
    const std::uint64_t ahead = occupied_[level] >> position;
    if (ahead == 0) continue;
    out.level = level;
    out.index = position + static_cast<unsigned>(std::countr_zero(ahead));
    const std::uint64_t above = shift + kLevelBits >= 64 ? 0 : tick_ >> (shift + kLevelBits);
    out.tick = ((above << kLevelBits) + out.index) << shift;
    return true;
  }
  return false;
}

// The wheel has reached this slot: its timers move to lower levels.
void TimerWheel::cascade(const Slot& slot) {
  TimerLinks* at = head(slot.level, slot.index);
  while (at->next != at) {
    auto& timer = static_cast<TimerNode&>(*at->next);
    unlink(timer);
    insert(timer);
    ++armed_;
  }
}

TimerNode* TimerWheel::pop_expired(Time now) {
  if (now < next_) return nullptr;
  const std::uint64_t now_tick = tick_of(now);
  Slot slot{};
  while (armed_ != 0 && first_slot(slot) && slot.tick <= now_tick) {
    tick_ = std::max(tick_, slot.tick);
    if (slot.level != 0) {
      cascade(slot);
      continue;
    }
    TimerLinks* at = head(0, slot.index);
    for (TimerLinks* l = at->next; l != at; l = l->next) {
      auto& timer = static_cast<TimerNode&>(*l);
      if (timer.deadline > now) continue;
      unlink(timer);
      return &timer;
    }
    break;  // the rest of this tick lies ahead of now
  }
  tick_ = std::max(tick_, now_tick);
  next_ = earliest();
  return nullptr;
}

Time TimerWheel::earliest() const {
  Slot slot{};
  if (armed_ == 0 || !first_slot(slot)) return kTimeNever;
  if (slot.level != 0) return time_from_ns(static_cast<std::int64_t>(slot.tick << kTickShift));
  const TimerLinks* at = &heads_[slot.index];
  Time earliest = kTimeNever;
  for (const TimerLinks* l = at->next; l != at; l = l->next) {
    earliest = std::min(earliest, static_cast<const TimerNode&>(*l).deadline);
  }
  return earliest;
}

}  // namespace naru
