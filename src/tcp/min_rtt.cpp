#include "tcp/min_rtt.hpp"

#include <algorithm>

namespace naru::tcp {

void MinRtt::sample(Time now, Duration rtt) {
  if (rtt < Duration::zero()) return;
  const Sample s{
      static_cast<std::uint32_t>(nanoseconds(now) / 1'000'000'000),
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(rtt / 1us, 1, kNone - 1)),
  };
  auto& [best, second, third] = best_;
  if (s.rtt_us <= best.rtt_us || s.second - third.second > kWindowSeconds) {
    best_ = {s, s, s};
    return;
  }
  if (s.rtt_us <= second.rtt_us) {
    second = third = s;
  } else if (s.rtt_us <= third.rtt_us) {
    third = s;
  }
  const std::uint32_t age = s.second - best.second;
  if (age > kWindowSeconds) {  // the successors move up
    best = second;
    second = third;
    third = s;
    if (s.second - best.second > kWindowSeconds) {
      best = second;
      second = third;
    }
  } else if (second.second == best.second && age > kWindowSeconds / 4) {
    second = third = s;  // a successor as old as the best is of no use
  } else if (third.second == second.second && age > kWindowSeconds / 2) {
    third = s;
  }
}

}  // namespace naru::tcp
