// Icmp: sockets that speak ICMP (RFC 792) or ICMPv6 (RFC 4443), as Linux's raw(7) and icmp(7).
//
//   ip ── input(message) ──> each socket that it is for ──> recv()
//   send() ──> one output queue ──> next_message() ──> stack ──> ip output
//
// ip answers echo requests and understands errors whether or not somebody listens here.
#pragma once

#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/base/bytes.hpp>
#include <naru/base/result.hpp>
#include <naru/buf/packet.hpp>
#include <naru/config/counters.hpp>
#include <naru/config/options.hpp>
#include <naru/random/random.hpp>
#include <naru/time/time.hpp>

#include "base/slab.hpp"
#include "icmp/socket.hpp"

namespace naru::icmp {

inline constexpr std::uint32_t kMaxMessage = 65'515;  // over IPv4
inline constexpr std::uint32_t kMaxSockets = 256;

// A message on its way out.
struct MessageOut {
  MutableBytes message;  // of IPv6 without its checksum
  bool is_v6 = false;
  IpAddr source;  // :: where the destination cache is to choose
  IpAddr remote;
  std::uint8_t ttl = 0;  // 0: the default
  std::uint8_t tos = 0;
};

// One message read.
struct Received {
  std::size_t size = 0;
  std::size_t full_size = 0;
  Endpoint source;
  IpAddr destination;
  std::uint8_t interface = 0;
  std::uint8_t ttl = 0;
  std::uint8_t tos = 0;
  Time at{};  // when it came
};

class Icmp {
 public:
  // Keeps pointers to its arguments, all of which live in the arena.
  [[nodiscard]] bool init(Arena& arena, const Options& options, Counters& counters, Random& random,
                          PacketPool& pool);

  Result<Handle> open(bool is_raw, bool is_v6);
  void close(IcmpSocket& socket);
  // nullptr for a stale handle.
  IcmpSocket* find(Handle handle) {
    if (!sockets_.is_live(handle.index)) return nullptr;
    IcmpSocket* socket = sockets_.at(handle.index);
    return socket->generation == handle.generation ? socket : nullptr;
  }
  Handle handle_of(const IcmpSocket& socket) const {
    return {sockets_.index_of(&socket), socket.generation};
  }

  // The port is the identifier; 0 takes a free one. Errors: address_in_use.
  Status bind(IcmpSocket& socket, const Endpoint& local);
  // Errors: invalid (no message of echo, or none at all), message_size, would_block,
  // no_buffers, access_denied, or the one that was pending.
  Result<std::size_t> send(IcmpSocket& socket, Bytes message, const IpAddr& remote);
  Result<Received> recv(IcmpSocket& socket, MutableBytes out, bool peek);

  // What became of earlier messages (MSG_ERRQUEUE); Error::would_block when there is no news.
  Result<SocketError> recv_error(IcmpSocket& socket, MutableBytes out);

  // An ICMP error about a message from `local` to `remote`, of which this is quoted; a `hard`
  // one ends up at a connected socket even without IP_RECVERR. False: nobody sent that.
  bool on_error(const IpAddr& local, const IpAddr& remote, const SocketError& error, bool hard,
                Bytes message);

  // A message as ip has checked it: data at the ICMP header, the IP header before it. It
  // stays the caller's.
  void input(const Packet& packet, Time now);

  std::uint32_t sockets_in_use() const { return sockets_.in_use(); }
  bool has_output() const { return !output_.empty(); }
  // The oldest message; it stays the oldest until done() was called.
  bool next_message(MessageOut& out) const;
  void done();

  // A socket that something happened to; nullptr: there is none.
  IcmpSocket* pop_ready();

  // After a death inside: the sockets stay, what was on its way in or out is lost.
  void salvage();
  template <class F>
  void for_each_socket(F&& f) {  // f(const IcmpSocket&)
    sockets_.for_each([&](const IcmpSocket& socket) { f(socket); });
  }

 private:
  bool is_for(const IcmpSocket& socket, const Packet& packet) const;
  void deliver(IcmpSocket& socket, const Packet& packet, Time now);
  bool has_sent(const IcmpSocket& socket, const IpAddr& local, const IpAddr& remote,
                Bytes message) const;
  bool is_taken(std::uint16_t identifier);
  Status take_identifier(IcmpSocket& socket, std::uint16_t wanted);

  const Options* options_ = nullptr;
  Counters* counters_ = nullptr;
  Random* random_ = nullptr;
  PacketPool* pool_ = nullptr;
  Slab<IcmpSocket> sockets_;
  List<IcmpSocket, ReadyOrder> ready_;
  PacketQueue output_;  // Packet::seq is the socket's index
};

}  // namespace naru::icmp
