#include "tcp/rtt.hpp"

#include <algorithm>

namespace naru::tcp {
namespace {

constexpr std::int64_t kMaxSampleUs = 60'000'000;
constexpr Duration kAfterLostSyn = 3s;

}  // namespace

// RFC 6298 2.2 and 2.3. In eighths and quarters the divisions by 8 and by 4 need
// no rounding: SRTT = 7/8 SRTT + 1/8 R reads 8 SRTT += R - SRTT.
void Rtt::sample(Duration rtt, std::uint32_t samples_per_window) {
  if (rtt < Duration::zero()) return;
  const std::int64_t r = std::clamp<std::int64_t>(rtt / 1us, 1, kMaxSampleUs);
  backoffs_ = 0;
  if (!has_sample()) {
    srtt8_us_ = static_cast<std::uint32_t>(8 * r);
    rttvar4_us_ = static_cast<std::uint32_t>(2 * r);
    return;
  }
  const std::int64_t n = std::max<std::uint32_t>(samples_per_window, 1);
  const std::int64_t error8 = 8 * r - srtt8_us_;
  const std::int64_t deviation4 = (error8 < 0 ? -error8 : error8) / 2;
  rttvar4_us_ += static_cast<std::int32_t>((deviation4 - rttvar4_us_) / (4 * n));
  srtt8_us_ += static_cast<std::int32_t>(error8 / (8 * n));
  srtt8_us_ = std::max(srtt8_us_, 8U);
}

Duration Rtt::rto(const RtoLimits& limits) const {
  Duration rto = syn_lost_ ? std::max(limits.initial, kAfterLostSyn) : limits.initial;
  if (has_sample()) {
    rto = srtt() + std::max<Duration>(limits.min, std::chrono::microseconds(rttvar4_us_));
  }
  // Half of max is doubled at most once more, so nothing overflows.
  for (unsigned i = 0; i < backoffs_ && rto < limits.max; ++i) rto *= 2;
  return std::min(rto, limits.max);
}

}  // namespace naru::tcp
