#include "ip/autoconf/learned.hpp"

namespace naru::ip {

bool LearnedTable::init(Arena& arena, Context& context) {
  context_ = &context;
  return slots_.init(arena, kCapacity);
}

Learned* LearnedTable::find(std::uint8_t interface, Learned::Kind what, const Prefix& prefix) {
  Learned* found = nullptr;
  for_each(interface, [&](Learned& l) {
    if (l.what == what && l.prefix == prefix) found = &l;
  });
  return found;
}

Learned* LearnedTable::find(std::uint8_t interface, const wire::DnsName& domain) {
  Learned* found = nullptr;
  for_each(interface, [&](Learned& l) {
    if (l.what == Learned::Kind::search_domain && l.domain == domain) found = &l;
  });
  return found;
}

Learned* LearnedTable::add(std::uint8_t interface, Learned::Kind what) {
  std::size_t count = 0;
  for_each(interface, [&](const Learned& l) { count += l.what == what ? 1U : 0U; });
  Learned* l = count < kMost[static_cast<std::size_t>(what)] ? slots_.take() : nullptr;
  if (l == nullptr) {
    context_->counters->drop(Drop::ndp_table_full);
    return nullptr;
  }
  l->what = what;
  l->interface = interface;
  lists_[interface].push_back(l);
  return l;
}

void LearnedTable::renew(Learned& learned, Time until) {
  learned.until = until;
  if (until == kTimeNever) {
    context_->wheel.cancel(learned);
  } else {
    context_->wheel.arm(learned, until);
  }
}

void LearnedTable::remove(Learned& learned) {
  context_->wheel.cancel(learned);
  lists_[learned.interface].remove(&learned);
  slots_.give_back(&learned);
}

void LearnedTable::recover() {
  slots_.for_each([&](Learned& l) {
    static_cast<TimerLinks&>(l) = {};
    renew(l, l.until);
  });
}

}  // namespace naru::ip
