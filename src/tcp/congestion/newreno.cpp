#include "tcp/congestion/newreno.hpp"

#include <algorithm>

namespace naru::tcp {

// In congestion avoidance one SMSS for each cwnd of bytes acknowledged
// (RFC 3465 2.1), whatever number of ACKs said so.
void NewReno::on_ack(Window& window, std::uint32_t acked) {
  if (window.in_slow_start()) acked = window.slow_start(acked);
  acked_ += std::min(acked, window.cwnd);
  if (acked_ >= window.cwnd) {
    acked_ -= window.cwnd;
    window.grow(window.smss);
  }
}

std::uint32_t NewReno::threshold(const Window& window, std::uint32_t flight_size) {
  return std::max(flight_size / 2, 2 * window.smss);
}

}  // namespace naru::tcp
