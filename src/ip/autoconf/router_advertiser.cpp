#include "ip/autoconf/router_advertiser.hpp"

#include <algorithm>

#include "ip/neighbour/ndp.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {
namespace {

// RFC 4861 10.
constexpr std::uint8_t kInitialCount = 3;
constexpr Duration kInitialInterval = 16s;
constexpr Duration kMinDelayBetween = 3s;
constexpr Duration kMaxDelay = 500ms;  // MAX_RA_DELAY_TIME
// While there is no address to send from yet.
constexpr Duration kRetry = 500ms;
// RFC 4861 6.2.1, RFC 8319 4.
constexpr std::chrono::seconds kLeastInterval = 4s;
constexpr std::chrono::seconds kMostInterval = 1800s;
constexpr std::chrono::seconds kLongestRouterLifetime = 9000s;

std::uint32_t seconds(std::chrono::seconds lifetime) {
  constexpr std::int64_t kMost = wire::kInfiniteLifetime;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(lifetime.count(), 0, kMost));
}

bool makes_sense(const AdvertisedPrefix& p) {
  return p.prefix.addr.is_v6() && !p.prefix.addr.is_multicast() && !p.prefix.addr.is_link_local() &&
         p.prefix.length >= 1 && p.prefix.length <= 128 && p.preferred_lifetime >= 0s &&
         p.preferred_lifetime <= p.valid_lifetime;
}

bool makes_sense(const RouterAdvertising& what) {
  const bool fits = what.prefixes.size() <= wire::RouterAdvertisement::kMaxPrefixes &&
                    what.name_servers.size() <= wire::RouterAdvertisement::kMaxServers;
  const bool is_timely = what.max_interval >= kLeastInterval &&
                         what.max_interval <= kMostInterval && what.router_lifetime >= 0s &&
                         what.router_lifetime <= kLongestRouterLifetime;
  const bool is_mtu = what.mtu == 0 || what.mtu >= wire::Ipv6::kMinMtu;
  return fits && is_timely && is_mtu &&
         std::all_of(what.prefixes.begin(), what.prefixes.end(),
                     [](const AdvertisedPrefix& p) { return makes_sense(p); }) &&
         std::all_of(what.name_servers.begin(), what.name_servers.end(), [](const IpAddr& server) {
           return server.is_v6() && !server.is_any() && !server.is_multicast();
         });
}

wire::RouterAdvertisement message_of(const RouterAdvertising& what) {
  wire::RouterAdvertisement message;
  message.fields.is_managed = what.is_managed;
  message.fields.has_other_config = what.has_other_config;
  message.fields.preference = what.preference;
  message.fields.lifetime = static_cast<std::uint16_t>(what.router_lifetime.count());
  message.mtu = what.mtu;
  for (const AdvertisedPrefix& p : what.prefixes) {
    message.prefixes[message.prefix_count++] = {p.prefix, p.is_on_link, p.is_autonomous,
                                                seconds(p.valid_lifetime),
                                                seconds(p.preferred_lifetime)};
  }
  for (const IpAddr& server : what.name_servers) {
    message.name_servers[message.name_server_count++] = server;
  }
  message.name_server_lifetime = seconds(3 * what.max_interval);  // RFC 8106 5.1
  return message;
}

}  // namespace

void RouterAdvertiser::init(Context& context, InterfaceTable& interfaces) {
  context_ = &context;
  interfaces_ = &interfaces;
  for (std::uint8_t i = 0; i < kMaxInterfaces; ++i) ports_[i].interface = i;
}

Status RouterAdvertiser::start(std::uint8_t interface, const RouterAdvertising& what, Time now) {
  if (!makes_sense(what)) return std::unexpected(Error::invalid);
  AdvertiserPort& port = ports_[interface];
  port.message = message_of(what);
  port.max_interval = what.max_interval;
  port.initial_left = kInitialCount;
  port.is_advertising = true;
  context_->wheel.arm(port, now + context_->random_between(Duration{}, kMaxDelay));
  return {};
}

void RouterAdvertiser::stop(std::uint8_t interface, Time now) {
  AdvertiserPort& port = ports_[interface];
  if (!port.is_advertising) return;
  port.message.fields.lifetime = 0;
  (void)send(port, now);
  port.is_advertising = false;
  context_->wheel.cancel(port);
}

// RFC 4861 6.2.6: to all, so that one answer is enough for many who ask, and not too often.
void RouterAdvertiser::on_solicitation(std::uint8_t interface, Time now) {
  AdvertiserPort& port = ports_[interface];
  Time due = now + context_->random_between(Duration{}, kMaxDelay);
  if (port.last != Time::min()) due = std::max(due, port.last + kMinDelayBetween);
  context_->wheel.arm_no_later(port, due);
}

void RouterAdvertiser::on_timer(AdvertiserPort& port, Time now) {
  if (!port.is_advertising) return;
  if (!send(port, now)) {
    context_->wheel.arm(port, now + kRetry);
    return;
  }
  Duration wait = context_->random_between(port.max_interval / 3, port.max_interval);
  if (port.initial_left != 0) {
    --port.initial_left;
    wait = std::min(wait, kInitialInterval);
  }
  context_->wheel.arm(port, now + wait);
}

bool RouterAdvertiser::send(AdvertiserPort& port, Time now) {
  const Interface& interface = interfaces_->at(port.interface);
  const Address* own = interfaces_->link_local(port.interface);
  if (!interface.up || own == nullptr || own->state != AddressState::valid) return false;
  port.message.source_link_layer = interface.mac;
  port.last = now;
  send_router_advertisement(*context_, interface, port.interface, own->addr, port.message, now);
  return true;
}

void RouterAdvertiser::recover(Time now) {
  for (AdvertiserPort& port : ports_) {
    static_cast<TimerLinks&>(port) = {};
    if (port.is_advertising) context_->wheel.arm(port, now + kMinDelayBetween);
  }
}

}  // namespace naru::ip
