// CUBIC (RFC 9438), with HyStart++ for the first slow start.
//
//   W_cubic(t) = C (t - K)^3 + W_max          in segments and seconds
//
//    cwnd |                                  .  convex: looks for more
//   W_max |  .               ______---------'
//         |   .        _--''   concave
//         |    .....-'
//         '----|-----|---------------|--------------- t
//            loss   epoch (t = 0)    K
#pragma once

#include <cstdint>

#include "tcp/congestion/hystart.hpp"
#include "tcp/congestion/window.hpp"

namespace naru::tcp {

class Cubic {
 public:
  // `acked` is what of ack.acked counts for growth.
  void on_ack(Window& window, const AckSample& ack, std::uint32_t acked);

  // ssthresh after a loss (4.6).
  static std::uint32_t threshold(const Window& window, std::uint32_t flight_size);
  // A loss found by ACKs: remembers W_max, with fast convergence (4.7).
  void on_congestion(const Window& window);
  // A timeout: the next congestion avoidance knows no W_max (4.8).
  void on_timeout(const Window& window);
  // Congestion avoidance will begin anew, towards the same W_max.
  void end_epoch() { curve_.epoch = kTimeNever; }
  // The window does not limit the sender: t stands still until it does again (4.2).
  void pause(Time now);

  // What undo() goes back to (4.9).
  void save() { saved_ = curve_; }
  void undo() { curve_ = saved_; }

 private:
  struct Curve {
    Time epoch = kTimeNever;       // t = 0; never: no epoch is under way
    double w_est = 0;              // the window that Reno would have, in bytes
    std::uint32_t w_max = 0;       // in bytes; 0 when no loss has told it
    std::uint32_t cwnd_prior = 0;  // cwnd when a loss last set ssthresh
    std::uint32_t k_us = 0;        // K in microseconds
    float fraction = 0;            // of a byte that cwnd has still to grow
  };

  void resume(Time now);
  void begin_epoch(const Window& window, Time now);
  double w_cubic(const Window& window, Duration t) const;
  void avoid_congestion(Window& window, const AckSample& ack, std::uint32_t acked);

  Curve curve_;
  Curve saved_;
  Time paused_ = kTimeNever;  // since then
  HyStart hystart_;
};

}  // namespace naru::tcp
