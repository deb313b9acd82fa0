// The types of socket calls: what programs, stack and protocols say to each other.
#pragma once

#include <cstdint>

#include <naru/base/bytes.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru {

// A socket of one stack. Plain data: index and generation, so that a stale id is
// noticed (Error::bad_handle) and never means another socket.
struct SocketId {
  enum class Kind : std::uint8_t { none, tcp, udp, icmp };

  std::uint32_t index = 0;
  std::uint32_t tag = 0;  // kind in the top byte, generation below

  constexpr Kind kind() const { return static_cast<Kind>(tag >> 24U); }
  constexpr std::uint32_t generation() const { return tag & 0xffffffU; }
  constexpr explicit operator bool() const { return tag != 0; }
  constexpr bool operator==(const SocketId&) const = default;
};

// What a socket is bound to, as the set of addresses that it hears: one of ours; 0.0.0.0 is
// all of IPv4; :: is both families, or IPv6 alone (IPV6_V6ONLY).
struct BoundAddr {
  IpAddr addr;
  bool v6_only = false;

  bool covers(const IpAddr& a) const {
    if (addr == a) return true;
    if (addr == IpAddr::any_v4()) return a.is_v4();
    return addr == IpAddr::any_v6() && !(v6_only && a.is_v4());
  }
  bool overlaps(const BoundAddr& other) const { return covers(other.addr) || other.covers(addr); }
};

// Readiness of a socket, with poll(2)'s meaning of each bit.
namespace ready {
inline constexpr std::uint8_t kIn = 1;      // recv or accept will not block
inline constexpr std::uint8_t kOut = 2;     // send will not block
inline constexpr std::uint8_t kPri = 4;     // urgent data
inline constexpr std::uint8_t kErr = 8;     // an error waits in take_error
inline constexpr std::uint8_t kHup = 16;    // both directions are shut
inline constexpr std::uint8_t kRdHup = 32;  // the peer has shut its direction
}  // namespace ready

// "Something changed on this socket": look at Stack::readiness.
struct SocketEvent {
  SocketId socket;
  std::uint64_t cookie = 0;  // what set_cookie gave
  std::uint8_t readiness = 0;
};

struct Accepted {
  SocketId socket;
  Endpoint peer;
};

// Flags of send and recv (may be combined).
namespace msg {
inline constexpr unsigned kMore = 1;   // more follows at once: do not send a short segment
inline constexpr unsigned kOob = 2;    // urgent data (RFC 9293 3.8.5, RFC 6093)
inline constexpr unsigned kPeek = 4;   // leave the data in the queue
inline constexpr unsigned kTrunc = 8;  // udp: answer the datagram's full length
}  // namespace msg

// What recv_from tells of a datagram.
struct DatagramInfo {
  Endpoint source;
  IpAddr destination;  // IP_PKTINFO
  std::uint8_t interface = 0;
  std::uint8_t ttl = 0;
  std::uint8_t tos = 0;
  bool truncated = false;    // the buffer was smaller than the datagram: the rest is gone
  std::uint32_t length = 0;  // of the datagram
  Time received{};           // when it came
  std::uint32_t lost = 0;    // before, because the receive buffer was full (SO_RXQ_OVFL)
};

// What send_to may be told beside the destination; what is left out comes from the socket.
struct DatagramControl {
  static constexpr std::uint8_t kAnyInterface = 0xff;

  IpAddr source = {};  // IP_PKTINFO; :: none
  std::uint8_t interface = kAnyInterface;
  std::uint8_t ttl = 0;
  std::int16_t tos = -1;
};

enum class Shutdown : std::uint8_t { receive, send, both };

// Options of one socket, named as setsockopt(2) names them. Values are integers
// as there; durations in the unit given.
enum class SocketOption : std::uint8_t {
  reuse_address,
  reuse_port,
  keep_alive,
  linger,          // seconds; -1 off; 0 aborts on close
  send_buffer,     // bytes; read back doubled, as Linux
  receive_buffer,  // bytes; read back doubled, as Linux
  broadcast,
  oob_inline,
  no_delay,
  cork,
  max_segment,    // TCP_MAXSEG
  keep_idle,      // seconds
  keep_interval,  // seconds
  keep_count,
  syn_count,
  user_timeout,  // milliseconds
  linger2,       // seconds in FIN-WAIT-2 after close; -1 none
  quick_ack,
  defer_accept,  // seconds
  congestion_control,
  ttl,  // 1..255, or -1 for the default
  multicast_ttl,
  multicast_loop,
  multicast_all,        // hear groups that others of the host have joined
  multicast_interface,  // by index; -1: as routed
  bound_interface,      // SO_BINDTODEVICE, by index; -1: any
  icmp_filter,          // a raw socket's: bit n keeps messages of type n away
  tos,
  mtu_discover,    // IP_MTU_DISCOVER, by Linux' numbers
  path_mtu,        // read: the way's to the peer; written: IPV6_MTU, the longest packet
  dont_fragment,   // IPV6_DONTFRAG
  receive_error,   // IP_RECVERR
  v6_only,         // IPV6_V6ONLY; to be set before bind
  type,            // read only: 1 stream, 2 datagram
  accepting,       // read only: listening
  at_mark,         // read only: SIOCATMARK
  readable_bytes,  // read only: FIONREAD
  unsent_bytes,    // read only: SIOCOUTQ
};

// RFC 9293 3.3.2.
enum class TcpState : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

// What TCP_INFO tells.
struct TcpInfo {
  TcpState state{};
  std::uint8_t retransmits = 0;  // of the segment at snd.una
  std::uint8_t probes = 0;
  std::uint8_t backoff = 0;
  bool timestamps = false;
  bool sack = false;
  bool window_scaling = false;
  std::uint8_t send_scale = 0;
  std::uint8_t receive_scale = 0;
  std::uint8_t recovery = 0;  // 0 open, 1 disorder, 3 recovery, 4 loss (as Linux's ca_state)
  Duration rto{};
  Duration srtt{};
  Duration rttvar{};
  Duration min_rtt{};
  std::uint32_t send_mss = 0;  // payload of a full segment
  std::uint32_t receive_mss = 0;
  std::uint32_t advertised_mss = 0;
  std::uint32_t path_mtu = 0;
  std::uint32_t unacked = 0;  // segments in flight
  std::uint32_t sacked = 0;
  std::uint32_t lost = 0;
  std::uint32_t retransmitted = 0;  // segments of those in flight sent again
  std::uint32_t total_retransmits = 0;
  std::uint32_t reordering = 0;
  std::uint32_t cwnd = 0;         // segments
  std::uint32_t ssthresh = 0;     // segments
  std::uint32_t send_window = 0;  // bytes
  std::uint32_t receive_window = 0;
  std::uint32_t receive_space = 0;
  std::uint64_t bytes_acked = 0;
  std::uint64_t bytes_received = 0;
  std::uint32_t segments_out = 0;
  std::uint32_t segments_in = 0;
  std::uint32_t delivered = 0;
  std::uint32_t send_queue = 0;     // bytes not yet acknowledged or sent
  std::uint32_t receive_queue = 0;  // bytes not yet read
};

}  // namespace naru
