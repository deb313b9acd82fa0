// The smallest round-trip time of the last five minutes.
#pragma once

#include <array>
#include <cstdint>

#include <naru/time/time.hpp>

namespace naru::tcp {

// The windowed minimum of Kathleen Nichols (as in BBR and Linux): the best three
// samples, each later and larger than the one before, so that a successor is at
// hand when the best grows too old. Seconds are exact enough for its clock and
// do not wrap.
class MinRtt {
 public:
  void sample(Time now, Duration rtt);
  bool has_sample() const { return best_[0].rtt_us != kNone; }
  // Zero before the first sample.
  Duration get() const {
    return has_sample() ? std::chrono::microseconds(best_[0].rtt_us) : Duration::zero();
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffffU;
  static constexpr std::uint32_t kWindowSeconds = 300;
  struct Sample {
    std::uint32_t second = 0;
    std::uint32_t rtt_us = kNone;
  };

  std::array<Sample, 3> best_;
};

}  // namespace naru::tcp
