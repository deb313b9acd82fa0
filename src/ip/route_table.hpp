// The routing table: longest prefix match over IPv4 and IPv6 alike.
//
// One keyed hash table holds the routes of all prefix lengths (an IPv4 length counts
// 96 more, the addresses being v4-mapped); a bit per length tells which lengths are
// there at all. A lookup asks for the masked address at each length in use, the
// longest first: a handful of probes for a host, 25 for a full Internet table, and
// adding or removing a route touches nothing but its chain.
//
// Routes of one prefix and metric are told apart by the caller: a host keeps to the oldest,
// a router spreads flows over all of them (RFC 2992).
#pragma once

#include <array>
#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/base/result.hpp>

#include "base/hash_chains.hpp"
#include "ip/context.hpp"
#include "ip/types.hpp"

namespace naru::ip {

struct RouteEntry {
  Route route;
  IpAddr network;             // the prefix' address with its host bits cleared
  std::uint8_t length = 0;    // of the mapped address: 0 to 128
  bool is_connected = false;  // came with an address
  std::uint32_t order = 0;    // of its making
  std::uint32_t next = 0;
};

class RouteTable {
 public:
  [[nodiscard]] bool init(Arena& arena, Context& context, std::uint32_t capacity);

  // Error::address_in_use when prefix, gateway and interface are in the table.
  Status add(const Route& route, bool is_connected);
  Status remove(const Route& route, bool is_connected);

  struct Older {
    bool operator()(const RouteEntry& a, const RouteEntry& b) const { return a.order < b.order; }
  };
  // How good a route is to a lookup.
  enum class Rank : std::uint8_t { no, last_resort, good };

  // The longest prefix that contains the address and of which a route is not ranked
  // `no`; among its routes the best rank, the lowest metric, the oldest. A prefix whose routes are
  // all a last resort still beats a shorter one. rank(const Route&).
  // Which of two equal ones: is_before(const RouteEntry&, const RouteEntry&).
  template <class F, class Tie = Older>
  const Route* lookup(const IpAddr& addr, F&& rank, Tie&& is_before = {}) const {
    // Every IPv4 route is longer than the prefix that makes an address a mapped one; the
    // shorter ones, such as ::/0, are none of its business.
    const bool is_v4 = addr.is_v4();
    for (int word = 2; word >= (is_v4 ? 1 : 0); --word) {
      std::uint64_t lengths = lengths_[static_cast<std::size_t>(word)];
      if (is_v4 && word == 1) lengths &= kMappedLengths;
      while (lengths != 0) {
        const int bit = 63 - std::countl_zero(lengths);
        lengths &= ~(std::uint64_t{1} << bit);
        const auto length = static_cast<std::uint8_t>(word * 64 + bit);
        if (const Route* found = best(addr, length, rank, is_before)) return found;
      }
    }
    return nullptr;
  }

  // Another one with the same prefix, whatever its metric.
  bool has_alternative(const Route& route) const;

  std::uint32_t size() const { return routes_.in_use(); }
  template <class F>
  void for_each(F&& f) {
    routes_.for_each([&](const RouteEntry& entry) { f(entry.route); });
  }

 private:
  static constexpr std::uint64_t kMappedLengths = ~std::uint64_t{0} << (96 - 64);

  static std::uint8_t mapped_length(const Prefix& prefix) {
    return static_cast<std::uint8_t>(prefix.length + (prefix.addr.is_v4() ? 96 : 0));
  }
  static IpAddr mask(const IpAddr& addr, std::uint8_t length);

  template <class F, class Tie>
  const Route* best(const IpAddr& addr, std::uint8_t length, F&& rank, Tie&& is_before) const {
    const IpAddr network = mask(addr, length);
    const RouteEntry* winner = nullptr;
    Rank winner_rank = Rank::no;
    for (const RouteEntry* e = table_.first(context_->hash(network, length)); e != nullptr;
         e = table_.next(*e)) {
      if (e->length != length || e->network != network) continue;
      const Rank r = rank(e->route);
      if (r == Rank::no) continue;
      if (winner == nullptr || r > winner_rank ||
          (r == winner_rank && is_preferred(*e, *winner, is_before))) {
        winner = e;
        winner_rank = r;
      }
    }
    return winner == nullptr ? nullptr : &winner->route;
  }
  template <class Tie>
  static bool is_preferred(const RouteEntry& a, const RouteEntry& b, Tie&& is_before) {
    return a.route.metric != b.route.metric ? a.route.metric < b.route.metric : is_before(a, b);
  }
  RouteEntry* find(const Route& route, bool is_connected) const;

  Context* context_ = nullptr;
  Slab<RouteEntry> routes_;
  HashChains<RouteEntry, &RouteEntry::next> table_;
  std::array<std::uint64_t, 3> lengths_{};  // bit: some route has this length
  std::array<std::uint32_t, 129> routes_of_length_{};
  std::uint32_t next_order_ = 0;
};

}  // namespace naru::ip
