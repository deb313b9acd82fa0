// The congestion controller: how much may be in flight. What is lost is
// recovery's question, which bytes go output's.
#pragma once

#include <cstdint>

#include "tcp/congestion/cubic.hpp"
#include "tcp/congestion/newreno.hpp"
#include "tcp/congestion/window.hpp"

namespace naru::tcp {

// The values of Option::tcp_congestion_control.
enum class Algorithm : std::uint8_t { newreno = 0, cubic = 1 };

// Plain data: part of a Flow, and dropped with it.
class Controller {
 public:
  // A connection's first flow: slow start with the initial window (RFC 6928).
  void start(Algorithm algorithm, std::uint32_t smss, std::uint32_t initial_segments);
  // After start(): what the connection kept while its flow was given back.
  void restore(std::uint32_t cwnd, std::uint32_t ssthresh);

  std::uint32_t cwnd() const { return window_.cwnd; }
  std::uint32_t ssthresh() const { return window_.ssthresh; }
  bool in_slow_start() const { return window_.in_slow_start(); }

  // The path's segment size changed. A smaller one shrinks cwnd with it, so that
  // as many segments fly as before (RFC 5681 3.1).
  void set_smss(std::uint32_t smss);

  // New data was acknowledged, outside of fast recovery. The window grows only
  // when it was what held the sender back (RFC 7661, RFC 2861).
  void on_ack(const AckSample& ack);

  // Fast recovery begins: sets ssthresh. cwnd is recovery's (set_cwnd) until
  // on_recovery_exit().
  void on_congestion(Time now, std::uint32_t flight_size);
  // cwnd = ssthresh.
  void on_recovery_exit(Time now);

  // The retransmission timer fired: cwnd = 1 SMSS. ssthresh follows RFC 5681 (4)
  // for the first timeout of a window of data only.
  void on_timeout(Time now, std::uint32_t flight_size, bool first_of_this_window);

  // Sending starts again after more than an RTO of silence: the restart window
  // of RFC 5681 4.1.
  void on_idle(Time now, std::uint32_t initial_segments);
  void set_cwnd(std::uint32_t bytes);
  // The last reduction was needless: cwnd and ssthresh of before it.
  void undo(Time now);
  // Nothing more to send although the window has room.
  void on_application_limited(Time now);

 private:
  enum class AfterTimeout : std::uint8_t { no, just_now, repairing };

  std::uint32_t counted(const AckSample& ack);
  std::uint32_t threshold(std::uint32_t flight_size) const;
  void save();

  Window window_;
  std::uint32_t saved_cwnd_ = 0;  // before the last reduction; 0 when there is none to undo
  std::uint32_t saved_ssthresh_ = kNoThreshold;
  std::uint32_t loss_end_ = 0;  // snd.nxt after a timeout
  AfterTimeout after_timeout_ = AfterTimeout::no;
  Algorithm algorithm_ = Algorithm::newreno;
  NewReno newreno_;
  Cubic cubic_;
};
static_assert(sizeof(Controller) <= 128);

}  // namespace naru::tcp
