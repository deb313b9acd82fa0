// The protocol classes, naru::ip::tcp and naru::ip::udp: what boost::asio::ip::tcp
// and udp are for the kernel's sockets.
#pragma once

#include <concepts>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_datagram_socket.hpp>
#include <boost/asio/basic_socket.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/detail/socket_option.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/basic_endpoint.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/basic_resolver_entry.hpp>
#include <boost/asio/ip/basic_resolver_iterator.hpp>
#include <boost/asio/ip/basic_resolver_query.hpp>
#include <boost/asio/is_executor.hpp>

#include <naru/config/socket_types.hpp>

namespace naru::ip {

class tcp {
 public:
  using endpoint = boost::asio::ip::basic_endpoint<tcp>;
  using socket = boost::asio::basic_stream_socket<tcp>;
  using acceptor = boost::asio::basic_socket_acceptor<tcp>;
  // Asks the system (getaddrinfo): literal addresses, the hosts file, its name server.
  using resolver = boost::asio::ip::basic_resolver<tcp>;
  using no_delay = boost::asio::detail::socket_option::boolean<IPPROTO_TCP, TCP_NODELAY>;

  static constexpr SocketId::Kind kKind = SocketId::Kind::tcp;

  static constexpr tcp v4() { return tcp(AF_INET); }
  static constexpr tcp v6() { return tcp(AF_INET6); }
  constexpr int type() const { return SOCK_STREAM; }
  constexpr int protocol() const { return IPPROTO_TCP; }
  constexpr int family() const { return family_; }
  friend constexpr bool operator==(const tcp&, const tcp&) = default;

 private:
  explicit constexpr tcp(int family) : family_(family) {}
  int family_;
};

class udp {
 public:
  using endpoint = boost::asio::ip::basic_endpoint<udp>;
  using socket = boost::asio::basic_datagram_socket<udp>;
  using resolver = boost::asio::ip::basic_resolver<udp>;

  static constexpr SocketId::Kind kKind = SocketId::Kind::udp;

  static constexpr udp v4() { return udp(AF_INET); }
  static constexpr udp v6() { return udp(AF_INET6); }
  constexpr int type() const { return SOCK_DGRAM; }
  constexpr int protocol() const { return IPPROTO_UDP; }
  constexpr int family() const { return family_; }
  friend constexpr bool operator==(const udp&, const udp&) = default;

 private:
  explicit constexpr udp(int family) : family_(family) {}
  int family_;
};

}  // namespace naru::ip

namespace naru::asio {

// Asio's socket templates are specialised for these protocols, so that everything
// written for basic_stream_socket<Protocol> and its like (async_connect, Beast's
// basic_stream, use_awaitable_t::as_default_on) takes naru's sockets too.
template <class Protocol>
concept StackProtocol = std::same_as<Protocol, ip::tcp> || std::same_as<Protocol, ip::udp>;

template <class Context>
concept ExecutionContext = std::convertible_to<Context&, boost::asio::execution_context&>;

template <class Executor>
concept AnyExecutor = boost::asio::execution::is_executor<Executor>::value ||
    boost::asio::is_executor<Executor>::value;

}  // namespace naru::asio
