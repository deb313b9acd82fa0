#include "cli/link_options.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "cli/failure.hpp"

namespace naru::cli {

LinkName parse_link(const std::string& text) {
  using Kind = LinkName::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 3> kKinds = {
      {{"tap:", Kind::tap}, {"packet:", Kind::packet_socket}, {"lan:", Kind::lan}}};
  for (const auto& [prefix, kind] : kKinds) {
    if (text.starts_with(prefix) && text.size() > prefix.size()) {
      return {kind, text.substr(prefix.size())};
    }
  }
  throw Failure(fmt::format("--link {}: not tap:NAME, packet:INTERFACE or lan:NAME", text));
}

Prefix parse_network(const std::string& text) {
  const auto address = Prefix::parse(text);
  if (!address || text.find('/') == std::string::npos) {
    throw Failure(fmt::format("--ip {}: not an address with its network, as 10.0.0.2/24", text));
  }
  return *address;
}

IpAddr parse_gateway(const std::string& text, const Prefix& network) {
  const auto gateway = IpAddr::parse(text);
  if (!gateway || !network.contains(*gateway)) {
    throw Failure(
        fmt::format("--gw {}: not an address of the network {}", text, network.to_string()));
  }
  return *gateway;
}

Prefix parse_network_v6(const std::string& text) {
  const auto address = Prefix::parse(text);
  if (!address || address->addr.is_v4() || text.find('/') == std::string::npos) {
    throw Failure(
        fmt::format("--ip6 {}: not an IPv6 address with its network, as fd00::2/64", text));
  }
  return *address;
}

IpAddr parse_gateway_v6(const std::string& text, const Prefix& network) {
  const auto gateway = IpAddr::parse(text);
  const bool is_near = gateway && gateway->is_v6() && gateway->is_link_local();
  if (!is_near && !(gateway && network.contains(*gateway))) {
    throw Failure(fmt::format("--gw6 {}: neither of the network {} nor link-local", text,
                              network.to_string()));
  }
  return *gateway;
}

StaticRoute parse_route(const std::string& text) {
  const std::size_t equals = text.find('=');
  const auto destination = Prefix::parse(text.substr(0, equals));
  const auto gateway =
      equals == std::string::npos ? std::nullopt : IpAddr::parse(text.substr(equals + 1));
  if (!destination || !gateway || gateway->is_v4() != destination->addr.is_v4()) {
    throw Failure(fmt::format(
        "--route {}: not a network and the gateway to it, as 10.9.0.0/16=10.0.0.254", text));
  }
  return {{destination->network(), destination->length}, *gateway};
}

void add_routes_to(CLI::App& app, std::vector<std::string>& routes) {
  app.add_option("--route", routes, "the way to another network; may be repeated")
      ->type_name("PREFIX=GATEWAY")
      ->allow_extra_args(false);
}

std::optional<MacAddr> parse_mac(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto mac = MacAddr::parse(text);
  if (!mac || mac->is_multicast()) {
    throw Failure(
        fmt::format("--mac {}: not an address of one station, as 02:00:00:00:00:01", text));
  }
  return mac;
}

}  // namespace naru::cli
