#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <string_view>

#include <naru/socket/errno.hpp>
#include <naru/socket/linux_options.hpp>

#include "socket/linux_tcp_info.hpp"

namespace naru {
namespace {

// Of <linux/icmp.h>, which the C library's headers do not go with.
constexpr int kIcmpFilter = 1;

struct Name {
  int level;
  int name;
  SocketOption option;
};

constexpr Name kNames[] = {
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
    {IPPROTO_TCP, TCP_LINGER2, SocketOption::linger2},
    {IPPROTO_TCP, TCP_QUICKACK, SocketOption::quick_ack},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, SocketOption::defer_accept},
    {IPPROTO_TCP, TCP_CONGESTION, SocketOption::congestion_control},
    {IPPROTO_IP, IP_TTL, SocketOption::ttl},
    {IPPROTO_IP, IP_MULTICAST_TTL, SocketOption::multicast_ttl},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SocketOption::multicast_loop},
    {IPPROTO_IP, IP_MULTICAST_ALL, SocketOption::multicast_all},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, SocketOption::ttl},
    {IPPROTO_IPV6, IPV6_TCLASS, SocketOption::tos},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SocketOption::multicast_ttl},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SocketOption::multicast_loop},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, SocketOption::mtu_discover},
    {SOL_RAW, kIcmpFilter, SocketOption::icmp_filter},
    {IPPROTO_IP, IP_TOS, SocketOption::tos},
    {IPPROTO_IP, IP_MTU_DISCOVER, SocketOption::mtu_discover},
    {IPPROTO_IP, IP_MTU, SocketOption::path_mtu},
    {IPPROTO_IPV6, IPV6_MTU, SocketOption::path_mtu},
    {IPPROTO_IPV6, IPV6_DONTFRAG, SocketOption::dont_fragment},
    {IPPROTO_IP, IP_RECVERR, SocketOption::receive_error},
    {IPPROTO_IPV6, IPV6_RECVERR, SocketOption::receive_error},
};

constexpr std::string_view kAlgorithms[] = {"reno", "cubic"};  // by naru's numbers

Result<std::int64_t> read_linger(const void* value, socklen_t length) {
  linger l{};
  if (length < sizeof l) return std::unexpected(Error::invalid);
  std::memcpy(&l, value, sizeof l);
  return l.l_onoff == 0 ? -1 : l.l_linger;
}

Result<std::int64_t> read_algorithm(const void* value, socklen_t length) {
  std::string_view text(static_cast<const char*>(value), length);
  text = text.substr(0, text.find('\0'));
  const auto* found = std::find(std::begin(kAlgorithms), std::end(kAlgorithms), text);
  if (found == std::end(kAlgorithms)) return std::unexpected(Error::not_found);
  return found - std::begin(kAlgorithms);
}

Result<std::int64_t> read_int(const void* value, socklen_t length) {
  if (length == 1) return *static_cast<const std::uint8_t*>(value);
  int v = 0;
  if (length < sizeof v) return std::unexpected(Error::invalid);
  std::memcpy(&v, value, sizeof v);
  return v;
}

// IP_PMTUDISC_DONT to IP_PMTUDISC_OMIT.
Result<std::int64_t> read_discovery(const void* value, socklen_t length) {
  const auto number = read_int(value, length);
  if (number && (*number < 0 || *number > 5)) return std::unexpected(Error::invalid);
  return number;
}

Result<std::int64_t> read_value(SocketOption option, const void* value, socklen_t length) {
  switch (option) {
    case SocketOption::linger:
      return read_linger(value, length);
    case SocketOption::congestion_control:
      return read_algorithm(value, length);
    case SocketOption::mtu_discover:
      return read_discovery(value, length);
    default:
      return read_int(value, length);
  }
}

void give(const void* from, std::size_t size, void* value, socklen_t* length) {
  const std::size_t n = std::min<std::size_t>(*length, size);
  std::memcpy(value, from, n);
  *length = static_cast<socklen_t>(n);
}

void give_value(SocketOption option, std::int64_t number, void* value, socklen_t* length) {
  if (option == SocketOption::linger) {
    const linger l{number >= 0 ? 1 : 0, static_cast<int>(std::max<std::int64_t>(number, 0))};
    give(&l, sizeof l, value, length);
  } else if (option == SocketOption::congestion_control) {
    const std::string_view text = kAlgorithms[static_cast<std::size_t>(number)];
    give(text.data(), text.size() + 1, value, length);
  } else {
    const int v = static_cast<int>(number);
    give(&v, sizeof v, value, length);
  }
}

Status give_info(const Stack& stack, SocketId socket, void* value, socklen_t* length) {
  // Newer kernels know more fields than our header; programs ask for theirs.
  static constexpr std::size_t kSize = std::max<std::size_t>(sizeof(tcp_info), 280);
  const Result<TcpInfo> info = stack.tcp_info(socket);
  if (!info) return std::unexpected(info.error());
  std::uint8_t bytes[kSize]{};
  const tcp_info out = to_linux(*info);
  std::memcpy(bytes, &out, sizeof out);
  give(bytes, kSize, value, length);
  return {};
}

}  // namespace

std::optional<SocketOption> find_linux_option(int level, int name) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& n) {
    return n.level == level && n.name == name;
  });
  if (found == std::end(kNames)) return std::nullopt;
  return found->option;
}

Status set_linux_option(Stack& stack, SocketId socket, int level, int name, const void* value,
                        socklen_t length) {
  const auto option = find_linux_option(level, name);
  const bool is_read_only = level == IPPROTO_IP && name == IP_MTU;
  if (!option || is_read_only) return std::unexpected(Error::no_protocol_option);
  const Result<std::int64_t> number = read_value(*option, value, length);
  if (!number) return std::unexpected(number.error());
  return stack.set_option(socket, *option, *number);
}

Status get_linux_option(Stack& stack, SocketId socket, int level, int name, void* value,
                        socklen_t* length) {
  if (level == SOL_SOCKET && name == SO_ERROR) {
    const int error = to_errno(stack.take_error(socket));
    give(&error, sizeof error, value, length);
    return {};
  }
  if (level == IPPROTO_TCP && name == TCP_INFO) return give_info(stack, socket, value, length);
  const auto option = find_linux_option(level, name);
  if (!option) return std::unexpected(Error::no_protocol_option);
  const Result<std::int64_t> number = stack.option(socket, *option);
  if (!number) return std::unexpected(number.error());
  give_value(*option, *number, value, length);
  return {};
}

}  // namespace naru
