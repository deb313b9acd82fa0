// HyStart++ (RFC 9406): leaves the first slow start when round trips grow longer,
// before the queue overflows.
//
//   slow start --- RTT up by an eighth, 4 to 16 ms ---> Conservative Slow Start
//       ^                                                  |            |
//       '------------- RTT down again ---------------------'       5 rounds
//                                                                       v
//                                                          congestion avoidance
#pragma once

#include <cstdint>

#include "tcp/congestion/window.hpp"

namespace naru::tcp {

// Starts as new, for a connection's first slow start and only for that (4.3).
class HyStart {
 public:
  // Takes the ACK's round-trip time and gives the bytes by which slow start may
  // grow: all of `acked`, or a quarter in Conservative Slow Start. When the last
  // round of that is over it sets ssthresh to cwnd.
  std::uint32_t on_ack(Window& window, const AckSample& ack, std::uint32_t acked);

  bool is_conservative() const { return phase_ == Phase::conservative; }

 private:
  enum class Phase : std::uint8_t { before_first_round, slow_start, conservative };

  void begin_round(std::uint32_t snd_nxt);
  void look_at_delay();
  void end_round(Window& window, std::uint32_t snd_nxt);

  static constexpr std::uint32_t kNone = 0xffffffffU;

  std::uint32_t window_end_ = 0;  // the round ends when this is acknowledged
  std::uint32_t last_round_min_us_ = kNone;
  std::uint32_t this_round_min_us_ = kNone;
  std::uint32_t baseline_min_us_ = kNone;  // of the round in which CSS began
  Phase phase_ = Phase::before_first_round;
  std::uint8_t samples_ = 0;     // in this round, counted up to N_RTT_SAMPLE
  std::uint8_t css_rounds_ = 0;  // over since CSS began
};

}  // namespace naru::tcp
