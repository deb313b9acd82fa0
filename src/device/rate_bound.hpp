// RateBound: at most so many a second, and so many at once.
#pragma once

#include <cstdint>

#include <naru/time/time.hpp>

namespace naru::device {

// The generic cell rate algorithm (ITU-T I.371): one time says it all, namely when the
// next would come if all came evenly.
class RateBound {
 public:
  RateBound() = default;
  // Rate 0: no bound.
  RateBound(std::uint32_t rate, std::uint32_t burst)
      : interval_(rate == 0 ? Duration{} : Duration(1s) / rate), tolerance_(interval_ * burst) {}

  bool allow(Time now) {
    if (next_ < now) next_ = now;
    if (next_ + interval_ > now + tolerance_) return false;
    next_ += interval_;
    return true;
  }

 private:
  Duration interval_{};
  Duration tolerance_{};
  Time next_{};
};

}  // namespace naru::device
