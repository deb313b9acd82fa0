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
#include <utility>

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

#include "base/change_mark.hpp"
#include "base/hash_chains.hpp"
#include "base/list.hpp"
#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "trace/ring.hpp"
#include "udp/socket.hpp"

namespace naru::udp {

inline constexpr std::uint32_t kMaxPayload = 65'507;    // over IPv4
inline constexpr std::uint32_t kMaxPayloadV6 = 65'527;  // over IPv6

// What a socket without an address is bound to when it sends.
inline IpAddr wildcard_for(const IpAddr& remote) {
  return remote.is_v4() ? IpAddr::any_v4() : IpAddr::any_v6();
}

// Where a datagram goes, apart from its bytes. What is left out comes from the socket.
struct SendTo {
  Endpoint remote = {};  // port 0 and address :: mean "as connected"
  IpAddr source = {};    // IP_PKTINFO, or what the destination cache chose; :: none
  std::uint8_t interface = kAnyInterface;
  std::uint8_t ttl = 0;
  std::int16_t tos = -1;
  std::uint16_t segment_size = 0;  // UDP_SEGMENT: cut into datagrams of this many bytes
  bool to_broadcast = false;       // the caller found the address to be a broadcast
};

// A datagram on its way out. `payload` is a piece of a buffer that is given back by done().
struct DatagramOut {
  Bytes payload;
  IpAddr source;  // :: where the destination cache is to choose
  Endpoint remote;
  std::uint16_t source_port = 0;
  std::uint8_t interface = kAnyInterface;
  std::uint8_t ttl = 0;  // 0: the default
  std::uint8_t tos = 0;
  bool dont_fragment = false;
  bool fragment_here = true;         // else routers may
  bool ignores_path = false;         // as long as the interface allows
  std::uint16_t longest_packet = 0;  // of IPv6; 0: what the path carries
  bool loop = true;                  // IP_MULTICAST_LOOP
  std::uint32_t socket = 0;          // index; kNoIndex when it was closed meanwhile
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
  Time at{};  // when it came
};

// A socket that something happened to.
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
  // Datagrams already queued for sending still leave. The caller leaves the socket's
  // groups at ip first (for_each_group).
  Status close(Handle handle);
  // nullptr for a stale handle.
  UdpSocket* find(Handle handle) {
    if (!sockets_.is_live(handle.index)) return nullptr;
    UdpSocket* socket = sockets_.at(handle.index);
    return socket->generation == handle.generation ? socket : nullptr;
  }
  Handle handle_of(const UdpSocket& socket) const {
    return {sockets_.index_of(&socket), socket.generation};
  }

  // Port 0 takes an ephemeral one (RFC 6056). The address is ours, a group, a broadcast
  // or any. Errors: invalid (bound already), address_in_use.
  Status bind(Handle handle, const Endpoint& local);
  // Takes an ephemeral port where there is none; `source`, which the destination cache
  // chose, becomes the local address where there is none. Error::access_denied for a
  // broadcast address without SO_BROADCAST.
  Status connect(Handle handle, const Endpoint& remote, const IpAddr& source,
                 bool to_broadcast = false);
  // connect() with AF_UNSPEC: gives up what connect() chose.
  Status disconnect(Handle handle);
  // Error::not_connected unless connected, as in Linux.
  Status shutdown(Handle handle, bool read, bool write);

  // --- multicast ---
  // The caller joins and leaves the group at ip too. Errors: address_in_use,
  // address_not_available, no_buffers.
  Status join(Handle handle, std::uint8_t interface, const IpAddr& group);
  Status leave(Handle handle, std::uint8_t interface, const IpAddr& group);
  template <class F>
  void for_each_group(const UdpSocket& socket, F&& f) {  // f(const Group&)
    for (std::uint32_t link = socket.groups; link != 0;) {
      const Group& group = *groups_.at(link - 1);
      link = group.next;
      f(group);
    }
  }

  // --- data ---
  // All of it or nothing. Errors: destination_required, invalid (port 0), message_size,
  // access_denied (broadcast), broken_pipe, would_block, no_buffers, or the error that
  // was pending.
  Result<std::size_t> send(Handle handle, std::span<const Bytes> parts, const SendTo& to);
  Result<std::size_t> send(Handle handle, Bytes bytes, const SendTo& to = {}) {
    return send(handle, std::span(&bytes, 1), to);
  }
  // Error::would_block when nothing waits, or the error that was pending.
  Result<Received> recv(Handle handle, MutableBytes out, RecvFlags flags = {});
  // What became of earlier datagrams (MSG_ERRQUEUE); Error::would_block when there is no news.
  Result<SocketError> recv_error(Handle handle, MutableBytes out);
  // SO_ERROR: takes the pending error.
  Error take_error(UdpSocket& socket) { return std::exchange(socket.pending_error, Error::none); }
  static std::uint8_t readiness(const UdpSocket& socket);

  // --- output ---
  bool has_output() const { return !output_.empty(); }
  // The oldest datagram; it stays the oldest until done() was called. False when there is none.
  bool next_datagram(DatagramOut& out) const;
  // The frame's UDP header at `transport_offset`, and its payload. ip adds the rest.
  static void emit(const DatagramOut& out, std::uint16_t transport_offset, TxFrame& frame);
  // The datagram of next_datagram() was sent, held or dropped: its buffer is given back.
  void done(Time now);

  // --- input ---
  // A packet as ip delivers it. Takes it, except when the answer is Drop::udp_no_port: then
  // it is still the caller's, who may answer with an ICMP error. `group`: the IP
  // destination is a broadcast or multicast address.
  Drop input(Packet* packet, bool group, Time now);
  // An ICMP error about a datagram from `local` to `remote`; a `hard` one ends up at a
  // connected socket even without IP_RECVERR (RFC 1122 4.1.3.3). With it, `detail` and the
  // datagram's payload go into the error queue. False: nobody can have sent that.
  bool on_error(const Endpoint& local, const Endpoint& remote, Error error, bool hard,
                const SocketError* detail = nullptr, Bytes payload = {});

  // --- after a death ---
  // Nobody is changing a socket now.
  void rest() { change_.clear(); }
  // Whoever was changing a socket has died in the middle of it: chains and lists are made
  // again from the sockets. What was to be sent is lost, and so is what waited in the
  // socket that was being changed, which keeps its address. The packets of the others are
  // kept in PacketPool, which the caller has let forget() and rebuilds. False when two
  // sockets hold the same packet.
  bool salvage();
  template <class F>
  void for_each_socket(F&& f) {  // f(const UdpSocket&)
    sockets_.for_each([&](const UdpSocket& socket) { f(socket); });
  }

  std::uint32_t sockets_in_use() const { return sockets_.in_use(); }

  // --- readiness ---
  // Sockets that something happened to: a datagram or an error came, the send buffer has room
  // again. Each once, until it is popped.
  bool pop_ready(ReadyEvent& event);

 private:
  struct Arrival {  // what a datagram is demultiplexed by
    Endpoint local;
    Endpoint remote;
    std::uint8_t interface = 0;
  };

  UdpSocket* change(Handle handle) {
    UdpSocket* socket = find(handle);
    change_.set(socket);
    return socket;
  }
  std::uint64_t tuple_hash(const Endpoint& local, const Endpoint& remote) const;
  bool conflicts(const UdpSocket& socket, const Endpoint& local, bool with_reuse) const;
  Result<std::uint16_t> choose_port(const UdpSocket& socket, const IpAddr& local);
  Status take_port(UdpSocket& socket, const Endpoint& local);
  void forget_connection(UdpSocket& socket);
  bool is_member(const UdpSocket& socket, std::uint8_t interface, const IpAddr& group) const;

  // demux.cpp
  UdpSocket* find_connected(const Arrival& arrival) const;
  UdpSocket* find_bound(const Arrival& arrival) const;
  UdpSocket* find_receiver(const Arrival& arrival) const;
  bool takes_group(const UdpSocket& socket, const Arrival& arrival) const;

  // input.cpp
  Drop deliver(UdpSocket& socket, Packet* payload, Time now);
  Drop deliver_to_all(const Arrival& arrival, Packet* packet, Time now);
  Packet* copy_of(const Packet& packet);
  Packet* into_smaller_buffer(Packet* packet);

  // salvage.cpp
  void salvage_groups(UdpSocket& socket);
  bool salvage_received(UdpSocket& socket);
  void find_again(UdpSocket& socket);

  // output.cpp
  Status check_send(UdpSocket& socket, std::size_t size, const SendTo& to) const;
  Packet* make_packet(std::span<const Bytes> parts, std::size_t size);

  void notify(UdpSocket& socket) {
    if (!socket.is_linked()) ready_.push_back(&socket);
  }

  const Options* options_ = nullptr;
  Counters* counters_ = nullptr;
  trace::Ring* trace_ = nullptr;
  Random* random_ = nullptr;
  PacketPool* pool_ = nullptr;
  SipKey key_;
  Slab<UdpSocket> sockets_;
  HashChains<UdpSocket, &UdpSocket::next_by_port> by_port_;          // all that are bound
  HashChains<UdpSocket, &UdpSocket::next_connected> by_connection_;  // those connected, too
  Slab<Group> groups_;
  List<UdpSocket, ReadyOrder> ready_;
  ChangeMark change_;  // the socket that is being changed
  // Datagrams in the order of send(): Packet::source and so on are the datagram's, `seq` is the
  // socket's index, `gso_size` the size to cut it to.
  PacketQueue output_;
};

}  // namespace naru::udp
