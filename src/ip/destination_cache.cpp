#include "ip/destination_cache.hpp"

#include <algorithm>

namespace naru::ip {

bool DestinationCache::init(Arena& arena, Context& context) {
  context_ = &context;
  const std::uint32_t capacity = context.options->u32(Option::max_destinations);
  return destinations_.init(arena, capacity) && table_.init(arena, destinations_, capacity);
}

Destination* DestinationCache::find(const IpAddr& remote, const IpAddr& asked_local,
                                    std::uint8_t asked_interface) const {
  return table_.find(hash(remote), [&](const Destination& d) {
    return d.remote == remote && d.asked_local == asked_local &&
           d.asked_interface == asked_interface;
  });
}

Destination* DestinationCache::add(const IpAddr& remote, const IpAddr& asked_local,
                                   std::uint8_t asked_interface) {
  if (destinations_.in_use() == destinations_.capacity()) evict_one();
  Destination* d = destinations_.take();
  d->remote = remote;
  d->asked_local = asked_local;
  d->asked_interface = asked_interface;
  // A random start, so that nobody learns from our identifications how much we send
  // to others (RFC 6864 leaves the choice to us, RFC 7739 explains it).
  d->id = static_cast<std::uint16_t>(context_->random->next_u32());
  table_.insert(hash(remote), d);
  return d;
}

void DestinationCache::remove(Destination* d) {
  if (d->is_linked()) lowered_.remove(d);
  table_.remove(hash(d->remote), d);
  d->generation = 0;
  destinations_.give_back(d);
}

// CLOCK: the hand takes the first entry that was not used since it last came by.
void DestinationCache::evict_one() {
  for (;;) {
    Destination* d = destinations_.at(hand_);
    hand_ = (hand_ + 1) % destinations_.capacity();
    if (!d->referenced) {
      remove(d);
      return;
    }
    d->referenced = false;
  }
}

void DestinationCache::lower_path_mtu(const IpAddr& remote, std::uint16_t mtu, Time now) {
  for (Destination* d = table_.first(hash(remote)); d != nullptr; d = table_.next(*d)) {
    if (d->remote != remote || mtu >= d->mtu) continue;
    d->mtu = d->path_mtu = mtu;
    d->path_mtu_expires = now + kPathMtuAge;
    if (d->is_linked()) lowered_.remove(d);
    lowered_.push_back(d);
    bump(d);
  }
  if (!lowered_.empty()) {
    context_->wheel.arm_no_later(timer_, lowered_.front()->path_mtu_expires);
  }
}

void DestinationCache::forget() {
  for (std::uint32_t i = 0; destinations_.was_used(i); ++i) destinations_.at(i)->generation = 0;
  destinations_.forget();
  destinations_.rebuild();
  table_.clear();
  lowered_ = {};
  static_cast<TimerLinks&>(timer_) = {};
}

void DestinationCache::on_timer(Time now) {
  while (Destination* d = lowered_.front()) {
    if (d->path_mtu_expires > now) {
      context_->wheel.arm(timer_, d->path_mtu_expires);
      return;
    }
    lowered_.remove(d);
    d->path_mtu = 0;
    d->epoch = 0;  // its next user works the way out anew
  }
}

}  // namespace naru::ip
