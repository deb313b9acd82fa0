// HyStart++ (RFC 9406): leaves the first slow start when round trips grow longer,
// before the queue overflows.
#pragma once

#include <cstdint>

#include "tcp/congestion/window.hpp"

namespace naru::tcp {

class HyStart {
 public:
  // Slow start begins: at a connection's start, and only there (RFC 9406 4.3).
  void start() { *this = HyStart{}; }

  // Takes the ACK's round-trip time and gives the bytes by which slow start may
  // grow: all that was acknowledged, or a quarter in Conservative Slow Start.
  // When the last round of that is over it sets ssthresh to cwnd.
  std::uint32_t on_ack(Window& window, const AckSample& ack);

  bool is_conservative() const { return phase_ == Phase::conservative; }

 private:
  enum class Phase : std::uint8_t { fresh, slow_start, conservative };

  void begin_round(std::uint32_t snd_nxt);
  void look(Window& window);

  static constexpr std::uint32_t kNone = 0xffffffffU;

  std::uint32_t window_end_ = 0;  // the round ends when this is acknowledged
  std::uint32_t last_round_min_us_ = kNone;
  std::uint32_t this_round_min_us_ = kNone;
  std::uint32_t baseline_min_us_ = kNone;  // of the round in which CSS began
  Phase phase_ = Phase::fresh;
  std::uint8_t samples_ = 0;  // in this round, up to N_RTT_SAMPLE
  std::uint8_t rounds_ = 0;   // of CSS, begun
};

}  // namespace naru::tcp
