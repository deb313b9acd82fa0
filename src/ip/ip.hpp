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

#include "ip/autoconf/learned.hpp"
#include "ip/autoconf/router_advertiser.hpp"
#include "ip/autoconf/router_solicitor.hpp"
#include "ip/context.hpp"
#include "ip/destination_cache.hpp"
#include "ip/forwarding/passage.hpp"
#include "ip/fragment.hpp"
#include "ip/groups/group_reporter.hpp"
#include "ip/icmp/icmp_limiter.hpp"
#include "ip/interface.hpp"
#include "ip/nat/nat.hpp"
#include "ip/neighbour/arp_probe.hpp"
#include "ip/neighbour/neighbour.hpp"
#include "ip/reassembly.hpp"
#include "ip/route_table.hpp"
#include "ip/types.hpp"
#include "trace/ring.hpp"
#include "wire/icmpv4.hpp"
#include "wire/icmpv6.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6_extension.hpp"
#include "wire/ndp.hpp"
#include "wire/ndp_router.hpp"

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
  // Error::invalid below 1280 where the interface speaks IPv6 (RFC 8200 5).
  Status set_mtu(std::uint8_t interface, std::uint32_t mtu);
  // Down: its neighbours are forgotten, and nothing is routed over it.
  Status set_up(std::uint8_t interface, bool up, Time now);
  // Announces its addresses (RFC 5227 2.3).
  Status set_mac(std::uint8_t interface, const MacAddr& mac, Time now);
  std::uint8_t interface_count() const { return interfaces_.count(); }
  std::string_view interface_name(std::uint8_t interface) const {
    return interfaces_.at(interface).name.data();
  }
  MacAddr interface_mac(std::uint8_t interface) const { return interfaces_.at(interface).mac; }
  std::uint32_t interface_mtu(std::uint8_t interface) const {
    return interfaces_.at(interface).mtu;
  }
  bool interface_up(std::uint8_t interface) const { return interfaces_.at(interface).up; }

  // --- addresses ---
  // The network of the prefix becomes a connected route. With arp.probe_count the
  // address is tentative until it was probed (RFC 5227, RFC 4862 5.4). The first IPv6 address of an
  // interface brings it a link-local one.
  Status add_address(std::uint8_t interface, const Prefix& prefix, Time now);
  Status remove_address(std::uint8_t interface, const IpAddr& addr);
  // Not for new connections, where another will do; or for them again.
  Status set_deprecated(const IpAddr& addr, bool on);
  // The interface speaks IPv6: it has a link-local address (RFC 4291 2.1), made as RFC 7217
  // says where there is none. Error::invalid for an MTU below 1280 (RFC 8200 5).
  Status enable_ipv6(std::uint8_t interface, Time now);
  // It listens to routers, makes itself addresses of the prefixes that they announce, and takes
  // them for gateways (RFC 4861 6.3, RFC 4862); not any more: what came by that goes.
  Status set_autoconf(std::uint8_t interface, bool on, Time now);
  // What the addresses that are made up come from; by chance where it is not said.
  void set_stable_secret(const SipKey& secret) { stable_secret_ = secret; }
  // The hosts of a link are told of us as their router (RFC 4861 6.2), by a router only.
  Status advertise(std::uint8_t interface, const RouterAdvertising& what, Time now);
  void stop_advertising(std::uint8_t interface, Time now);
  const Interface& at_interface(std::uint8_t interface) const { return interfaces_.at(interface); }
  template <class F>
  void for_each_learned(std::uint8_t interface, F&& f) {  // f(const Learned&)
    learned_.for_each(interface, f);
  }
  // One of our unicast addresses and usable (all of 127/8 is).
  bool is_local(const IpAddr& addr) const { return interfaces_.is_local(addr); }
  // Limited broadcast, or the directed broadcast of one of our networks.
  bool is_broadcast(const IpAddr& addr) const {
    return addr.is_limited_broadcast() || interfaces_.find_broadcast(addr) != nullptr;
  }
  template <class F>
  void for_each_address(F&& f) {  // f(const AddressInfo&)
    interfaces_.for_each_address([&](const Address& a) {
      f(AddressInfo{.prefix = a.prefix,
                    .interface = a.interface,
                    .state = a.state,
                    .origin = a.origin,
                    .is_deprecated = a.is_deprecated});
    });
  }

  // Whether the stack wants copies of the ICMP messages that come, and the oldest of them:
  // data at the ICMP header, the IP header before it. nullptr: none.
  void copy_icmp(bool wanted) { copies_icmp_ = wanted; }
  bool has_icmp() const { return !icmp_copies_.empty(); }
  Packet* pop_icmp() { return icmp_copies_.pop_front(); }

  // Multicast groups that we listen to (RFC 1112), and tell routers of (RFC 3376); counted, so
  // every join needs a leave.
  Status join(std::uint8_t interface, const IpAddr& group, Time now);
  void leave(std::uint8_t interface, const IpAddr& group, Time now);

  // --- routes ---
  // Error::network_unreachable when the gateway is not on a network of the interface.
  Status add_route(const Route& route);
  // The route with this prefix, gateway and interface.
  Status remove_route(const Route& route);
  template <class F>
  void for_each_route(F&& f) {  // f(const Route&)
    routes_.for_each(f);
  }

  // --- NAT ---
  // From now on what is forwarded to `outside` gets the first address of that interface
  // (RFC 3022), and from there only what the inside asked for is forwarded. Error::no_memory
  // without Option::nat_max_sessions, Error::address_not_available without an address.
  Status set_nat(std::uint8_t outside);
  // What comes for a port of the outside address goes to `inside`. Errors: address_in_use,
  // no_memory, invalid (no NAT, or nothing that has ports).
  Status add_port_forward(Protocol protocol, std::uint16_t outside_port, const Endpoint& inside,
                          Time now);
  Status remove_port_forward(Protocol protocol, std::uint16_t outside_port);
  // A socket of ours wants the port: false when somebody inside has it.
  bool reserve_port(Protocol protocol, std::uint16_t port) {
    return nat_.table.reserve(protocol, port);
  }
  const NatTable& nat_table() const { return nat_.table; }

  // --- neighbours ---
  Status add_permanent_neighbour(std::uint8_t interface, const IpAddr& addr, const MacAddr& mac,
                                 Time now);
  template <class F>
  void for_each_neighbour(F&& f) {  // f(const NeighbourInfo&)
    neighbours_.for_each([&](const Neighbour& n) {
      f(NeighbourInfo{.addr = n.addr, .mac = n.mac, .interface = n.interface, .state = n.state});
    });
  }

  // --- destinations ---
  // The way to `remote`, from `local` (or :: for any address of ours) over `interface`
  // (or any). 0.0.0.0 is ourselves, as in Linux. Errors: network_unreachable,
  // address_not_available (local is not ours), invalid (a loopback source off the host).
  Result<std::uint32_t> destination(const IpAddr& remote, const IpAddr& local, Time now,
                                    std::uint8_t interface = kAnyInterface);
  DestinationRef ref(std::uint32_t index) const {
    return {index, destinations_.at(index)->generation};
  }
  // False when anything about it changed: then ask destination() again. False for
  // a default-made reference.
  bool is_current(const DestinationRef& ref) const {
    if (ref.generation == 0) return false;
    const Destination& d = *destinations_.at(ref.index);
    return d.generation == ref.generation && d.epoch == epoch_;
  }
  const Destination& at(std::uint32_t index) const { return *destinations_.at(index); }

  // The peer makes progress: no need to ask for its address (RFC 1122 2.3.2.1).
  void confirm_neighbour(std::uint32_t destination, Time now) {
    const Destination& d = *destinations_.at(destination);
    if (d.neighbour == kNoIndex) return;
    Neighbour* n = neighbours_.at(d.neighbour);  // of that version it is the one, and no other
    const bool is_it = n->version != 0 && n->version == d.neighbour_version;
    if (is_it || neighbour_of(d) != nullptr) neighbours_.confirm(*n, now);
  }
  // The peer does not seem to get what we send: its address is asked for again, and where
  // the neighbour does not answer another gateway is tried (RFC 1122 3.3.1.4).
  void doubt_neighbour(std::uint32_t destination) {
    if (Neighbour* n = neighbour_of(*destinations_.at(destination))) neighbours_.doubt(*n);
  }
  // After the quoted sequence number was found right (RFC 5927 4).
  void confirm_path_mtu(const IpAddr& remote, std::uint32_t mtu, Time now);

  // --- output ---
  // Where the layer-4 header begins in TxFrame::header.
  std::uint16_t transport_offset(std::uint32_t destination) const {
    return destinations_.at(destination)->header_size;
  }

  // The frame has its layer-4 header at transport_offset, header_length, spans,
  // payload_length, gso_size and needs_checksum; this adds the rest. `destination`
  // is current.
  Verdict output(TxFrame& frame, std::uint32_t destination, const SendParams& params, Time now);

  // The next packet that ip itself wants to send, for packet->interface: a whole frame;
  // on kLoopback an IP packet for input_loopback(). It is the caller's: to be given
  // back to the pool when describe() and the link are done with it.
  Packet* pop_output();
  bool has_output() const { return fragmenter_.busy() || !context_.output.empty(); }
  // The frame of a packet from pop_output() in the way that links take frames. The
  // payload span points into the packet.
  static void describe(const Packet& packet, TxFrame& frame);
  // One buffer with the whole frame (headers complete), its checksum filled in unless a
  // link is to cut it; describe() turns it into a frame again. nullptr when no buffer is free.
  Packet* copy_frame(const TxFrame& frame);

  // --- input ---
  // A frame from a link, Ethernet header first, packet->interface set. May be a chain.
  Input input(Packet* frame, Time now);
  // One that is going to be, soon: a router begins to fetch what it will look at.
  void foresee(const Packet& frame, std::uint8_t interface) const;
  // The same for what that leads to, when it should have come.
  void foresee_session(const Packet& frame, std::uint8_t interface) const;
  // A packet to ourselves, IP header first.
  Input input_loopback(Packet* packet, Time now);

  // --- ICMP ---
  // What others (or ARP) say about packets that we sent.
  bool pop_error(ErrorReport& report);
  bool has_error() const { return error_count_ != 0; }
  // Complains about a received packet, which has network_offset and interface set.
  // Says nothing where RFC 1122 3.2.2 forbids it or the rate limit is reached.
  // `value` is the MTU for fragmentation_needed, the pointer for parameter_problem,
  // the better gateway for redirect.
  void send_error(IcmpError error, const Packet& offending, Time now, std::uint32_t value = 0);

  // --- after a death ---
  // Set while interfaces, addresses or routes are being changed.
  ChangeMark& configuration() { return context_.configuration; }
  // Whoever was inside has died in the middle of it. Interfaces, addresses and routes are
  // whole (the caller looks at the mark); all that is learned by itself is learned again, and
  // the packets on their way are lost: they are the caller's to free.
  void recover(Time now);

  // --- time ---
  Time next_deadline() const { return context_.wheel.next_deadline(); }
  void on_timer(Time now);

 private:
  // What a packet's destination address means to us.
  enum class Target : std::uint8_t { us, group, elsewhere };

  Status make_address(std::uint8_t interface, const Prefix& prefix, const AddressPlan& plan,
                      Time now);
  Status connect_network(const Address& address);
  void report_solicited_node(const Address& address, Time now);
  void leave_solicited_node(std::uint8_t interface, const IpAddr& addr);

  // destinations.cpp
  struct Way {  // what build() finds out
    std::uint8_t interface = 0;
    IpAddr next_hop;
    IpAddr source;
  };
  Neighbour* neighbour_of(const Destination& d);
  Status build(Destination& d, Time now);
  void fill_template(Destination& d, const MacAddr& dst, const MacAddr& src) const;
  Result<Way> find_way(Destination& d, Time now);
  Result<Way> way_to_group(const Destination& d, Time now);
  Status choose_source(const Destination& d, Way& way);
  const Route* lookup(const IpAddr& addr, std::uint8_t interface, Time now) const;
  RouteTable::Rank rank(const Route& route, Time now) const;
  void change_epoch() { ++epoch_; }

  // output.cpp
  bool is_fresh(const Destination& d, Time now);
  bool resolve(Destination& d, TxFrame& frame, Time now);
  Verdict output_long(TxFrame& frame, Destination& d, const SendParams& params, Time now);
  void fill_headers(TxFrame& frame, Destination& d, const SendParams& params);
  void fill_headers6(TxFrame& frame, const Destination& d, const SendParams& params);
  std::uint8_t hop_limit(const Destination& d, const SendParams& params) const;
  void trace_output(const TxFrame& frame, const Destination& d, Time now);
  Verdict hold(const TxFrame& frame, Destination& d, Time now);
  void send_own(Packet* message, std::uint32_t destination, const SendParams& params, Time now);

  // input.cpp
  Input consume(Packet* packet, Drop reason, Time now);
  Input input_packet(Packet* packet, Time now);
  Input judge(Packet* packet, const wire::Ipv4View& view, Time now);
  Input drop(Packet* packet, Drop reason, Time now) {
    return {.action = Input::Action::dropped, .reason = context_.drop(packet, reason, now)};
  }
  Drop check_source(const Packet& packet, const wire::Ipv4View& view) const;
  Drop check_options(const Packet& packet, const wire::Ipv4View& view, Time now);
  Target classify(const Packet& packet) const;
  bool is_offer(const Packet& packet, const wire::Ipv4View& view);
  // Packets between the same addresses are judged once, until something changes.
  struct Acquaintance {
    IpAddr source;
    IpAddr destination;
    std::uint32_t epoch = 0;
    std::uint8_t interface = 0;
  };
  Acquaintance& acquaintance_of(const Packet& packet) {
    return acquaintances_[packet.source.bytes()[15] % kAcquaintances];
  }
  bool is_known(const Packet& packet);
  void make_known(const Packet& packet);
  bool passes_reverse_path(const Packet& packet, Time now) const;
  Input accept(Packet* packet, const wire::Ipv4View& view, bool group, Time now);
  Packet* rejoin(Packet* packet, const wire::Ipv4View& view, Time now, Input& in);
  Input reassemble(Packet* packet, const wire::Ipv4View& view, bool group, Time now);
  Input deliver(Packet* packet, const wire::Ipv4View& view, bool group, Time now);

  // input6.cpp
  Input input_packet6(Packet* packet, Time now);
  Input judge6(Packet* packet, Time now);
  Drop check_source6(const Packet& packet) const;
  Target classify6(const Packet& packet) const;
  struct UpperLayer {  // where its header is in a packet, and the field that names it
    std::uint32_t at = wire::Ipv6::kHeaderSize;
    std::uint32_t named_at = wire::Ipv6::kNextHeaderOffset;
  };
  Input deliver6(Packet* packet, const UpperLayer& upper, bool group, Time now);
  IpAddr with_own_zone(const IpAddr& addr, std::uint8_t interface) const;

  // headers6.cpp
  Input open_headers6(Packet* packet, bool group, Time now);
  Drop check_headers6(const Packet& packet, const wire::Ipv6Chain& chain, Time now);
  Drop check_fragment6(const Packet& packet, const wire::Ipv6View& view,
                       const wire::Ipv6Chain& chain, Time now);
  Input reassemble6(Packet* packet, bool group, Time now);

  // arp_input.cpp
  Input input_arp(Packet* packet, Time now);
  Drop check_sender(const Interface& interface, const wire::Arp& arp) const;
  bool is_ours_on(std::uint8_t interface, const IpAddr& addr) const;
  void learn(std::uint8_t interface, const wire::Arp& arp, Time now);
  void answer(std::uint8_t interface, const wire::Arp& arp, Time now);

  // ndp_input.cpp
  Input input_ndp(Packet* packet, Time now);
  Drop input_solicitation(const Packet& packet, const wire::NdpView& view, Time now);
  Drop input_advertisement(const Packet& packet, const wire::NdpView& view, Time now);
  Address* tentative(std::uint8_t interface, const IpAddr& addr);
  void on_duplicate(Address& address, Time now);
  void advertise(std::uint8_t index, const IpAddr& target, Neighbour* asker, Time now);

  // router_input.cpp
  bool listens_to_routers(std::uint8_t interface) const;
  Drop input_router_advertisement(const Packet& packet, const wire::NdpView& view, Time now);
  void learn_parameters(std::uint8_t index, const wire::RouterFields& fields);
  void learn_mtu(std::uint8_t index, std::uint32_t mtu);
  void learn_router(const Packet& packet, const wire::RouterFields& fields, Time now);
  void learn_prefix(std::uint8_t index, const wire::PrefixInformation& said, Time now);
  void learn_option(std::uint8_t index, const wire::NdpOption& option, Time now);
  void learn_servers(std::uint8_t index, const wire::RecursiveServers& said, Time now);
  void learn_domains(std::uint8_t index, wire::SearchDomains said, Time now);
  Learned* learn_route(const Route& route, std::uint32_t seconds, Time now);
  void forget_learned(Learned& learned);
  bool is_on_link(std::uint8_t interface, const IpAddr& addr);
  Drop input_router_solicitation(const Packet& packet, const wire::NdpView& view, Time now);

  // redirect6.cpp
  Drop input_redirect6(const Packet& packet, const wire::NdpView& view, Time now);
  void advise6(const Packet& packet, const Route& route, const IpAddr& next_hop, Time now);

  // autoconf.cpp
  Status make_up_address(std::uint8_t interface, const Prefix& network, const AddressPlan& plan,
                         Time now);
  void configure_addresses(std::uint8_t index, const wire::PrefixInformation& said, Time now);
  void renew_lifetimes(Address& address, const Lifetimes& said, Time now);
  void make_temporary(const Address& stable, Time now);
  Address* find_stable(std::uint8_t index, const Prefix& prefix);
  bool has_room(std::uint8_t index);
  void arm_lifetime(Address& address, Time now);
  void on_address_timer(Address& address, Time now);

  // icmp_input.cpp
  Input input_icmp(Packet* packet, bool group, Time now);
  void keep_icmp(const Packet& packet);
  Input answer_echo(Packet* packet, bool group, Time now);
  Drop input_icmp_error(const Packet& packet, const wire::Icmpv4View& view);
  Drop input_redirect(const Packet& packet, const wire::Icmpv4View& view, Time now);
  // Is there somebody above who wants to know of errors about it?
  bool is_reported(Protocol protocol) const {
    return protocol == Protocol::tcp || protocol == Protocol::udp ||
           ((protocol == Protocol::icmp || protocol == Protocol::icmpv6) && copies_icmp_);
  }
  void report_unreachable(const Packet& frame);
  void push_error(const ErrorReport& report);

  // icmp_output.cpp
  bool may_complain(const Packet& offending, const wire::Ipv4View& view) const;
  void send_error4(IcmpError error, const Packet& offending, Time now, std::uint32_t value);

  // icmp6_input.cpp
  Input input_icmp6(Packet* packet, bool group, Time now);
  Input answer_echo6(Packet* packet, bool group, Time now);
  Drop input_icmp6_error(const Packet& packet, const wire::Icmpv6View& view);

  // icmp6_output.cpp
  bool may_complain6(IcmpError error, const Packet& offending, const wire::Ipv6View& view) const;
  void send_error6(IcmpError error, const Packet& offending, Time now, std::uint32_t value);
  void send_icmp6(Packet* message, std::uint32_t destination, std::uint8_t traffic_class, Time now);

  // forward.cpp
  Input forward(Packet* packet, const wire::Ipv4View& view, Time now);
  Drop check_forwardable(const Packet& packet) const;
  const Route* route_onward(const Packet& packet, std::uint64_t flow_word, Time now) const;
  void advise(const Packet& packet, const Route& route, const IpAddr& next_hop, Time now);
  bool pass(Packet* packet, const wire::Ipv4View& view, Time now);
  bool translate_again(Packet& packet, const wire::Ipv4View& view, std::uint32_t session, Time now);
  std::uint32_t passage_ports(const wire::Ipv4View& view) const;
  const Passage* foreseen(const Packet& frame, std::uint8_t interface) const;
  const Passage* find_passage(const Packet& packet, std::uint32_t ports, Time now);
  void remember(const Packet& packet, const Route& route, const Neighbour& n,
                std::uint32_t ports = 0, const NatPlan& plan = {});
  void trace_forwarded(const Packet& packet, const Route& route, const IpAddr& next_hop, Time now);
  void hand_on(Packet* packet, Neighbour& n, std::uint16_t ether_type, Time now);
  Input send_on(Packet* packet, const wire::Ipv4View& view, const Route& route, Time now,
                const NatPlan& plan = {});

  // forward6.cpp
  Input forward6(Packet* packet, Time now);
  bool pass6(Packet* packet, Time now);
  Drop check_forwardable6(const Packet& packet, Time now);

  // nat.cpp
  std::optional<Input> input_nat(Packet* packet, const wire::Ipv4View& view, Target target,
                                 Time now);
  Input forward_inside(Packet* packet, const wire::Ipv4View& view, const NatPlan& plan, Time now);
  Input forward_outside(Packet* packet, const wire::Ipv4View& view, const Route& route, Time now);
  Input judge_whole(Packet* fragment, const wire::Ipv4View& view, Time now);
  Drop plan_inside(const Packet& packet, const wire::Ipv4View& view, NatPlan& plan);
  Drop plan_error_inside(const Packet& packet, const wire::Icmpv4View& error, NatPlan& plan);
  Drop plan_outside(const wire::Ipv4View& view, NatPlan& plan);
  Drop translate(Packet& packet, const wire::Ipv4View& view, const NatPlan& plan, Time now);
  Drop translate_error(Packet& packet, const wire::Ipv4View& view, const NatPlan& plan);
  NatSession* open_outside(const Packet& packet, const wire::Ipv4View& view, const NatPlan& plan,
                           Time now, Drop& reason);
  NatSession* begin_outside(const Packet& packet, const NatFlow& flow, Time now, Drop& reason);
  void replace(Packet& packet, NatSide side, const NatEndpoint& from, const NatEndpoint& to,
               Time now);
  void renew_nat();

  void on_neighbour_timer(Neighbour& n, Time now);

  static constexpr std::uint32_t kMaxErrors = 64;
  static constexpr std::uint32_t kAcquaintances = 64;

  Context context_;
  InterfaceTable interfaces_;
  RouteTable routes_;
  NeighbourTable neighbours_;
  DestinationCache destinations_;
  Reassembly reassembly_;
  AddressProber prober_;
  GroupReporter reporter_;
  LearnedTable learned_;
  RouterSolicitor solicitor_;
  RouterAdvertiser advertiser_;
  IcmpLimiter limiter_;
  Fragmenter fragmenter_;
  SipKey stable_secret_;
  Nat nat_;
  Passages passages_;
  std::uint32_t epoch_ = 1;  // changes with every route, address and interface
  std::array<Acquaintance, kAcquaintances> acquaintances_;
  std::array<ErrorReport, kMaxErrors> errors_;
  std::uint32_t first_error_ = 0;
  std::uint32_t error_count_ = 0;

  static constexpr std::uint32_t kMaxIcmpCopies = 256;
  bool copies_icmp_ = false;
  PacketQueue icmp_copies_;
};

}  // namespace naru::ip
