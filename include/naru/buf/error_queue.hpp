// ErrorQueue: what a socket sent and what became of it, for recvmsg(2) with MSG_ERRQUEUE.
//
// A program that has set IP_RECVERR learns of each error what was sent where, and who says
// that it did not arrive (ip(7)). An entry is a packet of the pool: the error, then what was
// quoted of the payload.
#pragma once

#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/base/result.hpp>
#include <naru/buf/packet.hpp>
#include <naru/wire/address.hpp>

namespace naru {

// One error, as sock_extended_err tells it.
struct SocketError {
  enum class Origin : std::uint8_t { local = 1, icmp = 2, icmp6 = 3 };  // SO_EE_ORIGIN_*

  Error error{};
  Origin origin{};
  std::uint8_t type = 0;  // of the ICMP message
  std::uint8_t code = 0;
  std::uint32_t info = 0;    // the path's MTU, or where the parameter is that was wrong
  std::uint32_t length = 0;  // of the payload
  IpAddr offender = {};      // who says so; not of local ones
  Endpoint remote = {};      // where it was sent
};

class ErrorQueue {
 public:
  bool empty() const { return queue_.empty(); }
  std::uint32_t memory() const { return memory_; }
  // False where it would hold more than `limit` bytes, or no buffer is free.
  bool push(PacketPool& pool, const SocketError& error, Bytes payload, std::uint32_t limit);
  // The oldest, and as much of its payload as there is room for; none when there is none.
  std::optional<SocketError> pop(PacketPool& pool, MutableBytes out);
  // What the next one makes of the socket's pending error (Linux, sock_dequeue_err_skb).
  Error next() const;
  void clear(PacketPool& pool);
  // After a death: the packets are the pool's to free.
  void forget() { *this = {}; }

 private:
  PacketQueue queue_;
  std::uint32_t memory_ = 0;
};

}  // namespace naru
