// Ip: addresses that a host makes itself of the prefixes that routers announce: stable ones
// (RFC 4862, RFC 7217) and temporary ones (RFC 8981).
//
//   tentative ──nobody has it──> preferred ──time──> deprecated ──time──> gone
//                                    ^    what a router says    │
//                                    └──────────────────────────┘
#include "ip/autoconf/stable_address.hpp"
#include "ip/ip.hpp"

namespace naru::ip {
namespace {

constexpr std::size_t kMostMadeUp = 16;  // on one interface
constexpr Duration kTwoHours = 2h;       // RFC 4862 5.5.3 (e)
// RFC 8981 3.8.
constexpr Duration kTemporaryValid = 48h;
constexpr Duration kTemporaryPreferred = 24h;
constexpr Duration kMaxDesync = kTemporaryPreferred * 4 / 10;
constexpr Duration kRegenerateAdvance = 5s;

Lifetimes lifetimes_of(const wire::PrefixInformation& said, Time now) {
  const auto until = [&](std::uint32_t seconds) {
    return seconds == wire::kInfiniteLifetime ? kTimeNever : now + std::chrono::seconds(seconds);
  };
  return {until(said.valid_lifetime), until(said.preferred_lifetime)};
}

// RFC 4862 5.5.3 (e): nobody can make an address go sooner than in two hours, unless it was
// to go sooner anyway.
Time two_hours_rule(Time said, Time known, Time now) {
  if (said > now + kTwoHours || said > known) return said;
  return std::min(known, now + kTwoHours);
}

bool is_made_of(const Address& a, AddressOrigin origin, const Prefix& prefix) {
  return a.origin == origin && a.prefix.length == prefix.length && prefix.contains(a.addr) &&
         !a.addr.is_link_local();
}

}  // namespace

// On a network of 64 bits, as the plan says: by a secret, or by chance.
Status Ip::make_up_address(std::uint8_t interface, const Prefix& network, const AddressPlan& plan,
                           Time now) {
  const IpAddr prefix = network.addr.without_zone();
  SipKey key = stable_secret_;
  if (plan.origin == AddressOrigin::temporary) {
    key = {context_.random->next_u64(), context_.random->next_u64()};
  }
  const IpAddr addr = stable_address(key, prefix, interfaces_.at(interface).mac, plan.attempt);
  return make_address(interface, {addr.with_zone(interface), network.length}, plan, now);
}

// RFC 4862 5.5.3: what a prefix information option means to addresses.
void Ip::configure_addresses(std::uint8_t index, const wire::PrefixInformation& said, Time now) {
  const IpAddr& addr = said.prefix.addr;
  const bool is_sane = addr.is_v6() && !addr.is_link_local() && !addr.is_multicast() &&
                       !addr.is_any() && !addr.is_loopback();
  if (!said.is_autonomous || !is_sane || said.preferred_lifetime > said.valid_lifetime) return;
  Lifetimes lifetimes = lifetimes_of(said, now);
  Address* stable = find_stable(index, said.prefix);
  if (stable == nullptr) {
    constexpr std::uint8_t kIdentifierLength = 64;
    if (said.prefix.length != 128 - kIdentifierLength) return;
    if (said.valid_lifetime == 0 || !has_room(index)) return;
    const Status made = make_up_address(
        index, said.prefix,
        {.origin = AddressOrigin::stable, .is_network_on_link = false, .lifetimes = lifetimes},
        now);
    stable = made ? find_stable(index, said.prefix) : nullptr;
    if (stable == nullptr) return;
  }
  lifetimes.valid = two_hours_rule(lifetimes.valid, stable->lifetimes.valid, now);
  renew_lifetimes(*stable, lifetimes, now);
  bool has_temporary = false;
  auto& addresses = interfaces_.at(index).addresses;
  for (Address* a = addresses.front(); a != nullptr; a = addresses.next(a)) {
    if (!is_made_of(*a, AddressOrigin::temporary, said.prefix)) continue;
    renew_lifetimes(*a, lifetimes, now);
    has_temporary |= !a->is_deprecated;
  }
  if (!has_temporary) make_temporary(*stable, now);
}

Address* Ip::find_stable(std::uint8_t index, const Prefix& prefix) {
  auto& addresses = interfaces_.at(index).addresses;
  for (Address* a = addresses.front(); a != nullptr; a = addresses.next(a)) {
    if (is_made_of(*a, AddressOrigin::stable, prefix)) return a;
  }
  return nullptr;
}

bool Ip::has_room(std::uint8_t index) {
  std::size_t count = 0;
  auto& addresses = interfaces_.at(index).addresses;
  for (Address* a = addresses.front(); a != nullptr; a = addresses.next(a)) {
    count += a->origin == AddressOrigin::given ? 0U : 1U;
  }
  if (count < kMostMadeUp) return true;
  context_.counters->drop(Drop::ndp_table_full);
  return false;
}

// RFC 8981 3.4: an address that nobody can know us by tomorrow, besides the stable one.
void Ip::make_temporary(const Address& stable, Time now) {
  if (!context_.options->on(Option::ndp_temporary_addresses)) return;
  const Duration desync = context_.random_between(Duration{}, kMaxDesync);
  const Lifetimes longest{now + kTemporaryValid, now + kTemporaryPreferred - desync};
  const Lifetimes lifetimes{std::min(stable.lifetimes.valid, longest.valid),
                            std::min(stable.lifetimes.preferred, longest.preferred)};
  if (lifetimes.preferred <= now + kRegenerateAdvance || !has_room(stable.interface)) return;
  (void)make_up_address(stable.interface, {stable.prefix.network(), stable.prefix.length},
                        {.origin = AddressOrigin::temporary,
                         .is_network_on_link = false,
                         .lifetimes = lifetimes,
                         .longest = longest},
                        now);
}

void Ip::renew_lifetimes(Address& address, const Lifetimes& said, Time now) {
  address.lifetimes = {std::min(said.valid, address.longest.valid),
                       std::min(said.preferred, address.longest.preferred)};
  const bool is_deprecated = address.lifetimes.preferred <= now;
  if (is_deprecated != address.is_deprecated) {
    address.is_deprecated = is_deprecated;
    change_epoch();
  }
  arm_lifetime(address, now);
}

// For what changes next. The timer of a tentative address is its prober's; what is given by
// people lasts.
void Ip::arm_lifetime(Address& address, Time now) {
  if (address.state == AddressState::tentative || address.origin == AddressOrigin::given) return;
  Time next = address.lifetimes.valid;
  if (!address.is_deprecated) next = std::min(next, address.lifetimes.preferred);
  if (address.origin == AddressOrigin::temporary && !address.has_successor &&
      address.lifetimes.preferred != kTimeNever) {
    next = std::min(next, address.lifetimes.preferred - kRegenerateAdvance);
  }
  if (next == kTimeNever) {
    context_.wheel.cancel(address);
  } else {
    context_.wheel.arm(address, std::max(next, now));
  }
}

void Ip::on_address_timer(Address& address, Time now) {
  if (prober_.on_timer(address, now)) {
    change_epoch();
    renew_nat();
    // What was said from :: was said to nobody (RFC 3810 5.2.13, RFC 3590 4).
    const bool is_source_of_reports = address.addr.is_v6() && address.addr.is_link_local();
    if (is_source_of_reports) reporter_.tell_again(address.interface, true, now);
  }
  if (address.state == AddressState::tentative || address.origin == AddressOrigin::given) return;
  if (address.lifetimes.valid <= now) {
    (void)remove_address(address.interface, address.addr);
    return;
  }
  if (!address.is_deprecated && address.lifetimes.preferred <= now) {
    address.is_deprecated = true;
    change_epoch();
  }
  const bool is_to_be_replaced = address.origin == AddressOrigin::temporary &&
                                 !address.has_successor &&
                                 address.lifetimes.preferred <= now + kRegenerateAdvance;
  if (is_to_be_replaced) {
    address.has_successor = true;
    const Address* stable = find_stable(address.interface, address.prefix);
    if (stable != nullptr) make_temporary(*stable, now);
  }
  arm_lifetime(address, now);
}

}  // namespace naru::ip
