// The state of a stack, in its arena; and the ports, in the process.
#pragma once

#include <algorithm>
#include <array>

#include <naru/stack/stack.hpp>

#include "base/change_mark.hpp"
#include "icmp/icmp.hpp"
#include "ip/ip.hpp"
#include "tcp/tcp.hpp"
#include "udp/udp.hpp"

namespace naru {

struct StackState {
  explicit StackState(const StackConfig& config) : options(config.options), random(config.random) {}
  [[nodiscard]] bool init(Arena& arena, std::uint32_t trace_events);

  Time now{};
  Options options;
  Random random;
  Counters counters;
  trace::Ring trace;
  PacketPool packets;
  ip::Ip ip;
  tcp::Tcp tcp;
  udp::Udp udp;
  icmp::Icmp icmp;
  PacketQueue loopback;  // IP packets to ourselves
  // Frames that a link refused, by interface: they go before anything else.
  std::array<PacketQueue, ip::kMaxInterfaces> refused;
};

struct StackPorts {
  std::array<link::Link*, ip::kMaxInterfaces> links{};
  std::array<link::Caps, ip::kMaxInterfaces> caps{};
  // The last burst was full: the ring was not emptied, and will not ring.
  std::array<bool, ip::kMaxInterfaces> ring_busy{};
  // The burst being put together, all for one interface.
  std::array<TxFrame, link::kBurst> burst;
  std::size_t burst_size = 0;
  // Packets that frames of the burst lie in: given back when it has left.
  std::array<Packet*, link::kBurst> owned;
  std::size_t owned_count = 0;
  std::uint8_t burst_interface = 0;
  std::size_t room = 0;  // frames that the link takes beyond the burst
  bool blocked = false;  // some link had no room in this turn
};

// The turns of the stack, one file each. They work on both halves of it.
struct Turn {
  StackState& s;
  StackPorts& p;

  // receive.cpp
  bool receive();
  void trace_burst(std::uint8_t interface, std::size_t frames);
  void input_burst(std::span<Packet*> burst, std::uint8_t interface);
  void input(Packet* packet, std::uint8_t interface);
  void carry_loopback();
  void pass_errors();
  void pass_icmp();
  // flush.cpp
  void flush();

 private:
  void deliver(const ip::Input& in);
  void input_loopback();
  void select(std::uint8_t interface);
  void push(std::uint8_t interface);
  void transmit();
  void trace_transmit(std::span<const TxFrame> sent);
  void loop_back(const TxFrame& frame);
  void refuse(std::uint8_t interface, const TxFrame& frame);
  bool dispatch(const ip::Verdict& verdict);
  void send_packet(Packet* packet);
  void flush_refused();
  void flush_ip();
  void flush_udp();
  void flush_icmp();
  void flush_replies();
  void flush_tcp();
  bool flush_connection(tcp::Connection& c);
  bool find_route(tcp::Connection& c);
  tcp::PathLimits select_path(std::uint32_t destination);
};

// As long as it lives the configuration is being changed.
class Configuring : Changing {
 public:
  explicit Configuring(StackState& s) : Changing(s.ip.configuration()) {}
};

std::uint8_t icmp_readiness(const icmp::IcmpSocket& socket);

// How long a packet to `d` may be for a socket that goes by the path or by the interface, and
// that may want it shorter than that (IPV6_MTU).
inline std::uint16_t datagram_mtu(const ip::Ip& ip, const ip::Destination& d, bool ignores_path,
                                  std::uint16_t longest) {
  const auto mtu = ignores_path ? static_cast<std::uint16_t>(ip.interface_mtu(d.interface)) : d.mtu;
  return d.is_v6() && longest != 0 ? std::min(longest, mtu) : mtu;
}

// Every socket call begins with it. A free slot is nobody's, whatever its generation.
inline tcp::Connection* Stack::find_tcp(SocketId id) const {
  tcp::Tcp& t = state_->tcp;
  if (id.kind() != SocketId::Kind::tcp || id.index >= t.connections.capacity()) return nullptr;
  tcp::Connection* c = t.connections.at(id.index);
  tcp::prefetch(c);
  return c->generation == id.generation() && c->has(tcp::kOwned) ? c : nullptr;
}

// And one that changes the socket with this.
inline tcp::Connection* Stack::change_tcp(SocketId id) {
  tcp::Connection* c = find_tcp(id);
  if (c != nullptr) state_->tcp.change.set(c);
  return c;
}

}  // namespace naru
