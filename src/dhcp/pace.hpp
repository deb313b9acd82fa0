// Pace: how many messages a client sends, whatever servers make of them (RFC 9915 14.1).
#pragma once

#include <algorithm>

#include <naru/time/time.hpp>

namespace naru::dhcp {

class Pace {
 public:
  // One more: twenty at once, and then one a second.
  bool allow(Time now) {
    if (next_ > now + (kMost - 1) * kEach) return false;
    next_ = std::max(next_, now) + kEach;
    return true;
  }

 private:
  static constexpr int kMost = 20;
  static constexpr Duration kEach = 1s;

  Time next_{};  // when all twenty may be sent again
};

}  // namespace naru::dhcp
