#include "ip/neighbour/arp_probe.hpp"

#include <cstring>

#include "ip/neighbour/arp.hpp"
#include "ip/neighbour/ndp.hpp"

namespace naru::ip {
namespace {

// RFC 5227 1.1.
constexpr Duration kProbeWait = 1s;
constexpr Duration kProbeMin = 1s;
constexpr Duration kProbeMax = 2s;
constexpr Duration kAnnounceWait = 2s;
constexpr Duration kAnnounceInterval = 2s;
constexpr std::uint8_t kMaxConflicts = 10;
constexpr Duration kRateLimitInterval = 60s;
constexpr Duration kDefendInterval = 10s;

}  // namespace

bool AddressProber::is_used_on_wire(const Address& address) const {
  return address.interface != kLoopback;
}

// What was made up by itself is never used without a question (RFC 4862 5.4).
std::uint8_t AddressProber::probe_count(const Address& address) const {
  const auto count = [&](Option o) { return static_cast<std::uint8_t>(context_->options->get(o)); };
  const std::uint8_t wanted = count(Option::arp_probe_count);
  const bool is_own = address.origin != AddressOrigin::given &&
                      interfaces_->at(address.interface).is_autoconfigured;
  return is_own ? std::max(wanted, count(Option::ndp_dad_transmits)) : wanted;
}

void AddressProber::start(Address& address, Time now) {
  if (!is_used_on_wire(address)) return;
  address.probes_left = probe_count(address);
  address.announcements_left =
      address.addr.is_v4()
          ? static_cast<std::uint8_t>(context_->options->get(Option::arp_announce_count))
          : std::uint8_t{0};
  if (address.probes_left == 0) {
    announce(address, now);
    return;
  }
  address.state = AddressState::tentative;
  Interface& interface = interfaces_->at(address.interface);
  Time first = now + context_->random_between(0s, kProbeWait);
  if (interface.conflicts >= kMaxConflicts) {
    first = std::max(first, interface.last_attempt + kRateLimitInterval);
  }
  interface.last_attempt = first;
  context_->wheel.arm(address, first);
}

bool AddressProber::on_timer(Address& address, Time now) {
  if (address.state == AddressState::conflict) return false;
  if (address.probes_left != 0) {
    probe(address, now);
    --address.probes_left;
    context_->wheel.arm(address, now + wait_after_probe(address));
    return false;
  }
  const bool is_new = address.state == AddressState::tentative;
  if (is_new) {
    address.state = AddressState::valid;
    interfaces_->at(address.interface).conflicts = 0;
  }
  announce(address, now);
  return is_new;
}

Duration AddressProber::wait_after_probe(const Address& address) {
  if (address.addr.is_v6()) return interfaces_->retransmit_time(address.interface);
  return address.probes_left == 0 ? kAnnounceWait : context_->random_between(kProbeMin, kProbeMax);
}

void AddressProber::recover(Address& address, Time now) {
  if (address.state == AddressState::tentative) {
    start(address, now);
  } else if (address.announcements_left != 0) {
    announce_again(address, now);
  }
}

void AddressProber::announce_again(Address& address, Time now) {
  if (address.state != AddressState::valid || !is_used_on_wire(address)) return;
  if (address.addr.is_v6()) return;  // its neighbours find out by themselves (RFC 4861 7.2.6)
  address.announcements_left =
      static_cast<std::uint8_t>(context_->options->get(Option::arp_announce_count));
  announce(address, now);
}

void AddressProber::announce(Address& address, Time now) {
  if (address.announcements_left == 0) return;
  send(address, address.addr, now);
  if (--address.announcements_left != 0) context_->wheel.arm(address, now + kAnnounceInterval);
}

void AddressProber::probe(Address& address, Time now) {
  if (address.addr.is_v4()) {
    send(address, IpAddr::any_v4(), now);
    return;
  }
  const std::uint64_t nonce = context_->random->next_u64();
  std::memcpy(address.nonce.data(), &nonce, address.nonce.size());
  const Interface& interface = interfaces_->at(address.interface);
  if (interface.up) {
    send_probe(*context_, interface, address.interface, address.addr, address.nonce, now);
  }
}

// A probe has no sender address, so that it can disturb nobody's cache; an
// announcement has the address twice.
void AddressProber::send(const Address& address, const IpAddr& sender, Time now) {
  const Interface& interface = interfaces_->at(address.interface);
  if (!interface.up) return;
  send_arp(*context_, interface, address.interface, MacAddr::broadcast(),
           {.op = wire::Arp::kRequest,
            .sha = interface.mac,
            .spa = sender,
            .tha = {},
            .tpa = address.addr},
           now);
}

void AddressProber::on_duplicate(Address& address) {
  Interface& interface = interfaces_->at(address.interface);
  if (interface.conflicts < kMaxConflicts) ++interface.conflicts;
  address.state = AddressState::conflict;
  context_->wheel.cancel(address);
  context_->counters->add(Counter::arp_conflicts);
}

bool AddressProber::on_arp(Address& address, const wire::Arp& arp, Time now) {
  const bool is_probe = arp.op == wire::Arp::kRequest && arp.spa.is_any();
  const bool probes_it = is_probe && arp.tpa == address.addr;
  const bool claims_it = arp.spa == address.addr;
  if (address.state == AddressState::tentative && (claims_it || probes_it)) {
    on_duplicate(address);
    return true;
  }
  if (address.state != AddressState::valid || !claims_it) return false;
  context_->counters->add(Counter::arp_conflicts);
  if (address.last_defence == Time::min() || now - address.last_defence >= kDefendInterval) {
    address.last_defence = now;
    send(address, address.addr, now);
  }
  return true;
}

}  // namespace naru::ip
