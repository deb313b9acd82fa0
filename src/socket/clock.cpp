#include <time.h>

#include <naru/socket/clock.hpp>

namespace naru {
namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

}  // namespace

Time monotonic_now() { return time_from_ns(read_clock(CLOCK_MONOTONIC)); }

Duration wall_clock_offset() {
  return Duration(read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC));
}

}  // namespace naru
