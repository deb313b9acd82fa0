// Udp: sockets, ports and datagrams (RFC 768, RFC 1122 4.1, RFC 8085).
//
//   ip ── input(packet) ──> demux ──> socket's receive queue ──> recv()
//   send() ──> one output queue ──> next_datagram() ──> stack ──> ip output
//
// Udp does not know ip: that a local address is ours and which source address a
// destination wants are answered by the caller (stack) before it calls.
#pragma once

#include <cstdint>
#include <span>

#include <naru/base/arena.hpp>
#include <naru/base/bytes.hpp>
#include <naru/base/result.hpp>
#include <naru/buf/packet.hpp>
#include <naru/buf/tx_frame.hpp>
#include <naru/config/counters.hpp>
#include <naru/config/options.hpp>
#include <naru/random/random.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "trace/ring.hpp"
#include "udp/socket.hpp"

namespace naru::udp {

inline constexpr std::uint32_t kMaxPayload = 65'507;  // over IPv4

// Where a datagram goes, apart from its bytes. What is left out comes from the socket.
struct SendTo {
  Endpoint remote;  // port 0 and address :: mean "as connected"
  IpAddr source;    // IP_PKTINFO, or what the destination cache chose; :: none
  std::uint8_t interface = 0xff;
  std::uint8_t ttl = 0;
  std::int16_t tos = -1;
  std::uint16_t segment_size = 0;  // UDP_SEGMENT: cut into datagrams of this many bytes
  bool to_broadcast = false;       // the caller found the address to be a broadcast
};

// A datagram on its way out. `payload` is a piece of `packet`.
struct DatagramOut {
  Packet* packet = nullptr;
  Bytes payload;
  IpAddr source;  // :: where the destination cache is to choose
  Endpoint remote;
  std::uint16_t source_port = 0;
  std::uint8_t interface = 0xff;
  std::uint8_t ttl = 0;  // 0: the default
  std::uint8_t tos = 0;
  bool dont_fragment = false;
  bool loop = true;  // IP_MULTICAST_LOOP
  std::uint32_t socket = 0;
};

struct RecvFlags {
  bool peek = false;
};

// One datagram read.
struct Received {
  std::size_t size = 0;       // bytes copied
  std::size_t full_size = 0;  // of the datagram: greater than size when it was cut (MSG_TRUNC)
  Endpoint source;
  IpAddr destination;  // IP_PKTINFO
  std::uint8_t interface = 0;
  std::uint8_t ttl = 0;
  std::uint8_t tos = 0;
};

// A socket whose readiness has changed.
struct ReadyEvent {
  Handle handle;
  std::uint64_t cookie = 0;
  std::uint8_t ready = 0;  // Ready bits, all of them as they are now
};

class Udp {
 public:
  // Keeps pointers to its arguments, all of which live in the arena.
  [[nodiscard]] bool init(Arena& arena, const Options& options, Counters& counters,
                          trace::Ring& trace, Random& random, PacketPool& pool);

  // --- sockets ---
  Result<Handle> open(std::uint64_t cookie);
  // Datagrams already queued for sending still leave.
  Status close(Handle handle);
  // nullptr for a stale handle.
  UdpSocket* find(Handle handle);

  // Port 0 takes an ephemeral one (RFC 6056). The address is ours, a group or any.
  // Errors: invalid (bound already), address_in_use.
  Status bind(Handle handle, const Endpoint& local);
  // `source` is the address that the destination cache chose. Error::invalid for port 0... see
  // bind.
  Status connect(Handle handle, const Endpoint& remote, const IpAddr& source);
  // connect() with AF_UNSPEC.
  Status disconnect(Handle handle);
  // Error::not_connected unless connected, as in Linux.
  Status shutdown(Handle handle, bool read, bool write);

  Status set_buffers(Handle handle, std::uint32_t receive, std::uint32_t send);

  // --- multicast ---
  // Group membership of the socket; the caller joins the group at ip too.
  Status join(Handle handle, std::uint8_t interface, const IpAddr& group);
  Status leave(Handle handle, std::uint8_t interface, const IpAddr& group);

  // --- data ---
  // All of it or nothing. Errors: destination_required, invalid (port 0),
  // message_size, access_denied (broadcast), broken_pipe, would_block, or the
  // error that was pending.
  Result<std::size_t> send(Handle handle, std::span<const Bytes> parts, const SendTo& to);
  Result<std::size_t> send(Handle handle, Bytes bytes, const SendTo& to = {}) {
    return send(handle, std::span(&bytes, 1), to);
  }
  // Error::would_block when nothing waits. A socket shut for reading answers 0 bytes.
  Result<Received> recv(Handle handle, MutableBytes out, RecvFlags flags = {});
  // SO_ERROR: takes the pending error.
  Error take_error(Handle handle);
  std::uint8_t readiness(const UdpSocket& socket) const;

  // --- output ---
  // The oldest datagram; it stays the oldest until done() was called. False when there is none.
  bool next_datagram(DatagramOut& out);
  // The frame's UDP header at `transport_offset`, and its payload. ip adds the rest.
  static void emit(const DatagramOut& out, std::uint16_t transport_offset, TxFrame& frame);
  // The datagram of next_datagram() was sent, held or dropped: its buffer is given back.
  void done();

  // --- input ---
  // A packet as ip delivers it. Takes it, except when the answer is
  // Drop::udp_no_port: then it is still the caller's, who may answer with an ICMP
  // error. `group`: the IP destination is broadcast or multicast.
  Drop input(Packet* packet, bool group, Time now);
  // An ICMP error about a datagram from `local` to `remote`; `hard` ones end up at
  // a connected socket even without IP_RECVERR (RFC 1122 4.1.3.3).
  void on_error(const Endpoint& local, const Endpoint& remote, Error error, bool hard);

  // --- readiness ---
  bool pop_ready(ReadyEvent& event);
};

}  // namespace naru::udp
