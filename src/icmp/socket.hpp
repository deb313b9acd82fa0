// IcmpSocket: a program's way to ICMP itself, as ping wants it.
#pragma once

#include <array>
#include <cstdint>

#include <naru/base/result.hpp>
#include <naru/buf/error_queue.hpp>
#include <naru/buf/packet.hpp>
#include <naru/wire/address.hpp>

#include "base/list.hpp"

namespace naru::icmp {

// How somebody outside names a socket.
struct Handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0: no socket

  constexpr bool operator==(const Handle&) const = default;
};

struct ReadyOrder;

struct IcmpSocket : ListHook<ReadyOrder> {
  std::uint32_t generation = 0;
  Error pending_error = Error::none;
  // raw(7): sends whole messages and hears all, those of IPv4 with their IP headers. Else icmp(7):
  // sends echo requests under an identifier of its own and hears the replies to them.
  bool is_raw = false;
  bool is_v6 = false;
  bool is_connected = false;
  bool receive_errors = false;  // IP_RECVERR
  std::uint8_t ttl = 0;         // 0: the stack's default
  std::uint8_t tos = 0;
  std::uint16_t identifier = 0;  // of echo; 0: none yet
  std::uint64_t cookie = 0;      // the owner's
  IpAddr local;                  // any: not bound
  IpAddr remote;
  // Bit n keeps messages of type n away: ICMP6_FILTER, and in its first word ICMP_FILTER.
  std::array<std::uint32_t, 8> filter{};
  std::uint32_t receive_buffer = 0;
  std::uint32_t receive_memory = 0;
  std::uint32_t send_buffer = 0;
  std::uint32_t send_memory = 0;
  std::uint64_t dropped = 0;
  PacketQueue received;
  ErrorQueue errors;  // with IP_RECVERR
};

}  // namespace naru::icmp
