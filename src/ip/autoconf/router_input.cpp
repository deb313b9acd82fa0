// Ip: what routers say of a link, at a host (RFC 4861 6.3.4, RFC 8106), and what hosts ask a
// router.
#include "ip/ip.hpp"

namespace naru::ip {
namespace {

// Whoever lowers it further wants that our packets get nowhere (CVE-2015-2922).
constexpr std::uint8_t kLeastHopLimit = 32;
// RFC 4861 6.2.1: an hour at most; below that we would do nothing but ask.
constexpr std::uint32_t kLeastReachableTime = 1'000;
constexpr std::uint32_t kMostReachableTime = 3'600'000;
constexpr std::uint32_t kLeastRetransmitTime = 100;
constexpr std::uint32_t kMostRetransmitTime = 60'000;

Time until(std::uint32_t seconds, Time now) {
  return seconds == wire::kInfiniteLifetime ? kTimeNever : now + std::chrono::seconds(seconds);
}

// Routes that people add win (as in Linux), and then the preference decides (RFC 4191 3.2).
std::uint32_t metric(RouterPreference preference) {
  constexpr std::uint32_t kMedium = 1'024;
  return kMedium + 1 - static_cast<std::uint32_t>(preference);
}

bool is_within(std::uint32_t value, std::uint32_t least, std::uint32_t most) {
  return value >= least && value <= most;
}

}  // namespace

bool Ip::listens_to_routers(std::uint8_t interface) const {
  const std::int64_t accepts = context_.options->get(Option::ndp_accept_ra);
  const bool is_router = context_.options->on(Option::ip_forwarding);
  return interfaces_.at(interface).is_autoconfigured && accepts > (is_router ? 1 : 0);
}

Status Ip::set_autoconf(std::uint8_t index, bool on, Time now) {
  if (!interfaces_.exists(index) || index == kLoopback) return std::unexpected(Error::not_found);
  Interface& interface = interfaces_.at(index);
  if (interface.is_autoconfigured == on) return {};
  const Changing changing(context_.configuration);
  interface.is_autoconfigured = on;
  if (on) {
    if (const Status enabled = enable_ipv6(index, now); !enabled) {
      interface.is_autoconfigured = false;
      return enabled;
    }
    if (listens_to_routers(index)) solicitor_.start(index, now);
    return {};
  }
  solicitor_.stop(index);
  learned_.for_each(index, [&](Learned& l) { forget_learned(l); });
  for (Address* a = interface.addresses.front(); a != nullptr;) {
    Address* next = interface.addresses.next(a);
    const bool is_made = a->origin != AddressOrigin::given && !a->addr.is_link_local();
    if (is_made) (void)remove_address(index, a->addr);
    a = next;
  }
  interface.hop_limit = 0;
  interface.link_mtu = 0;
  interface.base_reachable_time = 0;
  interface.reachable_time = interface.retransmit_time = Duration{};
  interface.is_managed = interface.has_other_config = false;
  change_epoch();
  return {};
}

// RFC 4861 6.1.2; hop limit, code and length were looked at already.
Drop Ip::input_router_advertisement(const Packet& packet, const wire::NdpView& view, Time now) {
  const std::uint8_t index = packet.interface;
  const auto options = wire::NdpOptions::of(view.options());
  const auto& mac = options.source_link_layer;
  if (!packet.source.is_link_local() || options.malformed) return Drop::ndp_malformed;
  if (mac && (mac->is_multicast() || mac->is_zero())) return Drop::ndp_malformed;
  if (!listens_to_routers(index)) return Drop::icmp_ignored;
  context_.counters->add(Counter::ndp_router_advertisements_in);
  if (mac) {
    Neighbour* router = neighbours_.find_or_add(index, packet.source, now);
    if (router != nullptr) neighbours_.on_solicitation(*router, *mac, now);
  }
  const auto fields = wire::RouterFields::of(view);
  learn_parameters(index, fields);
  learn_router(packet, fields, now);
  wire::NdpOptionWalker walker(view.options());
  for (wire::NdpOption option; walker.next(option);) learn_option(index, option, now);
  return Drop::none;
}

void Ip::learn_parameters(std::uint8_t index, const wire::RouterFields& fields) {
  Interface& interface = interfaces_.at(index);
  interface.is_managed = fields.is_managed;
  interface.has_other_config = fields.has_other_config;
  if (fields.hop_limit >= kLeastHopLimit && fields.hop_limit != interface.hop_limit) {
    interface.hop_limit = fields.hop_limit;
    change_epoch();
  }
  const std::uint32_t base = fields.reachable_time;
  if (is_within(base, kLeastReachableTime, kMostReachableTime) &&
      base != interface.base_reachable_time) {
    interface.base_reachable_time = base;
    const std::chrono::milliseconds time(base);
    interface.reachable_time = context_.random_between(time / 2, time + time / 2);
  }
  if (is_within(fields.retransmit_time, kLeastRetransmitTime, kMostRetransmitTime)) {
    interface.retransmit_time = std::chrono::milliseconds(fields.retransmit_time);
  }
}

void Ip::learn_option(std::uint8_t index, const wire::NdpOption& option, Time now) {
  if (const auto prefix = wire::PrefixInformation::parse(option)) {
    learn_prefix(index, *prefix, now);
    configure_addresses(index, *prefix, now);
  } else if (const auto mtu = wire::parse_mtu(option)) {
    learn_mtu(index, *mtu);
  } else if (const auto servers = wire::RecursiveServers::parse(option)) {
    learn_servers(index, *servers, now);
  } else if (const auto domains = wire::SearchDomains::parse(option)) {
    learn_domains(index, *domains, now);
  }
}

void Ip::learn_mtu(std::uint8_t index, std::uint32_t mtu) {
  Interface& interface = interfaces_.at(index);
  if (!is_within(mtu, wire::Ipv6::kMinMtu, interface.mtu) || mtu == interface.link_mtu) return;
  interface.link_mtu = static_cast<std::uint16_t>(mtu);
  change_epoch();
}

// --- at a router -------------------------------------------------------------------------

Status Ip::advertise(std::uint8_t index, const RouterAdvertising& what, Time now) {
  if (!context_.options->on(Option::ip_forwarding)) return std::unexpected(Error::invalid);
  if (const Status enabled = enable_ipv6(index, now); !enabled) return enabled;
  const Changing changing(context_.configuration);
  const bool is_new = !advertiser_.is_advertising(index);
  const Status started = advertiser_.start(index, what, now);
  return started && is_new ? join(index, wire::kAllRouters, now) : started;
}

void Ip::stop_advertising(std::uint8_t index, Time now) {
  if (!interfaces_.exists(index) || !advertiser_.is_advertising(index)) return;
  const Changing changing(context_.configuration);
  advertiser_.stop(index, now);
  leave(index, wire::kAllRouters, now);
}

// RFC 4861 6.1.1, 6.2.6.
Drop Ip::input_router_solicitation(const Packet& packet, const wire::NdpView& view, Time now) {
  const auto options = wire::NdpOptions::of(view.options());
  const auto& mac = options.source_link_layer;
  if (options.malformed || (mac && packet.source.is_any())) return Drop::ndp_malformed;
  if (mac && (mac->is_multicast() || mac->is_zero())) return Drop::ndp_malformed;
  if (!advertiser_.is_advertising(packet.interface)) return Drop::icmp_ignored;
  if (mac) {
    Neighbour* host = neighbours_.find_or_add(packet.interface, packet.source, now);
    if (host != nullptr) neighbours_.on_solicitation(*host, *mac, now);
  }
  advertiser_.on_solicitation(packet.interface, now);
  return Drop::none;
}

// --- routes ------------------------------------------------------------------------------

void Ip::learn_router(const Packet& packet, const wire::RouterFields& fields, Time now) {
  const Route way{.prefix = {IpAddr::any_v6(), 0},
                  .gateway = packet.source,
                  .source = {},
                  .metric = metric(fields.preference),
                  .interface = packet.interface};
  const Learned* router = learn_route(way, fields.lifetime, now);
  if (router != nullptr) solicitor_.stop(packet.interface);
}

// RFC 4861 6.3.4, 6.3.5: on the link for as long as a router says so.
void Ip::learn_prefix(std::uint8_t index, const wire::PrefixInformation& said, Time now) {
  const IpAddr& addr = said.prefix.addr;
  const bool is_sane = addr.is_v6() && said.prefix.length != 0 && !addr.is_link_local() &&
                       !addr.is_multicast() && !addr.is_any();
  if (!said.is_on_link || !is_sane) return;
  const Route way{
      .prefix = said.prefix, .gateway = {}, .source = {}, .metric = 0, .interface = index};
  (void)learn_route(way, said.valid_lifetime, now);
}

// A way to a gateway or a network, for so many seconds. nullptr: it is not, or no longer, there.
Learned* Ip::learn_route(const Route& route, std::uint32_t seconds, Time now) {
  const bool is_connected = route.gateway.is_any();
  const auto what = is_connected ? Learned::Kind::on_link : Learned::Kind::router;
  const Prefix whose = is_connected ? route.prefix : Prefix{route.gateway, 128};
  Learned* known = learned_.find(route.interface, what, whose);
  if (known != nullptr && (seconds == 0 || known->route.metric != route.metric)) {
    forget_learned(*known);
    known = nullptr;
  }
  if (seconds == 0) return nullptr;
  if (known == nullptr) {
    const Changing changing(context_.configuration);
    known = learned_.add(route.interface, what);
    if (known == nullptr) return nullptr;
    known->prefix = whose;
    known->route = route;
    known->has_route = routes_.add(route, is_connected).has_value();
    change_epoch();
  }
  learned_.renew(*known, until(seconds, now));
  return known;
}

void Ip::forget_learned(Learned& learned) {
  const Changing changing(context_.configuration);
  if (learned.has_route) {
    (void)routes_.remove(learned.route, learned.route.gateway.is_any());
    change_epoch();
  }
  learned_.remove(learned);
}

// By one of the interface's addresses, or because a router said so (RFC 5942 4).
bool Ip::is_on_link(std::uint8_t interface, const IpAddr& addr) {
  if (interfaces_.is_on_link(interface, addr)) return true;
  bool found = false;
  learned_.for_each(interface, [&](const Learned& l) {
    found |= l.what == Learned::Kind::on_link && l.prefix.contains(addr);
  });
  return found;
}

// --- names -------------------------------------------------------------------------------

void Ip::learn_servers(std::uint8_t index, const wire::RecursiveServers& said, Time now) {
  for (std::size_t i = 0; i < said.count(); ++i) {
    const IpAddr addr = said.at(i).with_zone(index);
    if (addr.is_v4() || addr.is_any() || addr.is_multicast() || addr.is_loopback()) continue;
    const Prefix server{addr, 128};
    Learned* known = learned_.find(index, Learned::Kind::name_server, server);
    if (said.lifetime() == 0) {
      if (known != nullptr) forget_learned(*known);
      continue;
    }
    if (known == nullptr) {
      const Changing changing(context_.configuration);
      known = learned_.add(index, Learned::Kind::name_server);
      if (known == nullptr) return;
      known->prefix = server;
    }
    learned_.renew(*known, until(said.lifetime(), now));
  }
}

void Ip::learn_domains(std::uint8_t index, wire::SearchDomains said, Time now) {
  while (const auto domain = said.next()) {
    Learned* known = learned_.find(index, *domain);
    if (said.lifetime() == 0) {
      if (known != nullptr) forget_learned(*known);
      continue;
    }
    if (known == nullptr) {
      const Changing changing(context_.configuration);
      known = learned_.add(index, Learned::Kind::search_domain);
      if (known == nullptr) return;
      known->domain = *domain;
    }
    learned_.renew(*known, until(said.lifetime(), now));
  }
}

}  // namespace naru::ip
