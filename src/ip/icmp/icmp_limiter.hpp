// How many ICMP errors we send (RFC 1812 4.3.2.8).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "ip/context.hpp"

namespace naru::ip {

// Token buckets: one for the host, and one for each class of destinations, so that a
// flood from one place does not silence us to all others. What is left in the host's
// bucket must not be countable by sending from one address and looking from another
// (SAD DNS, CVE-2020-25705): an error takes one token or two, by chance. So the rate
// is between two thirds of the option's and all of it.
class IcmpLimiter {
 public:
  bool allow(Context& context, const IpAddr& destination, Time now) {
    const std::uint32_t rate = context.options->u32(Option::icmp_error_rate);
    const std::uint32_t burst = context.options->u32(Option::icmp_error_burst);
    if (rate == 0) return false;
    Bucket& of_class = classes_[context.hash(destination, 2) % kClasses];
    const bool allowed =
        of_class.refill(now, std::max(rate / kShare, 1U), std::max(burst / kShare, 1U)) >= 1 &&
        host_.refill(now, rate, burst) >= 1;
    if (!allowed) return false;
    of_class.spend(1);
    host_.spend(1 + context.random->below(2));
    return true;
  }

 private:
  static constexpr std::size_t kClasses = 256;
  static constexpr std::uint32_t kShare = 8;  // of the host's rate that one class may take

  struct Bucket {
    Time filled = Time::min();
    std::int64_t credit = 0;  // nanoseconds
    std::int64_t cost = 1;    // of one token

    // The whole tokens that it holds now.
    std::int64_t refill(Time now, std::uint32_t rate, std::uint32_t burst) {
      cost = 1'000'000'000 / rate;
      const std::int64_t most = cost * burst;
      const std::int64_t gained = filled == Time::min() ? most : (now - filled).count();
      credit = gained >= most ? most : std::min(credit + gained, most);
      filled = now;
      return credit / cost;
    }
    // May go into debt.
    void spend(std::int64_t tokens) { credit -= tokens * cost; }
  };

  Bucket host_;
  std::array<Bucket, kClasses> classes_;
};

}  // namespace naru::ip
