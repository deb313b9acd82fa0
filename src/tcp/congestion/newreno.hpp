// NewReno's window (RFC 5681 3.1), counted in bytes (RFC 3465).
#pragma once

#include <cstdint>

#include "tcp/congestion/window.hpp"

namespace naru::tcp {

class NewReno {
 public:
  void on_ack(Window& window, std::uint32_t acked);
  // RFC 5681 (4).
  static std::uint32_t threshold(const Window& window, std::uint32_t flight_size);
  void on_reduction() { acked_ = 0; }

 private:
  std::uint32_t acked_ = 0;  // bytes acknowledged since cwnd last grew in congestion avoidance
};

}  // namespace naru::tcp
