#include <algorithm>
#include <bit>

#include <naru/dhcp/lease.hpp>
#include <naru/wire/dns_name.hpp>

#include "wire/dhcp.hpp"

namespace naru::dhcp {
namespace {

using wire::DhcpOption;
using wire::DhcpView;
using wire::DnsName;

constexpr std::uint32_t kForEver = 0xffffffffU;
constexpr std::uint32_t kLeastLease = 60;  // seconds; who grants less is renewed too often
constexpr std::uint16_t kLeastMtu = 576;   // RFC 791: what every host takes

bool is_host(const IpAddr& address) {
  const std::uint32_t number = address.to_v4();
  return number >> 24U != 0 && number >> 24U < 224 && !address.is_loopback();
}

// The length of a mask; none where its ones are not together, or where it is for no network
// of hosts.
std::optional<std::uint8_t> length_of(const IpAddr& mask) {
  const std::uint32_t ones = mask.to_v4();
  const int length = std::countl_one(ones);
  if (length == 0 || length > 32 || std::popcount(ones) != length) return std::nullopt;
  return static_cast<std::uint8_t>(length);
}

// As long as the class of the address was (RFC 950): where the server does not say.
std::uint8_t class_length(const IpAddr& address) {
  const std::uint32_t first = address.to_v4() >> 24U;
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

// RFC 3442: descriptors of a width and as many bytes, and a router. All or nothing.
std::optional<std::vector<Route>> classless_routes(Bytes data) {
  std::vector<Route> routes;
  while (!data.empty()) {
    const std::uint8_t width = data[0];
    const std::size_t significant = (width + 7U) / 8;
    if (width > 32 || data.size() < 1 + significant + 4) return std::nullopt;
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < significant; ++i)
      number |= std::uint32_t{data[1 + i]} << (24 - 8 * i);
    const Prefix destination{Prefix{IpAddr::v4(number), width}.network(), width};
    const IpAddr gateway = IpAddr::v4(load_be32(data.data() + 1 + significant));
    if (routes.size() < Lease::kMaxRoutes) routes.push_back({destination, gateway});
    data = data.subspan(1 + significant + 4);
  }
  return routes;
}

std::vector<Route> routes_of(const DhcpView& message) {
  // Who has classless routes has no use for the routers (RFC 3442).
  if (const auto data = message.option(DhcpOption::classless_routes)) {
    if (auto routes = classless_routes(*data)) return std::move(*routes);
  }
  std::vector<Route> routes;
  for (const IpAddr& router : message.addresses(DhcpOption::routers, 1)) {
    if (is_host(router)) routes.push_back({{IpAddr::any_v4(), 0}, router});
  }
  return routes;
}

// Names, compressed within the option (RFC 3397). All or nothing.
std::vector<std::string> search_of(const DhcpView& message) {
  std::vector<std::string> names;
  const Bytes data = message.option(DhcpOption::domain_search).value_or(Bytes());
  for (std::size_t at = 0; at < data.size();) {
    const auto name = DnsName::read(data, at, 0);
    if (!name || !name->is_host_name()) return {};
    if (names.size() < Lease::kMaxSearch) names.push_back(name->to_string());
  }
  return names;
}

// Text that is a host's name, and nothing that a shell could mean something by.
std::string name_of(const DhcpView& message, DhcpOption code) {
  const Bytes data = message.option(code).value_or(Bytes());
  const auto name = DnsName::parse({reinterpret_cast<const char*>(data.data()), data.size()});
  return name && name->is_host_name() ? name->to_string() : std::string();
}

std::vector<IpAddr> hosts_of(const DhcpView& message, DhcpOption code) {
  std::vector<IpAddr> hosts = message.addresses(code, Lease::kMaxServers);
  std::erase_if(hosts, [](const IpAddr& host) { return !is_host(host); });
  return hosts;
}

void take_times(const DhcpView& message, Lease& lease) {
  const std::uint32_t seconds =
      std::max(message.number32(DhcpOption::lease_time).value_or(0), kLeastLease);
  if (seconds == kForEver) return;
  const std::uint32_t t1 = message.number32(DhcpOption::renewal_time).value_or(0);
  const std::uint32_t t2 = message.number32(DhcpOption::rebinding_time).value_or(0);
  const bool is_sane = t1 > 0 && t1 < t2 && t2 < seconds;
  lease.lifetime = std::chrono::seconds(seconds);
  // RFC 2131 4.4.5: a half, and seven eighths.
  lease.renewal = is_sane ? Duration(std::chrono::seconds(t1)) : *lease.lifetime / 2;
  lease.rebinding = is_sane ? Duration(std::chrono::seconds(t2)) : *lease.lifetime * 7 / 8;
}

}  // namespace

std::optional<Lease> Lease::parse(const DhcpView& message) {
  Lease lease;
  const IpAddr address = message.fixed().yiaddr;
  const auto server = message.address(DhcpOption::server_id);
  if (!is_host(address) || !server || !is_host(*server)) return std::nullopt;
  const auto mask = message.address(DhcpOption::subnet_mask);
  const auto length = mask ? length_of(*mask) : std::nullopt;
  lease.address = {address, length.value_or(class_length(address))};
  lease.server = *server;
  if (lease.address.broadcast() == address) return std::nullopt;
  if (lease.address.length < 31 && lease.address.network() == address) return std::nullopt;
  lease.routes = routes_of(message);
  for (const Route& route : lease.routes) {
    if (route.gateway == address) return std::nullopt;
  }
  lease.name_servers = hosts_of(message, DhcpOption::name_servers);
  lease.time_servers = hosts_of(message, DhcpOption::time_servers);
  lease.host_name = name_of(message, DhcpOption::host_name);
  lease.domain = name_of(message, DhcpOption::domain_name);
  lease.search = search_of(message);
  const std::uint16_t mtu = message.number16(DhcpOption::interface_mtu).value_or(0);
  lease.mtu = mtu >= kLeastMtu ? mtu : 0;
  take_times(message, lease);
  return lease;
}

}  // namespace naru::dhcp
