// Asio's option classes speak setsockopt(2): level, name and an int. This is the
// table to the stack's socket options.
#pragma once

#include <array>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>

#include <naru/asio/detail/convert.hpp>
#include <naru/stack/stack.hpp>

namespace naru::asio::detail {

struct OptionName {
  int level;
  int name;
  SocketOption option;
};

inline constexpr std::array<OptionName, 24> kOptionNames{{
    {SOL_SOCKET, SO_REUSEADDR, SocketOption::reuse_address},
    {SOL_SOCKET, SO_REUSEPORT, SocketOption::reuse_port},
    {SOL_SOCKET, SO_KEEPALIVE, SocketOption::keep_alive},
    {SOL_SOCKET, SO_LINGER, SocketOption::linger},
    {SOL_SOCKET, SO_SNDBUF, SocketOption::send_buffer},
    {SOL_SOCKET, SO_RCVBUF, SocketOption::receive_buffer},
    {SOL_SOCKET, SO_BROADCAST, SocketOption::broadcast},
    {SOL_SOCKET, SO_OOBINLINE, SocketOption::oob_inline},
    {SOL_SOCKET, SO_TYPE, SocketOption::type},
    {SOL_SOCKET, SO_ACCEPTCONN, SocketOption::accepting},
    {IPPROTO_TCP, TCP_NODELAY, SocketOption::no_delay},
    {IPPROTO_TCP, TCP_CORK, SocketOption::cork},
    {IPPROTO_TCP, TCP_MAXSEG, SocketOption::max_segment},
    {IPPROTO_TCP, TCP_KEEPIDLE, SocketOption::keep_idle},
    {IPPROTO_TCP, TCP_KEEPINTVL, SocketOption::keep_interval},
    {IPPROTO_TCP, TCP_KEEPCNT, SocketOption::keep_count},
    {IPPROTO_TCP, TCP_SYNCNT, SocketOption::syn_count},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, SocketOption::user_timeout},
    {IPPROTO_TCP, TCP_QUICKACK, SocketOption::quick_ack},
    {IPPROTO_IP, IP_TTL, SocketOption::ttl},
    {IPPROTO_IP, IP_MULTICAST_TTL, SocketOption::multicast_ttl},
    {IPPROTO_IP, IP_TOS, SocketOption::tos},
    {IPPROTO_IP, IP_MTU_DISCOVER, SocketOption::mtu_discover},
    {IPPROTO_IP, IP_RECVERR, SocketOption::receive_error},
}};

inline std::optional<SocketOption> find_socket_option(int level, int name) {
  for (const OptionName& entry : kOptionNames) {
    if (entry.level == level && entry.name == name) return entry.option;
  }
  return std::nullopt;
}

// Linux doubles a buffer size that is set; Asio shows the programmer his own number.
inline bool is_doubled(SocketOption option) {
  return option == SocketOption::send_buffer || option == SocketOption::receive_buffer;
}

inline error_code set_socket_option(Stack& stack, SocketId id, int level, int name,
                                    const void* data, std::size_t size) {
  const auto option = find_socket_option(level, name);
  if (!option) return boost::asio::error::no_protocol_option;
  if (*option == SocketOption::linger) {
    ::linger value{};
    if (size != sizeof value) return boost::asio::error::invalid_argument;
    std::memcpy(&value, data, sizeof value);
    return to_error_code(stack.set_option(id, *option, value.l_onoff != 0 ? value.l_linger : -1));
  }
  int value = 0;
  if (size != sizeof value) return boost::asio::error::invalid_argument;
  std::memcpy(&value, data, sizeof value);
  return to_error_code(stack.set_option(id, *option, value));
}

// Asio's options take an int or a linger; both are copied out in full.
inline error_code get_socket_option(Stack& stack, SocketId id, int level, int name, void* data,
                                    std::size_t size) {
  const auto put = [&](const auto& value) -> error_code {
    if (size != sizeof value) return boost::asio::error::invalid_argument;
    std::memcpy(data, &value, sizeof value);
    return {};
  };
  if (level == SOL_SOCKET && name == SO_ERROR) return put(to_errno(stack.take_error(id)));
  const auto option = find_socket_option(level, name);
  if (!option) return boost::asio::error::no_protocol_option;
  const auto value = stack.option(id, *option);
  if (!value) return to_error_code(value.error());
  if (*option == SocketOption::linger) {
    const bool on = *value >= 0;
    return put(::linger{.l_onoff = on ? 1 : 0, .l_linger = on ? static_cast<int>(*value) : 0});
  }
  return put(static_cast<int>(is_doubled(*option) ? *value / 2 : *value));
}

}  // namespace naru::asio::detail
