// Segment: what arrived, parsed once. Reply: what goes back without a connection.
#pragma once

#include <cstdint>

#include <naru/buf/packet.hpp>
#include <naru/wire/address.hpp>

#include "wire/tcp.hpp"
#include "wire/tcp_options.hpp"

namespace naru::tcp {

// A received segment. `seq`, `length` and the SYN and FIN bits of `flags` change
// as the segment is trimmed to the window (RFC 9293 3.10.7.4).
struct Segment {
  Endpoint local;
  Endpoint remote;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint32_t length = 0;  // payload bytes
  std::uint16_t window = 0;  // unscaled
  std::uint16_t urgent_pointer = 0;
  std::uint8_t flags = 0;
  std::uint8_t tos = 0;
  wire::TcpOptions options;
  Packet* packet = nullptr;  // its data is the payload; nullptr once taken

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  // SEG.LEN: SYN and FIN count.
  std::uint32_t seg_len() const {
    return length + (has(wire::kSyn) ? 1 : 0) + (has(wire::kFin) ? 1 : 0);
  }
};

// RST, the ACK of a TIME-WAIT, or a SYN cookie.
struct Reply {
  Endpoint local;
  Endpoint remote;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0;
  std::uint8_t tos = 0;
  std::uint8_t ttl = 0;  // 0: the default
  std::uint16_t window = 0;
  bool is_syn_cookie = false;  // with the options below; the MSS is that of the route
  wire::TcpOptions options;
};

// A bounded queue of replies; beyond it they are not sent.
class ReplyQueue {
 public:
  static constexpr std::uint32_t kCapacity = 256;

  bool empty() const { return head_ == tail_; }
  bool push(const Reply& reply) {
    if (tail_ - head_ == kCapacity) return false;
    replies_[tail_++ % kCapacity] = reply;
    return true;
  }
  // Valid until the next push.
  const Reply& front() const { return replies_[head_ % kCapacity]; }
  void pop() { ++head_; }
  void clear() { head_ = tail_ = 0; }

 private:
  std::uint32_t head_ = 0;
  std::uint32_t tail_ = 0;
  Reply replies_[kCapacity];
};

}  // namespace naru::tcp
