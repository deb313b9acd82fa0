// TCP_DEFER_ACCEPT: a connection is not worth a program's attention before its data has come.
//
// The ACK that ends the handshake is noted and nothing more; the connection stays in
// SYN-RECEIVED until data or a FIN comes. When the time is over the SYN-ACK is sent once more,
// and the ACK that it brings is taken as it is (tcp(7), Linux). The time is counted in
// retransmissions of the SYN-ACK, whether or not they are sent.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/connection.hpp"
#include "tcp/segment.hpp"

namespace naru::tcp {

namespace defer_accept {
inline constexpr std::int64_t kFirst = 1;  // seconds until the first retransmission
inline constexpr std::int64_t kLongest = 120;
inline constexpr int kMost = 255;
}  // namespace defer_accept

// The number of retransmissions that take so many seconds, and the reverse.
constexpr std::uint8_t to_retransmissions(std::int64_t seconds) {
  using namespace defer_accept;
  int count = 0;
  std::int64_t wait = kFirst;
  for (std::int64_t sum = 0; sum < seconds && count < kMost; ++count) {
    sum += wait;
    wait = std::min(wait * 2, kLongest);
  }
  return static_cast<std::uint8_t>(count);
}
constexpr std::int64_t to_seconds(std::uint8_t retransmissions) {
  using namespace defer_accept;
  std::int64_t sum = 0;
  std::int64_t wait = kFirst;
  for (int i = 0; i < retransmissions; ++i) {
    sum += wait;
    wait = std::min(wait * 2, kLongest);
  }
  return sum;
}

// Of a connection in SYN-RECEIVED, with the options that it has from its listener.
inline bool waits_for_data(const Connection& c, const Extra* x, const Segment& s) {
  return x != nullptr && c.retries < x->defer_accept && s.seg_len() == 0;
}
// Its ACK has come, and nothing is to be sent before its time is nearly over.
inline bool is_deferred(const Connection& c, const Extra* x) {
  return x != nullptr && x->has_deferred && c.retries + 1 < x->defer_accept;
}

}  // namespace naru::tcp
