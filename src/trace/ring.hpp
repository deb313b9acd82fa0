// The event ring of one host, in its arena.
#pragma once

#include <naru/base/arena.hpp>
#include <naru/trace/event.hpp>

namespace naru::trace {

// Keeps the newest events; who reads too late sees how many were lost. When off,
// a trace point costs one predicted branch.
class Ring {
 public:
  [[nodiscard]] bool init(Arena& arena, std::uint32_t capacity) {
    events_ = static_cast<Event*>(arena.take(sizeof(Event) * capacity));
    capacity_ = events_ == nullptr ? 0 : capacity;
    return events_ != nullptr;
  }

  // A hint to the compiler: what is only for the trace stays out of the way.
  bool on() const { return __builtin_expect(static_cast<long>(on_), 0) != 0; }
  void set_on(bool on) { on_ = on && capacity_ != 0; }

  void emit(const Event& event) {
    if (on()) put(event);
  }

  // The oldest unread event, or nullptr. Valid until the next emit.
  const Event* pop() {
    if (tail_ == head_) return nullptr;
    return &events_[tail_++ % capacity_];
  }
  std::uint64_t lost() const { return lost_; }

 private:
  void put(const Event& event) {
    if (head_ - tail_ == capacity_) {
      ++tail_;
      ++lost_;
    }
    events_[head_++ % capacity_] = event;
  }

  bool on_ = false;
  std::uint32_t capacity_ = 0;
  Event* events_ = nullptr;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace naru::trace
