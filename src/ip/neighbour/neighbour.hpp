// The neighbour cache: which hardware address an on-link address has (by ARP: RFC 826,
// RFC 1122 2.3.2; by neighbour discovery: RFC 4861 7), and the packets that wait to learn it.
//
//              ask                answer               time
//   (none) ──────────> incomplete ──────> reachable ─────────> stale
//                        │ no answer         ^  ^ confirmed       │ used
//                        v                   │  └─────────────────┤
//                      failed <── no answer ─┴──── probing <──────┘
//
// A stale or probing neighbour is used as before. Neighbour discovery's DELAY is probing
// before the first question. A neighbour is proven once it has
// answered a request of ours, or an upper layer heard from it. Whoever scans the
// network through us, or floods us with requests from invented addresses, gets no
// further than the unproven half of the table.
#pragma once

#include <cstdint>
#include <optional>

#include <naru/base/arena.hpp>

#include "base/hash_chains.hpp"
#include "base/list.hpp"
#include "ip/context.hpp"
#include "ip/interface.hpp"

namespace naru::ip {

struct NeighbourOrder;

struct alignas(64) Neighbour : Timer, ListHook<NeighbourOrder> {
  Neighbour() : Timer(TimerKind::neighbour) {}

  NeighbourState state = NeighbourState::incomplete;
  std::uint8_t interface = 0;
  std::uint8_t attempts = 0;
  bool proven = false;
  bool is_gateway = false;
  // Changes when what a destination keeps of it (mac, usable or not) does; unique
  // over all neighbours, 0 in a free slot.
  std::uint32_t version = 0;
  // Until then it is used without a further thought.
  Time fresh_until = Time::min();
  MacAddr mac{};
  std::uint32_t next = 0;
  IpAddr addr;
  Time confirmed = Time::min();
  Time last_asked = Time::min();
  Duration reachable_time{};  // that it is believed for, from the last answer on
  PacketQueue waiting;

  bool has_mac() const {
    return state != NeighbourState::incomplete && state != NeighbourState::failed;
  }
};

// The frame of a packet that waits is complete but for its destination MAC; its
// Packet::flags say whose it is.
inline constexpr std::uint16_t kForwarded = 1;

class NeighbourTable {
 public:
  // Memory of all packets that wait, in packets.
  static constexpr std::uint32_t kMaxWaiting = 1'024;
  // Not used beyond this age, whatever happens (RFC 1122 2.3.2.1: "on the order of a minute" is
  // the probing; this is for entries nobody used).
  static constexpr Duration kMaxAge = 20min;

  [[nodiscard]] bool init(Arena& arena, Context& context, InterfaceTable& interfaces);

  Neighbour* at(std::uint32_t index) { return neighbours_.at(index); }
  std::uint32_t index_of(const Neighbour* n) const { return neighbours_.index_of(n); }
  Neighbour* find(std::uint8_t interface, const IpAddr& addr) const;
  // nullptr only when every entry is permanent.
  Neighbour* find_or_add(std::uint8_t interface, const IpAddr& addr, Time now);

  // Somebody wants to send to it: true when its mac may be used now. Otherwise the packet is to
  // be given to hold(). Asks as needed.
  bool use(Neighbour& n, Time now);
  // Queues a complete frame until the neighbour answers.
  void hold(Neighbour& n, Packet* frame, Time now);

  // It said where it is; `asked`: in answer to a request of ours. Releases what waits.
  void on_answer(Neighbour& n, const MacAddr& mac, bool asked, Time now);
  // It asked for us by neighbour discovery, and said where it is.
  void on_solicitation(Neighbour& n, const MacAddr& mac, Time now);
  // What a neighbour advertisement says (RFC 4861 7.2.5).
  struct Advertised {
    std::optional<MacAddr> mac;
    bool solicited = false;
    bool does_override = false;
  };
  void on_advertisement(Neighbour& n, const Advertised& said, Time now);
  // It says that its address changed, but not to us: ask it.
  void on_rumour(Neighbour& n, const MacAddr& mac, Time now);
  // An upper layer got an answer from it (RFC 1122 2.3.2.1).
  void confirm(Neighbour& n, Time now) {
    if (n.state == NeighbourState::reachable) [[likely]] {
      n.confirmed = now;
      n.fresh_until = now + n.reachable_time;
    } else if (n.state == NeighbourState::stale || n.state == NeighbourState::probing) {
      become_reachable(n, now);
    }
  }
  void set_permanent(Neighbour& n, const MacAddr& mac, Time now);
  // An upper layer suspects it: ask at the next use.
  void doubt(Neighbour& n);
  // Forgets all neighbours of an interface; what waits is dropped.
  void flush(std::uint8_t interface, Time now);

  // After a death: keeps those that are permanent. What waited for others is lost, and the
  // packets are the caller's to free.
  void forget();

  // A timer fired. Gives the packets that waited in vain, when the neighbour failed.
  PacketQueue on_timer(Neighbour& n, Time now);

  // Changes when a gateway fails: routes may have to be chosen anew.
  std::uint32_t gateway_failures() const { return gateway_failures_; }
  std::uint32_t size() const { return neighbours_.in_use(); }
  template <class F>
  void for_each(F&& f) {
    neighbours_.for_each(f);
  }

 private:
  std::uint64_t hash(std::uint8_t interface, const IpAddr& addr) const {
    return context_->hash(addr, interface);
  }
  Neighbour* evict(Time now);
  void remove(Neighbour& n, Time now);
  void drop_waiting(Neighbour& n, Drop reason, Time now);
  void ask(Neighbour& n, Time now);
  Duration retransmit_time(const Neighbour& n) const;
  Duration reachable_time(const Neighbour& n) const;
  void ask_by_arp(const Neighbour& n, Time now);
  void solicit(Neighbour& n, Time now);
  void set_mac(Neighbour& n, const MacAddr& mac);
  void become_stale(Neighbour& n, const MacAddr& mac, Time now);
  void on_resolved(Neighbour& n, Time now);
  void ask_soon(Neighbour& n, Time now);
  void become_reachable(Neighbour& n, Time now);
  void start_probing(Neighbour& n, Time now);
  void set_proven(Neighbour& n, bool proven);
  List<Neighbour, NeighbourOrder>& list_of(const Neighbour& n) {
    return n.proven ? proven_ : unproven_;
  }
  void bump(Neighbour& n) { n.version = ++last_version_; }

  Context* context_ = nullptr;
  InterfaceTable* interfaces_ = nullptr;
  Slab<Neighbour> neighbours_;
  HashChains<Neighbour, &Neighbour::next> table_;
  // Oldest first. Permanent ones are on neither.
  List<Neighbour, NeighbourOrder> proven_;
  List<Neighbour, NeighbourOrder> unproven_;
  std::uint32_t waiting_ = 0;
  std::uint32_t last_version_ = 0;
  std::uint32_t gateway_failures_ = 0;
};

}  // namespace naru::ip
