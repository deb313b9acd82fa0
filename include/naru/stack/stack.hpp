// Stack: one host. The only place that knows every protocol.
//
//            user calls (send, recv, connect ...)       next_event()
//                 │                                         ▲
//   poll(now):  receive ─► input ─► timers ─► flush ─► transmit
//                 ▲                                         │
//               links                                     links
//
// A stack is entered by one thread at a time and never waits: whoever drives it
// calls poll() when a link rings, after user calls, and at next_deadline().
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <naru/base/arena.hpp>
#include <naru/base/result.hpp>
#include <naru/buf/error_queue.hpp>
#include <naru/config/counters.hpp>
#include <naru/config/ipv6.hpp>
#include <naru/config/options.hpp>
#include <naru/config/socket_types.hpp>
#include <naru/link/link.hpp>
#include <naru/random/random.hpp>
#include <naru/trace/event.hpp>

namespace naru {

struct StackConfig {
  Options options;
  // Where sequence numbers, ports and ids come from: Random::secure with a key
  // of the operating system on real hosts, Random::seeded in tests.
  Random random = Random::seeded(0);
  std::uint32_t trace_events = 0;  // size of the trace ring; 0: none
  // Keeps the IPv6 addresses that are made up the same from one start to the next (RFC 7217 5);
  // without it they come by chance.
  std::optional<std::array<std::uint64_t, 2>> stable_secret = {};
};

// What has become of an address that was added (RFC 5227).
enum class AddressState : std::uint8_t {
  probing,  // nobody has objected yet
  usable,
  conflict,  // another host has it
};

// The address space that a stack with these options needs in its arena.
std::size_t arena_size(const StackConfig& config);

namespace tcp {
struct Connection;
}
namespace udp {
struct Handle;
struct UdpSocket;
}  // namespace udp
namespace icmp {
struct Handle;
struct IcmpSocket;
}  // namespace icmp
struct StackState;  // in the arena
struct StackPorts;  // of this process

// The state lives in the arena; a Stack object is this process' way into it: the
// state plus this process' links.
class Stack {
 public:
  // A new host in `arena`. Error::no_memory when the arena is smaller than
  // arena_size(config).
  static Result<std::unique_ptr<Stack>> create(Arena& arena, const StackConfig& config, Time now);
  // The host that another process made in a shared arena. Links are given with
  // replace_link for each interface that this process can reach.
  static Result<std::unique_ptr<Stack>> attach(Arena& arena);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // --- configuration -------------------------------------------------------
  // Interface 0 is loopback, with 127.0.0.1/8. The link outlives the stack.
  Result<std::uint8_t> add_interface(std::string_view name, link::Link& link);
  void replace_link(std::uint8_t interface, link::Link* link);
  Status add_address(std::uint8_t interface, const Prefix& address);
  Status remove_address(std::uint8_t interface, const IpAddr& address);
  // Not for new connections, where another will do (RFC 4862 5.5.4); or for them again.
  Status set_deprecated(const IpAddr& address, bool on);
  // Packets of an interface are no longer; at most what its link carries.
  Status set_mtu(std::uint8_t interface, std::uint32_t mtu);
  // None: no interface has it.
  std::optional<AddressState> address_state(const IpAddr& address) const;
  // IPv6 by itself: asks for routers, believes what they say, and makes itself addresses of
  // their prefixes (RFC 4861 6.3, RFC 4862); Option::ndp_* say more. Not on any more: what
  // came by that goes. Error::invalid for an MTU below 1280.
  Status set_autoconf(std::uint8_t interface, bool on);
  // What has come of that until now.
  LearnedIpv6 learned_ipv6(std::uint8_t interface) const;
  // Tells the hosts of a link of this router, and its prefixes, now and then and when they ask
  // (RFC 4861 6.2). Error::invalid without Option::ip_forwarding, and for what does not fit.
  Status advertise(std::uint8_t interface, const RouterAdvertising& what);
  // Not any more, which they are told, too.
  void stop_advertising(std::uint8_t interface);
  // Without a gateway: on the link of the interface.
  Status add_route(const Prefix& destination, std::optional<IpAddr> gateway,
                   std::uint8_t interface);
  Status remove_route(const Prefix& destination);
  // Network address translation, with Option::ip_forwarding and nat_max_sessions: what is
  // forwarded to `outside` gets that interface's first address, and from there only what the
  // inside asked for gets in.
  Status set_nat(std::uint8_t outside);
  // What comes for a port of the outside address goes to `inside`. Error::address_in_use
  // when the port is a socket's or an inside host's.
  Status add_port_forward(Protocol protocol, std::uint16_t outside_port, const Endpoint& inside);
  Status remove_port_forward(Protocol protocol, std::uint16_t outside_port);
  Status set_option(Option option, std::int64_t value);
  std::int64_t option(Option option) const;

  // --- driving -------------------------------------------------------------
  // The time for the user calls that follow, when poll() was not just called.
  void set_now(Time now);
  Time now() const;
  // One turn: take what the links have received (up to a burst each), run the
  // timers that are due, send what may be sent. True when another turn at once
  // would find work.
  bool poll(Time now);
  // Sends what may be sent and takes nothing in: what calls have caused goes out as if what
  // the links have received meanwhile had come after them.
  void flush(Time now);
  // Something waits to be sent: the user calls since the last poll() ask for one.
  bool has_output() const;
  // Call poll() again at this time at the latest, or when a link rings.
  Time next_deadline() const;
  // Before a sleep on the links' descriptors (Link::arm). False: frames wait, so poll.
  bool arm();
  // How many would run on this machine, we included, if we looked instead of sleeping
  // (Link::runnable); 0: looking does not pay.
  unsigned runnable() const;
  // The next socket whose readiness changed; each socket at most once between two
  // calls that drain the list.
  std::optional<SocketEvent> next_event();

  // --- sockets -------------------------------------------------------------
  // None of these blocks; Error::would_block says that it would.
  Result<SocketId> open_tcp();
  Result<SocketId> open_udp();
  // For echo requests of its own and their replies, or raw: whole messages of any type. Of
  // one family.
  Result<SocketId> open_icmp(bool is_raw, bool is_v6 = false);
  // A raw one of IPv6: messages of the types whose bit is set are kept away (ICMP6_FILTER).
  Status set_icmp6_filter(SocketId socket, const std::array<std::uint32_t, 8>& filter);
  Result<std::array<std::uint32_t, 8>> icmp6_filter(SocketId socket) const;
  void set_cookie(SocketId socket, std::uint64_t cookie);

  Status bind(SocketId socket, const Endpoint& local);
  Status listen(SocketId socket, int backlog);
  Result<Accepted> accept(SocketId listener);
  // tcp: Error::in_progress, then kOut or kErr tells; udp: sets the peer. A udp
  // socket is disconnected by an endpoint with the unspecified address.
  Status connect(SocketId socket, const Endpoint& remote);
  // tcp: an abort after which the socket is as new (connect(2) with AF_UNSPEC).
  Status disconnect(SocketId socket);

  // Bytes taken into the send buffer, at least 1.
  Result<std::size_t> send(SocketId socket, Bytes data, unsigned flags = 0);
  // Bytes given; 0 means that the peer has finished (tcp) or an empty datagram.
  Result<std::size_t> recv(SocketId socket, MutableBytes out, unsigned flags = 0);
  // udp: the endpoint :: and port 0 mean "as connected".
  Result<std::size_t> send_to(SocketId socket, Bytes data, const Endpoint& remote,
                              unsigned flags = 0, const DatagramControl& control = {});
  Result<std::size_t> recv_from(SocketId socket, MutableBytes out, DatagramInfo& info,
                                unsigned flags = 0);

  // What became of earlier datagrams (MSG_ERRQUEUE, with SocketOption::receive_error);
  // Error::would_block when there is no news.
  Result<SocketError> recv_error(SocketId socket, MutableBytes out);

  Status shutdown(SocketId socket, Shutdown how);
  // The id is void afterwards; what was sent is still delivered (SO_LINGER 0 aborts).
  Status close(SocketId socket);
  // RST to the peer (RFC 9293 3.10.5 ABORT); the id is void afterwards.
  Status abort(SocketId socket);
  // The same for what closed sockets have not delivered yet: before a host goes away.
  void abort_orphans();

  std::uint8_t readiness(SocketId socket) const;
  // SO_ERROR: the pending error, once.
  Error take_error(SocketId socket);
  Result<Endpoint> local(SocketId socket) const;
  Result<Endpoint> remote(SocketId socket) const;
  Status set_option(SocketId socket, SocketOption option, std::int64_t value);
  Result<std::int64_t> option(SocketId socket, SocketOption option) const;
  Result<TcpInfo> tcp_info(SocketId socket) const;
  // Multicast groups of a udp socket (RFC 1112). Errors: invalid (no group),
  // address_in_use (a member already), address_not_available (no member), no_buffers.
  Status join(SocketId socket, std::uint8_t interface, const IpAddr& group);
  Status leave(SocketId socket, std::uint8_t interface, const IpAddr& group);
  // By name, by address, and what they are; none: no such interface.
  std::optional<std::uint8_t> find_interface(std::string_view name) const;
  std::optional<std::uint8_t> find_interface(const IpAddr& address) const;
  std::uint8_t interface_count() const;
  std::string_view interface_name(std::uint8_t interface) const;
  // All that it has, in the order in which they came; those of IPv6 with its zone, where
  // they are link-local.
  std::vector<Prefix> interface_addresses(std::uint8_t interface) const;
  // Its first IPv4 address.
  std::optional<IpAddr> interface_address(std::uint8_t interface) const;

  // --- after a death -------------------------------------------------------
  // For processes that share a stack, when one of them was killed inside, at whatever
  // instruction: from what is left of the sockets everything else is made again. The
  // connection that was being changed is reset, a udp socket that was being changed loses
  // what it had received, and packets on their way are lost; all other sockets go on, and
  // each of them is told of (next_event). `random` takes the place of the generator, which
  // may be damaged. False when it is beyond repair, or the configuration was being
  // changed: then only a new stack helps.
  bool recover(Time now, const Random& random);
  // The sockets that programs hold ids of, whether anybody remembers the ids or not. `f`
  // may close its socket.
  void for_each_socket(const std::function<void(SocketId, std::uint64_t cookie)>& f);

  // --- watching ------------------------------------------------------------
  const Counters& counters() const;
  void set_trace(bool on);
  // The oldest unread trace event.
  const trace::Event* next_trace();
  // Sockets, connections, packets and timers in use: all zero on a quiet, closed host.
  struct Usage {
    std::uint32_t connections = 0;
    std::uint32_t orphans = 0;  // of them, closed by their program but not delivered yet
    std::uint32_t time_wait = 0;
    std::uint32_t listeners = 0;
    std::uint32_t icmp_sockets = 0;
    std::uint32_t udp_sockets = 0;
    std::uint32_t flows = 0;
    std::uint32_t packets = 0;
    std::uint32_t send_blocks = 0;
    std::uint32_t timers = 0;
  };
  Usage usage() const;
  // Checks every invariant of every connection; aborts with a message on a bug.
  // For tests: linear in the number of connections.
  void check_invariants() const;

 private:
  Stack(StackState& state, std::unique_ptr<StackPorts> ports);
  SocketId id_of(const tcp::Connection& c) const;
  static SocketId id_of(const udp::Handle& handle);
  static SocketId id_of(const icmp::Handle& handle);
  // nullptr when the id is of another kind or void.
  tcp::Connection* find_tcp(SocketId id) const;
  tcp::Connection* change_tcp(SocketId id);
  udp::UdpSocket* find_udp(SocketId id) const;
  icmp::IcmpSocket* find_icmp(SocketId id) const;
  bool is_datagram(SocketId id) const {
    return find_udp(id) != nullptr || find_icmp(id) != nullptr;
  }

  StackState* state_;
  std::unique_ptr<StackPorts> ports_;
};

}  // namespace naru
