// UdpSocket: all state of one UDP socket.
#pragma once

#include <cstdint>

#include <naru/base/result.hpp>
#include <naru/buf/error_queue.hpp>
#include <naru/buf/packet.hpp>
#include <naru/config/socket_types.hpp>
#include <naru/wire/address.hpp>

#include "base/list.hpp"

namespace naru::udp {

inline constexpr std::uint8_t kAnyInterface = 0xff;

// How somebody outside names a socket.
struct Handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0: no socket

  constexpr bool operator==(const Handle&) const = default;
};

// Readiness bits.
enum Ready : std::uint8_t {
  kReadable = 1,  // a datagram waits, or reading was shut down
  kWritable = 2,  // the send buffer has room
  kError = 4,     // an error waits
};

// Who cuts what is too long, and for what it is (ip(7), IP_MTU_DISCOVER; Linux' numbers).
enum class MtuDiscovery : std::uint8_t {
  never,      // no DF: we, for the path as far as we know it, and routers
  want,       // DF where it fits the path, else we
  always,     // DF, and nobody
  probe,      // the same, but for the interface: what is known of the path is ignored
  interface,  // no DF: we, for the interface
  omit,       // the same
};

// What a socket can be told; read and written as plain fields. Reuse and interface
// matter to bind() and are to be set before it.
struct SocketOptions {
  std::uint32_t receive_buffer = 0;  // bytes of memory, as SO_RCVBUF reports it
  std::uint32_t send_buffer = 0;
  std::uint8_t ttl = 0;  // 0: the stack's default
  std::uint8_t multicast_ttl = 1;
  std::uint8_t tos = 0;
  std::uint8_t interface = kAnyInterface;            // SO_BINDTODEVICE
  std::uint8_t multicast_interface = kAnyInterface;  // IP_MULTICAST_IF
  bool multicast_loop = true;
  bool multicast_all = false;  // IP_MULTICAST_ALL: also groups that others have joined
  bool reuse_address = false;
  bool reuse_port = false;
  bool broadcast = false;
  bool receive_errors = false;  // IP_RECVERR: soft errors, and errors when not connected
  bool dont_fragment = false;   // IPV6_DONTFRAG
  MtuDiscovery mtu_discovery = MtuDiscovery::want;
  std::uint16_t longest_packet = 0;  // IPV6_MTU; 0: what the path carries
  bool v6_only = false;              // IPV6_V6ONLY
};

// Nobody may cut the datagram.
constexpr bool is_uncut(const SocketOptions& o) {
  return o.dont_fragment || o.mtu_discovery == MtuDiscovery::always ||
         o.mtu_discovery == MtuDiscovery::probe;
}
// Only the interface says how long a packet may be.
constexpr bool ignores_path(MtuDiscovery discovery) { return discovery >= MtuDiscovery::probe; }

struct ReadyOrder;

struct UdpSocket : ListHook<ReadyOrder> {
  std::uint32_t generation = 0;
  bool is_open = false;  // last thing set, first thing cleared: a free slot's may be left over
  Error pending_error = Error::none;
  bool port_chosen = false;  // an ephemeral one: disconnecting gives it up
  bool addr_chosen = false;  // local.addr came from connect(), not from bind()
  bool bound_to_v6 = false;  // what it is bound to is of IPv6; :: is
  bool is_connected = false;
  bool shut_read = false;
  bool shut_write = false;
  std::uint64_t cookie = 0;  // the owner's
  Endpoint local;            // port 0: not bound
  Endpoint remote;
  SocketOptions options;
  std::uint32_t next_by_port = 0;  // hash chains
  std::uint32_t next_connected = 0;
  std::uint32_t groups = 0;          // memberships, index + 1
  std::uint32_t receive_memory = 0;  // buffers in `received`, charged whole
  std::uint32_t send_memory = 0;     // buffers of this socket in the output queue
  std::uint64_t dropped = 0;         // datagrams that found the receive buffer full
  PacketQueue received;
  ErrorQueue errors;  // with IP_RECVERR

  bool is_bound() const { return local.port != 0; }
  IpAddr wildcard() const { return bound_to_v6 ? IpAddr::any_v6() : IpAddr::any_v4(); }
  BoundAddr bound() const { return {local.addr, options.v6_only}; }
};

// A socket's membership in a multicast group.
struct Group {
  IpAddr addr;
  std::uint32_t next = 0;  // of the same socket, index + 1
  std::uint8_t interface = 0;
};

}  // namespace naru::udp
