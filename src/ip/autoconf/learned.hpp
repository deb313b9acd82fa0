// What routers have said of our links, as long as it holds: default routers, prefixes that are
// on the link, name servers and search domains (RFC 4861 5.1, RFC 8106).
#pragma once

#include <array>
#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/wire/address.hpp>
#include <naru/wire/dns_name.hpp>

#include "base/list.hpp"
#include "base/slab.hpp"
#include "ip/context.hpp"
#include "ip/types.hpp"

namespace naru::ip {

struct LearnedOrder;

// One thing that is true until its timer fires.
struct Learned : Timer, ListHook<LearnedOrder> {
  enum class Kind : std::uint8_t { router, on_link, name_server, search_domain };

  Learned() : Timer(TimerKind::learned) {}

  Kind what = Kind::router;
  std::uint8_t interface = 0;
  bool has_route = false;  // of ours, to go when this goes
  Prefix prefix;           // of a router or a name server its address
  Route route;             // of a router or a prefix
  wire::DnsName domain;
  Time until = kTimeNever;
};

class LearnedTable {
 public:
  // Of each kind on each interface. Who has a place keeps it as long as it is renewed, so a
  // flood of advertisements takes nothing from those that were there before.
  static constexpr std::array<std::size_t, 4> kMost = {16, 32, 8, 8};

  [[nodiscard]] bool init(Arena& arena, Context& context);

  Learned* find(std::uint8_t interface, Learned::Kind what, const Prefix& prefix);
  Learned* find(std::uint8_t interface, const wire::DnsName& domain);
  // nullptr where the interface has as many as it may.
  Learned* add(std::uint8_t interface, Learned::Kind what);
  void renew(Learned& learned, Time until);
  void remove(Learned& learned);
  // After a death: the wheel is empty.
  void recover();

  // In the order in which they were learned. `f` may remove the one it is given.
  template <class F>
  void for_each(std::uint8_t interface, F&& f) {  // f(Learned&)
    List<Learned, LearnedOrder>& list = lists_[interface];
    for (Learned* l = list.front(); l != nullptr;) {
      Learned* next = list.next(l);
      f(*l);
      l = next;
    }
  }

 private:
  static constexpr std::uint32_t kCapacity = 1'024;

  Context* context_ = nullptr;
  Slab<Learned> slots_;
  std::array<List<Learned, LearnedOrder>, kMaxInterfaces> lists_;
};

}  // namespace naru::ip
