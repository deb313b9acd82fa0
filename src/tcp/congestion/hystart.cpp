#include "tcp/congestion/hystart.hpp"

#include <algorithm>

#include "tcp/seq.hpp"

namespace naru::tcp {
namespace {

// RFC 9406 4.3.
constexpr std::uint32_t kMinRttThreshUs = 4'000;
constexpr std::uint32_t kMaxRttThreshUs = 16'000;
constexpr std::uint32_t kMinRttDivisor = 8;
constexpr std::uint8_t kRttSamples = 8;
constexpr std::uint32_t kCssGrowthDivisor = 4;
constexpr std::uint8_t kCssRounds = 5;

// Never 0 and never kNone.
std::uint32_t microseconds(Duration rtt) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(rtt / 1us, 1, 1'000'000'000));
}

}  // namespace

void HyStart::begin_round(std::uint32_t snd_nxt) {
  window_end_ = snd_nxt;
  last_round_min_us_ = this_round_min_us_;
  this_round_min_us_ = kNone;
  samples_ = 0;
}

// The tests of RFC 9406 4.2, good from the eighth sample of a round on.
void HyStart::look_at_delay() {
  if (samples_ < kRttSamples) return;
  if (phase_ == Phase::conservative) {
    if (this_round_min_us_ < baseline_min_us_) {  // the rise was a passing one
      baseline_min_us_ = kNone;
      phase_ = Phase::slow_start;
    }
    return;
  }
  if (last_round_min_us_ == kNone) return;
  const std::uint32_t threshold =
      std::clamp(last_round_min_us_ / kMinRttDivisor, kMinRttThreshUs, kMaxRttThreshUs);
  if (this_round_min_us_ >= last_round_min_us_ + threshold) {
    baseline_min_us_ = this_round_min_us_;
    css_rounds_ = 0;
    phase_ = Phase::conservative;
  }
}

// A round that CSS began in the middle of counts as one of its rounds.
void HyStart::end_round(Window& window, std::uint32_t snd_nxt) {
  if (phase_ == Phase::conservative && ++css_rounds_ == kCssRounds) window.ssthresh = window.cwnd;
  begin_round(snd_nxt);
}

std::uint32_t HyStart::on_ack(Window& window, const AckSample& ack, std::uint32_t acked) {
  if (phase_ == Phase::before_first_round) {
    phase_ = Phase::slow_start;
    begin_round(ack.snd_nxt);
  }
  if (ack.rtt > Duration::zero()) {
    this_round_min_us_ = std::min(this_round_min_us_, microseconds(ack.rtt));
    if (samples_ < kRttSamples) ++samples_;
  }
  look_at_delay();
  const std::uint32_t growth = is_conservative() ? acked / kCssGrowthDivisor : acked;
  if (seq_ge(ack.snd_una, window_end_)) end_round(window, ack.snd_nxt);
  return growth;
}

}  // namespace naru::tcp
