// Ip: interfaces, routes, neighbours, and every IP packet that comes or goes.
//
//   frames ── input() ──────────> deliver: layer-4 unit      (stack gives it to tcp, udp)
//                │ ARP, ICMP, forwarding, fragments
//                v
//          pop_output() <── held, fragments, ICMP, ARP
//                                    ^
//   TxFrame ── output(destination) ──┴─> send on interface   (stack gives it to the link)
//
// Ip neither transmits nor asks for the time. All of its state is plain data in
// the arena. It is of the weak end system model (RFC 1122 3.3.4.2): a packet for
// any of our addresses is taken from any interface; 127/8 only from "lo".
#pragma once

#include <cstdint>
#include <string_view>

#include <naru/base/arena.hpp>
#include <naru/base/result.hpp>
#include <naru/buf/packet.hpp>
#include <naru/buf/tx_frame.hpp>
#include <naru/config/counters.hpp>
#include <naru/config/options.hpp>
#include <naru/random/random.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "ip/destination.hpp"
#include "ip/types.hpp"
#include "trace/ring.hpp"

namespace naru::ip {

class Ip {
 public:
  // Keeps pointers to its arguments, all of which live in the arena. Interface 0,
  // "lo" with 127.0.0.1/8, exists and is up afterwards.
  [[nodiscard]] bool init(Arena& arena, const Options& options, Counters& counters,
                          trace::Ring& trace, Random& random, PacketPool& pool);

  // --- interfaces ---
  // Error::no_memory beyond kMaxInterfaces, Error::invalid for an MTU below 68
  // (RFC 791) or a group MAC address.
  Result<std::uint8_t> add_interface(std::string_view name, const MacAddr& mac, std::uint32_t mtu,
                                     Time now);
  Status set_mtu(std::uint8_t interface, std::uint32_t mtu);
  // Down: its neighbours are forgotten, and nothing is routed over it.
  Status set_up(std::uint8_t interface, bool up, Time now);
  // Announces its addresses (RFC 5227 2.3).
  Status set_mac(std::uint8_t interface, const MacAddr& mac, Time now);
  std::uint8_t interface_count() const;
  std::string_view interface_name(std::uint8_t interface) const;
  MacAddr interface_mac(std::uint8_t interface) const;
  std::uint32_t interface_mtu(std::uint8_t interface) const;
  bool interface_up(std::uint8_t interface) const;

  // --- addresses ---
  // The network of the prefix becomes a connected route. With arp.probe_count the
  // address is tentative until it was probed (RFC 5227).
  Status add_address(std::uint8_t interface, const Prefix& prefix, Time now);
  Status remove_address(std::uint8_t interface, const IpAddr& addr);
  // One of our unicast addresses and usable (all of 127/8 is).
  bool is_local(const IpAddr& addr) const;
  // Limited broadcast, or the directed broadcast of one of our networks.
  bool is_broadcast(const IpAddr& addr) const;
  template <class F>
  void for_each_address(F&& f);  // f(const AddressInfo&)

  // Multicast groups that we listen to (RFC 1112); counted, so every join needs a leave.
  Status join(std::uint8_t interface, const IpAddr& group);
  void leave(std::uint8_t interface, const IpAddr& group);

  // --- routes ---
  // Error::network_unreachable when the gateway is not on a connected network.
  Status add_route(const Route& route);
  // The route with this prefix, gateway and interface.
  Status remove_route(const Route& route);
  template <class F>
  void for_each_route(F&& f);  // f(const Route&)

  // --- neighbours ---
  Status add_permanent_neighbour(std::uint8_t interface, const IpAddr& addr, const MacAddr& mac);
  template <class F>
  void for_each_neighbour(F&& f);  // f(const NeighbourInfo&)

  // --- destinations ---
  // The way to `remote`, from `local` (or any address of ours) over `interface`
  // (or any). 0.0.0.0 is ourselves, as in Linux. Errors: network_unreachable,
  // host_unreachable (the neighbour does not answer), address_not_available (local
  // is not ours), invalid (a loopback source off the host).
  Result<std::uint32_t> destination(const IpAddr& remote, const IpAddr& local, Time now,
                                    std::uint8_t interface = kAnyInterface);
  DestinationRef ref(std::uint32_t index) const;
  // False when anything about it changed: then ask destination() again. False for
  // a default-made reference.
  bool is_current(const DestinationRef& ref) const;
  const Destination& at(std::uint32_t index) const;

  // The peer makes progress: no need to ask for its address (RFC 1122 2.3.2.1).
  void confirm_neighbour(std::uint32_t destination, Time now);
  // The peer does not seem to get what we send: another gateway may do better.
  void doubt_neighbour(std::uint32_t destination, Time now);
  // After the quoted sequence number was found right (RFC 5927 4).
  void confirm_path_mtu(const IpAddr& remote, std::uint32_t mtu, Time now);

  // --- output ---
  // Where the layer-4 header begins in TxFrame::header.
  static constexpr std::uint16_t transport_offset(std::uint32_t /*destination*/) { return 34; }

  // The frame has its layer-4 header at transport_offset, header_length, spans,
  // payload_length, gso_size and needs_checksum; this adds the rest.
  Verdict output(TxFrame& frame, std::uint32_t destination, const SendParams& params, Time now);

  // The next whole frame that ip itself wants to send, on packet->interface; the
  // caller's to give back to the pool when describe() and the link are done with it.
  Packet* pop_output();
  bool has_output() const;
  // The frame of a packet from pop_output() in the way that links take frames. The
  // payload span points into the packet.
  void describe(const Packet& packet, TxFrame& frame) const;

  // --- input ---
  // A frame from a link, Ethernet header first, packet->interface set. May be a chain.
  Input input(Packet* frame, Time now);
  // A packet to ourselves, IP header first.
  Input input_loopback(Packet* packet, Time now);

  // --- ICMP ---
  // What others (or ARP) say about packets that we sent.
  bool pop_error(ErrorReport& report);
  // Complains about a received packet, which has network_offset and interface set.
  // Says nothing where RFC 1122 3.2.2 forbids it or the rate limit is reached.
  // `value` is the MTU for fragmentation_needed, the pointer for parameter_problem.
  void send_error(IcmpError error, const Packet& offending, Time now, std::uint32_t value = 0);

  // --- time ---
  Time next_deadline() const;
  void on_timer(Time now);
};

}  // namespace naru::ip
