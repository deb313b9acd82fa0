// Time as the stack sees it: an argument, never a call.
#pragma once

#include <chrono>
#include <cstdint>

namespace naru {

// A point on the host's monotonic time axis, in nanoseconds. There is no now():
// whoever drives a stack (a real clock in socket/, a virtual one in tests) says
// what time it is.
struct StackClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<StackClock, duration>;
  static constexpr bool is_steady = true;
};

using Duration = StackClock::duration;
using Time = StackClock::time_point;

inline constexpr Time kTimeNever = Time::max();

using namespace std::chrono_literals;

// Nanoseconds since the axis' start.
constexpr std::int64_t nanoseconds(Time t) { return t.time_since_epoch().count(); }
// Milliseconds since the axis' start; wraps with 32 bits (49.7 days).
constexpr std::uint32_t milliseconds32(Time t) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(nanoseconds(t)) / 1'000'000U);
}
constexpr Time time_from_ns(std::int64_t ns) { return Time(Duration(ns)); }

}  // namespace naru
