// UdpSocket: all state of one UDP socket.
#pragma once

#include <cstdint>

#include <naru/base/result.hpp>
#include <naru/buf/packet.hpp>
#include <naru/wire/address.hpp>

namespace naru::udp {

// How somebody outside names a socket.
struct Handle {
  std::uint32_t index = 0xffffffffU;
  std::uint32_t generation = 0;

  constexpr bool operator==(const Handle&) const = default;
};

// Readiness bits.
enum Ready : std::uint8_t {
  kReadable = 1,  // a datagram waits, or reading was shut down
  kWritable = 2,  // the send buffer has room
  kError = 4,     // an error waits
};

// What a socket can be told; read and written as plain fields.
struct SocketOptions {
  std::uint32_t receive_buffer = 0;  // bytes of memory, as SO_RCVBUF reports it
  std::uint32_t send_buffer = 0;
  std::uint8_t ttl = 0;  // 0: the stack's default
  std::uint8_t multicast_ttl = 1;
  std::uint8_t tos = 0;
  std::uint8_t interface = 0xff;            // SO_BINDTODEVICE; 0xff any
  std::uint8_t multicast_interface = 0xff;  // IP_MULTICAST_IF
  bool multicast_loop = true;
  bool reuse_address = false;
  bool reuse_port = false;
  bool broadcast = false;
  bool receive_errors = false;  // IP_RECVERR: errors also when not connected
  bool dont_fragment = false;   // IP_MTU_DISCOVER = DO
};

struct UdpSocket {
  std::uint32_t free_link = 0;  // the slab's, while the slot is free
  std::uint32_t generation = 0;
  std::uint64_t cookie = 0;  // the owner's
  Endpoint local;
  Endpoint remote;
  SocketOptions options;
  Error pending_error = Error::none;
  bool is_bound = false;     // has a local port
  bool port_chosen = false;  // an ephemeral one: disconnecting gives it up
  bool addr_chosen = false;  // local.addr came from connect(), not from bind()
  bool is_connected = false;
  bool shut_read = false;
  bool shut_write = false;
  bool in_ready_list = false;
  std::uint8_t ready = kWritable;  // as last told
  std::uint32_t next_bound = 0;    // hash chains and ready list, by index
  std::uint32_t next_connected = 0;
  std::uint32_t next_ready = 0;
  std::uint32_t receive_memory = 0;  // buffers in `received`, charged whole
  std::uint32_t send_memory = 0;     // buffers of this socket in the output queue
  std::uint64_t dropped = 0;         // datagrams that found the receive buffer full
  PacketQueue received;
};

}  // namespace naru::udp
