#include <algorithm>

#include <naru/dhcp/lease6.hpp>
#include <naru/wire/dns_name.hpp>

#include "wire/dhcp6.hpp"

namespace naru::dhcp {
namespace {

using wire::Dhcp6Address;
using wire::Dhcp6Ia;
using wire::Dhcp6Option;
using wire::Dhcp6Options;
using wire::Dhcp6Status;

constexpr std::uint32_t kLeastRefresh = 600;  // seconds: IRT_MINIMUM
constexpr std::uint32_t kMostRefresh = 30 * 86'400;

// An address that DHCP can give: of a scope beyond the link, and one host's.
bool is_host(const IpAddr& address) {
  return address.is_v6() && !address.is_any() && !address.is_loopback() &&
         !address.is_multicast() && !address.is_link_local();
}

// None: for ever.
std::optional<Duration> duration_of(std::uint32_t seconds) {
  if (seconds == wire::kDhcp6ForEver) return std::nullopt;
  return std::chrono::seconds(seconds);
}

// Of what the server leaves to us (0): a part of the preferred lifetime (RFC 9915 14.2, 21.4),
// or of the other where there is none.
std::uint32_t part_of(const Dhcp6Address& address, std::uint32_t tenths) {
  const std::uint64_t lifetime = address.preferred != 0 ? address.preferred : address.valid;
  if (lifetime == wire::kDhcp6ForEver) return wire::kDhcp6ForEver;
  return std::max(static_cast<std::uint32_t>(lifetime * tenths / 10), 1U);
}

std::optional<Dhcp6Address> usable(Bytes data) {
  const auto address = Dhcp6Address::parse(data);
  const bool is_good = address && is_host(address->address) && address->valid != 0 &&
                       address->preferred <= address->valid &&
                       address->options.status() == Dhcp6Status::success;
  return is_good ? address : std::nullopt;
}

}  // namespace

std::optional<Lease6> Lease6::parse(const Dhcp6Ia& ia, const std::optional<IpAddr>& wish) {
  if (ia.t1 != 0 && ia.t2 != 0 && ia.t1 > ia.t2) return std::nullopt;
  std::optional<Dhcp6Address> chosen;
  ia.options.for_each([&](Dhcp6Option code, Bytes data) {
    if (code != Dhcp6Option::ia_address) return;
    const auto address = usable(data);
    if (address && (!chosen || address->address == wish)) chosen = address;
  });
  if (!chosen) return std::nullopt;
  std::uint32_t t1 = ia.t1 != 0 ? ia.t1 : part_of(*chosen, 5);
  std::uint32_t t2 = ia.t2 != 0 ? ia.t2 : part_of(*chosen, 8);
  // What is ours fits what the server says.
  if (ia.t1 == 0) t1 = std::min(t1, t2);
  if (ia.t2 == 0) t2 = std::max(t1, t2);
  return Lease6{.address = chosen->address,
                .server = {},
                .lifetime = duration_of(chosen->valid),
                .preferred = duration_of(chosen->preferred),
                .renewal = duration_of(t1),
                .rebinding = duration_of(t2)};
}

bool Lease6::is_withdrawn(const Dhcp6Ia& ia, const IpAddr& address) {
  bool is_withdrawn = false;
  ia.options.for_each([&](Dhcp6Option code, Bytes data) {
    if (code != Dhcp6Option::ia_address) return;
    const auto said = Dhcp6Address::parse(data);
    is_withdrawn |= said && said->address == address && said->valid == 0;
  });
  return is_withdrawn;
}

Names6 Names6::parse(const Dhcp6Options& options, std::uint8_t interface) {
  Names6 names;
  for (const IpAddr& server : options.addresses(Dhcp6Option::name_servers, kMaxServers)) {
    if (server.is_link_local()) {
      names.name_servers.push_back(server.with_zone(interface));
    } else if (is_host(server)) {
      names.name_servers.push_back(server);
    }
  }
  // Names without compression (RFC 9915 10). All or nothing.
  const Bytes data = options.find(Dhcp6Option::domain_search).value_or(Bytes());
  for (std::size_t at = 0; at < data.size();) {
    const auto name = wire::DnsName::read(data, at, data.size());
    if (!name || !name->is_host_name()) {
      names.search.clear();
      break;
    }
    if (names.search.size() < kMaxSearch) names.search.push_back(name->to_string());
  }
  if (const auto seconds = options.number32(Dhcp6Option::information_refresh_time)) {
    names.refresh = std::chrono::seconds(std::clamp(*seconds, kLeastRefresh, kMostRefresh));
  }
  return names;
}

}  // namespace naru::dhcp
