// The round-trip time and the retransmission timeout (RFC 6298).
#pragma once

#include <cstdint>

#include <naru/time/time.hpp>

namespace naru::tcp {

struct RtoLimits {
  Duration initial;  // before the first sample (2.1)
  Duration min;
  Duration max;
};

class Rtt {
 public:
  // A round trip measured on data that was sent once (Karn), or by timestamps.
  // Ends the backoff (RFC 6298 5.7 end). `samples_per_window` spreads the
  // smoothing over a window of ACKs (RFC 7323 appendix G).
  //
  // A clock that steps must not hurt: negative samples are ignored, those above
  // a minute count as a minute, and those below a microsecond as one.
  void sample(Duration rtt, std::uint32_t samples_per_window = 1);

  bool has_sample() const { return srtt8_us_ != 0; }
  std::uint32_t srtt_us() const { return srtt8_us_ >> 3U; }
  std::uint32_t rttvar_us() const { return rttvar4_us_ >> 2U; }
  Duration srtt() const { return std::chrono::microseconds(srtt_us()); }
  Duration rttvar() const { return std::chrono::microseconds(rttvar_us()); }

  // SRTT + max(min, 4 RTTVAR), doubled for each backoff, at most max. RFC 6298
  // 2.4 rounds the sum up to one second; like Linux we put the floor under the
  // variance, so that a delayed ACK of a steady path never fires the timer.
  Duration rto(const RtoLimits& limits) const;

  // The timer fired (5.5).
  void backoff() {
    if (backoffs_ < kMaxBackoffs) ++backoffs_;
  }
  void reset_backoff() { backoffs_ = 0; }
  unsigned backoffs() const { return backoffs_; }
  // The handshake needed its SYN sent again: data starts with 3 seconds, and no
  // backoff, until there is a sample (5.7).
  void syn_was_lost() {
    syn_lost_ = true;
    backoffs_ = 0;
  }

 private:
  static constexpr std::uint8_t kMaxBackoffs = 31;

  std::uint32_t srtt8_us_ = 0;    // SRTT in eighths of a microsecond; 0 before the first sample
  std::uint32_t rttvar4_us_ = 0;  // RTTVAR in quarters
  std::uint8_t backoffs_ = 0;
  bool syn_lost_ = false;
};
static_assert(sizeof(Rtt) == 12);

}  // namespace naru::tcp
