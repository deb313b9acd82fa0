// Doorbell: where whoever drives a stack sleeps until there is something to do.
#pragma once

#include <utility>
#include <vector>

#include <naru/base/result.hpp>
#include <naru/time/time.hpp>

namespace naru {

// Sleeps until a watched descriptor is readable, somebody rings, or it is time.
class Doorbell {
 public:
  // Error of eventfd(2) when descriptors have run out.
  static Result<Doorbell> create();

  Doorbell(Doorbell&& other) noexcept
      : event_(std::exchange(other.event_, -1)), watched_(std::move(other.watched_)) {}
  Doorbell& operator=(Doorbell&& other) noexcept {
    std::swap(event_, other.event_);
    std::swap(watched_, other.watched_);
    return *this;
  }
  ~Doorbell();

  // The descriptor stays the caller's and must outlive the last sleep.
  void watch(int descriptor) { watched_.push_back(descriptor); }
  // Ends a sleep, this one or the next. From any thread.
  void ring() const;
  // kTimeNever: without an end.
  void sleep_until(Time deadline) const;

 private:
  explicit Doorbell(int event) : event_(event) {}

  int event_;
  std::vector<int> watched_;
};

}  // namespace naru
