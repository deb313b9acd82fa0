// The destinations in use: a bounded table with a keyed hash, evicted by CLOCK.
#pragma once

#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/wire/address.hpp>

#include "base/hash_chains.hpp"
#include "base/list.hpp"
#include "ip/context.hpp"
#include "ip/destination.hpp"

namespace naru::ip {

class DestinationCache {
 public:
  // How long a lowered path MTU is believed (RFC 1191 6.3).
  static constexpr Duration kPathMtuAge = 10min;

  [[nodiscard]] bool init(Arena& arena, Context& context);

  Destination* at(std::uint32_t index) { return destinations_.at(index); }
  const Destination* at(std::uint32_t index) const { return destinations_.at(index); }
  std::uint32_t index_of(const Destination* d) const { return destinations_.index_of(d); }

  Destination* find(const IpAddr& remote, const IpAddr& asked_local,
                    std::uint8_t asked_interface) const;
  // An entry with its key filled in, in place of another where the table is full.
  Destination* add(const IpAddr& remote, const IpAddr& asked_local, std::uint8_t asked_interface);
  void remove(Destination* d);

  // All with this remote address.
  template <class F>
  void for_each_to(const IpAddr& remote, F&& f) {  // f(Destination&)
    for (Destination* d = table_.first(hash(remote)); d != nullptr; d = table_.next(*d)) {
      if (d->remote == remote) f(*d);
    }
  }

  // What was handed out about it holds no longer.
  void bump(Destination* d) { d->generation = ++last_generation_; }

  // Lowers the path MTU of all destinations with this remote address; never raises it.
  void lower_path_mtu(const IpAddr& remote, std::uint16_t mtu, Time now);
  // After a death: no reference that was handed out is current any more.
  void forget();

  // Forgets lowered path MTUs that are too old; the timer is back on the wheel for the next.
  void on_timer(Time now);

  std::uint32_t size() const { return destinations_.in_use(); }

 private:
  std::uint64_t hash(const IpAddr& remote) const { return context_->hash(remote); }
  void evict_one();

  Context* context_ = nullptr;
  Slab<Destination> destinations_;
  // By remote alone: a path MTU concerns all with the same.
  HashChains<Destination, &Destination::next> table_;
  List<Destination, PathMtuOrder> lowered_;  // oldest first
  Timer timer_{TimerKind::path_mtu};
  std::uint32_t hand_ = 0;
  std::uint32_t last_generation_ = 0;
};

}  // namespace naru::ip
