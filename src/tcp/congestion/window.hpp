// What the congestion controllers have in common: the window that they steer and
// the news that an ACK brings.
#pragma once

#include <algorithm>
#include <cstdint>

#include <naru/time/time.hpp>

namespace naru::tcp {

// What one ACK (or a burst of them, taken together) told the sender.
struct AckSample {
  Time now;
  std::uint32_t acked = 0;          // bytes newly acknowledged, cumulatively or by SACK
  std::uint32_t flight_before = 0;  // flight size before this ACK
  Duration rtt{};                   // measured by this ACK; zero when it measured none
  Duration srtt{};
  Duration min_rtt{};
  std::uint32_t snd_una = 0;  // after this ACK
  std::uint32_t snd_nxt = 0;
  bool cwnd_limited = false;  // the window, not the application or the peer, held data back
};

// ssthresh before the first loss (RFC 5681 3.1: "arbitrarily high").
inline constexpr std::uint32_t kNoThreshold = 0xffffffffU;
// No window that a peer can offer is larger (RFC 7323 2.3), so no larger cwnd is of use.
inline constexpr std::uint32_t kMaxWindow = 1U << 30U;

// All in bytes.
struct Window {
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = kNoThreshold;
  std::uint32_t smss = 0;

  bool in_slow_start() const { return cwnd < ssthresh; }
  void grow(std::uint32_t bytes) {
    cwnd = std::min(cwnd + std::min(bytes, kMaxWindow), kMaxWindow);
  }

  // Slow start by bytes acknowledged (RFC 3465 2.2), up to ssthresh. Gives the
  // bytes that are left for congestion avoidance.
  //
  // There is no limit per ACK. RFC 5681 allows one SMSS for each ACK because it
  // expects an ACK for every second segment; where receivers merge 64 segments
  // and acknowledge them at once, that would open the window linearly. As Linux
  // does, cwnd grows by what was acknowledged, so it doubles in a round trip
  // whatever the ACKs look like, and dividing ACKs gains nothing.
  std::uint32_t slow_start(std::uint32_t acked) {
    const std::uint32_t growth = std::min(acked, ssthresh - cwnd);
    grow(growth);
    return acked - growth;
  }
};

}  // namespace naru::tcp
