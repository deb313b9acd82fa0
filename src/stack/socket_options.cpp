// Socket options, by kind of socket.

#include <algorithm>

#include <naru/stack/stack.hpp>

#include "stack/state.hpp"
#include "tcp/user.hpp"

namespace naru {
namespace {

constexpr std::int64_t kLeastReceive = 2304;  // as Linux, after doubling
constexpr std::int64_t kLeastSend = 4608;
constexpr std::int64_t kMostBuffer = 1'073'741'824;

std::unexpected<Error> no(Error error) { return std::unexpected(error); }

std::uint32_t doubled(std::int64_t value, std::int64_t least) {
  return static_cast<std::uint32_t>(std::clamp(value * 2, least, kMostBuffer));
}

Status set_hops(std::uint8_t& field, std::int64_t value, std::uint8_t initial) {
  if (value != -1 && (value < 1 || value > 255)) return no(Error::invalid);
  field = value == -1 ? initial : static_cast<std::uint8_t>(value);
  return {};
}

std::uint8_t to_interface(std::int64_t value) {
  return value < 0 ? udp::kAnyInterface : static_cast<std::uint8_t>(value);
}
std::int64_t from_interface(std::uint8_t interface) {
  return interface == udp::kAnyInterface ? -1 : interface;
}

Status set_icmp(icmp::IcmpSocket& i, SocketOption option, std::int64_t value) {
  using enum SocketOption;
  switch (option) {
    case ttl:
      return set_hops(i.ttl, value, 0);
    case tos:
      i.tos = static_cast<std::uint8_t>(value);
      return {};
    case icmp_filter:
      if (!i.is_raw) return no(Error::not_supported);
      i.filter[0] = static_cast<std::uint32_t>(value);
      return {};
    case receive_buffer:
      i.receive_buffer = doubled(value, kLeastReceive);
      return {};
    case send_buffer:
      i.send_buffer = doubled(value, kLeastSend);
      return {};
    case receive_error:
      i.receive_errors = value != 0;
      return {};
    case broadcast:
    case mtu_discover:
    case multicast_ttl:
    case multicast_loop:
    case dont_fragment:
    case path_mtu:
      return {};  // taken; nothing that is sent here depends on it
    default:
      return no(Error::no_protocol_option);
  }
}

Result<std::int64_t> get_icmp(const Options& options, const icmp::IcmpSocket& i,
                              SocketOption option) {
  using enum SocketOption;
  switch (option) {
    case ttl:
      return i.ttl != 0 ? i.ttl : options.get(Option::ip_default_ttl);
    case tos:
      return i.tos;
    case icmp_filter:
      if (!i.is_raw) return no(Error::not_supported);
      return i.filter[0];
    case receive_error:
      return i.receive_errors;
    case receive_buffer:
      return i.receive_buffer;
    case send_buffer:
      return i.send_buffer;
    case type:
      return i.is_raw ? 3 : 2;
    case readable_bytes:
      return i.received.empty() ? 0 : i.received.front()->length;
    case unsent_bytes:
      return i.send_memory;
    case accepting:
      return 0;
    default:
      return no(Error::no_protocol_option);
  }
}

Status set_udp(udp::UdpSocket& u, SocketOption option, std::int64_t value) {
  using enum SocketOption;
  udp::SocketOptions& o = u.options;
  const bool on = value != 0;
  switch (option) {
    case reuse_address:
      o.reuse_address = on;
      return {};
    case reuse_port:
      o.reuse_port = on;
      return {};
    case broadcast:
      o.broadcast = on;
      return {};
    case receive_error:
      o.receive_errors = on;
      return {};
    case mtu_discover:
      if (value < 0 || value > 5) return no(Error::invalid);
      o.mtu_discovery = static_cast<udp::MtuDiscovery>(value);
      return {};
    case dont_fragment:
      o.dont_fragment = on;
      return {};
    case path_mtu:
      if (value != 0 && (value < 1'280 || value > 0xffff)) return no(Error::invalid);
      o.longest_packet = static_cast<std::uint16_t>(value);
      return {};
    case v6_only:
      o.v6_only = on;
      return {};
    case tos:
      o.tos = static_cast<std::uint8_t>(value);
      return {};
    case ttl:
      return set_hops(o.ttl, value, 0);
    case multicast_ttl:
      return set_hops(o.multicast_ttl, value, 1);
    case multicast_loop:
      o.multicast_loop = on;
      return {};
    case multicast_all:
      o.multicast_all = on;
      return {};
    case multicast_interface:
      o.multicast_interface = to_interface(value);
      return {};
    case bound_interface:
      o.interface = to_interface(value);
      return {};
    case receive_buffer:
      o.receive_buffer = doubled(value, kLeastReceive);
      return {};
    case send_buffer:
      o.send_buffer = doubled(value, kLeastSend);
      return {};
    case keep_alive:
    case linger:
    case oob_inline:
      return {};  // taken and without meaning, as in Linux
    default:
      return no(Error::no_protocol_option);
  }
}

Result<std::int64_t> get_udp(const Options& options, const udp::UdpSocket& u, SocketOption option) {
  using enum SocketOption;
  const udp::SocketOptions& o = u.options;
  switch (option) {
    case reuse_address:
      return o.reuse_address;
    case reuse_port:
      return o.reuse_port;
    case broadcast:
      return o.broadcast;
    case receive_error:
      return o.receive_errors;
    case mtu_discover:
      return static_cast<std::int64_t>(o.mtu_discovery);
    case dont_fragment:
      return o.dont_fragment;
    case v6_only:
      return o.v6_only;
    case tos:
      return o.tos;
    case ttl:
      return o.ttl != 0 ? o.ttl : options.get(Option::ip_default_ttl);
    case multicast_ttl:
      return o.multicast_ttl;
    case multicast_loop:
      return o.multicast_loop;
    case multicast_all:
      return o.multicast_all;
    case multicast_interface:
      return from_interface(o.multicast_interface);
    case bound_interface:
      return from_interface(o.interface);
    case receive_buffer:
      return o.receive_buffer;
    case send_buffer:
      return o.send_buffer;
    case type:
      return 2;
    case accepting:
      return 0;
    case readable_bytes:
      return u.received.empty() ? 0 : u.received.front()->length;
    case unsent_bytes:
      return u.send_memory;
    case keep_alive:
    case oob_inline:
      return 0;
    case linger:
      return -1;
    default:
      return no(Error::no_protocol_option);
  }
}

// IP_MTU: of the way to the peer of a connected socket.
Result<std::int64_t> path_mtu(StackState& s, const Result<Endpoint>& remote,
                              const Result<Endpoint>& local) {
  if (!remote) return no(remote.error());
  const auto way = s.ip.destination(remote->addr, local ? local->addr : IpAddr::any_v6(), s.now);
  if (!way) return no(Error::not_connected);
  return s.ip.at(*way).mtu;
}

}  // namespace

Status Stack::set_icmp6_filter(SocketId socket, const std::array<std::uint32_t, 8>& filter) {
  icmp::IcmpSocket* i = find_icmp(socket);
  if (i == nullptr || !i->is_v6 || !i->is_raw) return no(Error::no_protocol_option);
  i->filter = filter;
  return {};
}

Result<std::array<std::uint32_t, 8>> Stack::icmp6_filter(SocketId socket) const {
  const icmp::IcmpSocket* i = find_icmp(socket);
  if (i == nullptr || !i->is_v6 || !i->is_raw) return no(Error::no_protocol_option);
  return i->filter;
}

Status Stack::set_option(SocketId socket, SocketOption option, std::int64_t value) {
  StackState& s = *state_;
  if (tcp::Connection* c = change_tcp(socket)) return tcp::set_option(s.tcp, *c, option, value);
  const bool forgets_errors = option == SocketOption::receive_error && value == 0;
  if (udp::UdpSocket* u = find_udp(socket)) {
    if (forgets_errors) u->errors.clear(s.packets);
    return set_udp(*u, option, value);
  }
  if (icmp::IcmpSocket* i = find_icmp(socket)) {
    if (forgets_errors) i->errors.clear(s.packets);
    return set_icmp(*i, option, value);
  }
  return no(Error::bad_handle);
}

Result<std::int64_t> Stack::option(SocketId socket, SocketOption option) const {
  if (option == SocketOption::path_mtu) return path_mtu(*state_, remote(socket), local(socket));
  if (const tcp::Connection* c = find_tcp(socket)) return tcp::get_option(state_->tcp, *c, option);
  if (const udp::UdpSocket* u = find_udp(socket)) return get_udp(state_->options, *u, option);
  if (const icmp::IcmpSocket* i = find_icmp(socket)) {
    return get_icmp(state_->options, *i, option);
  }
  return no(Error::bad_handle);
}

}  // namespace naru
