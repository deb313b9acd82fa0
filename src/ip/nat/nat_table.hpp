// NatTable: who behind the NAT talks to whom (RFC 4787, RFC 5382, RFC 5508, RFC 7857).
//
//   inside 10.0.0.5 ─┬─ mapping UDP 4000 ◄──► outside port 50122
//       (NatHost)    │     ├─ session with 198.51.100.7:53
//                    │     └─ session with 203.0.113.9:53
//                    └─ mapping TCP 4001 ◄──► outside port 31007
//                          └─ session with 198.51.100.7:80
//
// A mapping belongs to an inside endpoint whoever it talks to (endpoint-independent), and
// no outside port has two. It is active as long as the inside has spoken in one of its
// sessions lately; then it rests, and its port is nobody else's for two minutes more.
//
// Everything is bounded: sessions in all and for each inside host. Where there is no room
// the oldest session goes that has not got beyond its beginning or is at its end (the
// host's own, where that is at its bound); established ones never do.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <naru/base/arena.hpp>

#include "base/hash_chains.hpp"
#include "base/list.hpp"
#include "ip/context.hpp"
#include "ip/nat/nat_ports.hpp"
#include "ip/nat/nat_tcp.hpp"

namespace naru::ip {

// An IPv4 endpoint, both in host order. Of an ICMP query the port is its identifier, and
// that of the other side 0.
struct NatEndpoint {
  std::uint32_t addr = 0;
  std::uint16_t port = 0;

  constexpr bool operator==(const NatEndpoint&) const = default;
  constexpr std::uint64_t word() const { return (std::uint64_t{addr} << 16U) | port; }
};

// Who talks to whom.
struct NatKey {
  std::uint32_t inside_addr = 0;
  std::uint32_t remote_addr = 0;
  std::uint16_t inside_port = 0;
  std::uint16_t remote_port = 0;
  Protocol protocol{};

  static constexpr NatKey of(Protocol protocol, const NatEndpoint& inside,
                             const NatEndpoint& remote) {
    return {inside.addr, remote.addr, inside.port, remote.port, protocol};
  }
  constexpr NatEndpoint remote() const { return {remote_addr, remote_port}; }
  constexpr bool operator==(const NatKey&) const = default;
};

struct OfMapping;
struct OfHost;
struct Transitory;
struct Resting;

// What an inside endpoint has with a remote one. All that a packet from inside needs to know,
// its mapping's port too, is in one cache line, the last; lists and timers are for its beginning
// and end.
struct alignas(64) NatSession : Timer, ListHook<OfMapping>, ListHook<OfHost>, ListHook<Transitory> {
  NatSession() : Timer(TimerKind::nat_session) {}

  std::uint32_t mapping = 0;
  alignas(64) Time last = Time::min();  // what counts as activity
  std::uint32_t chain = 0;
  NatKey key;
  std::uint16_t outside_port = 0;
  bool spoken : 1 = false;    // from inside
  bool answered : 1 = false;  // from outside
  bool is_transitory : 1 = false;
  NatTcp tcp;
};
static_assert(sizeof(NatSession) == 192);

// Here, too, the second line is the packets'.
struct alignas(64) NatMapping : Timer, ListHook<Resting> {
  NatMapping() : Timer(TimerKind::nat_mapping) {}

  std::uint32_t host = 0;
  std::uint32_t spoken = 0;  // sessions in which the inside has spoken
  Protocol protocol{};
  bool is_static = false;  // a port forwarding: it stays
  std::uint16_t outside_port = 0;
  NatEndpoint inside;
  std::uint32_t chain = 0;
  List<NatSession, OfMapping> sessions;

  bool is_active() const { return is_static || spoken != 0; }
};

// An inside host, as long as it has mappings.
struct NatHost {
  std::uint32_t addr = 0;
  std::uint32_t chain = 0;
  std::uint32_t mappings = 0;
  std::uint32_t sessions = 0;
  List<NatSession, OfHost> transitory;  // the oldest in front
  List<NatMapping, Resting> resting;
};

// That a mapping has spoken with some port of this address.
struct NatPeer {
  std::uint32_t chain = 0;
  std::uint32_t mapping = 0;
  std::uint32_t addr = 0;
  std::uint32_t sessions = 0;
};

class NatTable {
 public:
  [[nodiscard]] bool init(Arena& arena, Context& context, std::uint32_t max_sessions);
  bool exists() const { return sessions_.capacity() != 0; }

  // A port of the outside address that mappings must not have: it is the router's own.
  // False when one has it.
  bool reserve(Protocol protocol, std::uint16_t port);
  // Error::address_in_use where the port is taken, Error::no_memory.
  Status add_static(Protocol protocol, std::uint16_t outside_port, const NatEndpoint& inside,
                    Time now);
  Status remove_static(Protocol protocol, std::uint16_t outside_port);

  NatMapping* find_inside(Protocol protocol, const NatEndpoint& inside) const;
  NatMapping* find_outside(Protocol protocol, std::uint16_t port);
  // The same, and where there is none, a new one; nullptr when there is no room for it.
  NatMapping* map(Protocol protocol, const NatEndpoint& inside, Time now);

  NatSession* find_session(const NatKey& key) const;
  NatSession* find_session(const NatMapping& mapping, const NatEndpoint& remote) const {
    return find_session(NatKey::of(mapping.protocol, mapping.inside, remote));
  }
  // Of one that is there. It may be kept: session_at() says whether it is still the same's.
  std::uint32_t session_index(const NatKey& key) const {
    return sessions_.index_of(find_session(key));
  }
  NatSession* session_at(std::uint32_t index, const NatKey& key) {
    NatSession* s = sessions_.at(index);
    return sessions_.is_live(index) && s->key == key ? s : nullptr;
  }
  // A packet from inside is going to look at it.
  void prefetch_session(std::uint32_t index) const {
    __builtin_prefetch(&sessions_.at(index)->last);
  }
  // nullptr when there is no room; then a mapping that has no other is gone, too.
  NatSession* add_session(NatMapping& mapping, const NatEndpoint& remote, Time now);
  // A packet has passed. `segment`: of TCP.
  void note(NatSession& session, NatDirection direction, const wire::TcpView* segment, Time now);
  // Has the inside spoken with this address?
  bool knows(const NatMapping& mapping, std::uint32_t addr) const;

  void on_session_timer(NatSession& session, Time now);
  void on_mapping_timer(NatMapping& mapping) { remove(mapping); }
  // All but the port forwardings and what is reserved: the outside address is another one.
  void clear();
  // The same after a death: nothing but the port forwardings is trusted.
  void forget(Time now);

  std::uint32_t session_count() const { return sessions_.in_use(); }
  std::uint32_t mapping_count() const { return mappings_.in_use(); }
  std::uint32_t host_count() const { return hosts_.in_use(); }

 private:
  static constexpr std::size_t kProtocols = 3;
  static constexpr std::uint32_t kMaxStatic = 256;

  static std::size_t index_of(Protocol protocol);
  std::uint64_t hash_inside(Protocol protocol, const NatEndpoint& inside) const;
  std::uint64_t hash_session(const NatKey& key) const;
  std::uint64_t hash_peer(std::uint32_t mapping, std::uint32_t addr) const;
  std::uint64_t hash_host(std::uint32_t addr) const;
  NatPeer* find_peer(std::uint32_t mapping, std::uint32_t addr) const;

  NatHost* find_or_add_host(std::uint32_t addr);
  bool make_room_for_mapping(NatHost& host, Time now);
  NatMapping* add_mapping(Protocol protocol, const NatEndpoint& inside, std::uint16_t port,
                          Time now);
  void remove(NatHost& host);
  bool make_room(NatHost& host, Time now);
  void remove(NatMapping& mapping);
  void evict(NatSession& session, Time now);
  void end(NatSession& session, Time now);
  void remove(NatSession& session);
  void rest(NatMapping& mapping, Time now);
  void on_spoken(NatSession& session);
  void set_transitory(NatSession& session, bool transitory);
  Duration life_of(const NatSession& session) const;
  void reserve_own_ports();

  struct Static {
    Protocol protocol{};
    std::uint16_t port = 0;
    NatEndpoint inside;
  };

  Context* context_ = nullptr;
  Slab<NatSession> sessions_;
  Slab<NatMapping> mappings_;
  Slab<NatHost> hosts_;
  Slab<NatPeer> peers_;
  HashChains<NatSession, &NatSession::chain> by_key_;
  HashChains<NatMapping, &NatMapping::chain> by_inside_;
  HashChains<NatHost, &NatHost::chain> by_host_;
  HashChains<NatPeer, &NatPeer::chain> by_peer_;
  std::array<NatPorts, kProtocols> ports_;
  std::array<NatPorts, kProtocols> reserved_;
  // By outside port: index of the mapping + 1.
  std::array<std::uint32_t*, kProtocols> by_outside_{};
  List<NatSession, Transitory> transitory_;  // of all hosts, the oldest in front
  std::array<Static, kMaxStatic> statics_;
  std::uint32_t static_count_ = 0;
};

}  // namespace naru::ip
