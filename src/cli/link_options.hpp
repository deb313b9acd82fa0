// What is said about a link on the command line: --link, --ip, --ip6, --gw, --gw6,
// --route, --mac. All throw Failure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <naru/wire/address.hpp>

namespace naru::cli {

inline constexpr std::string_view kByDhcp = "dhcp";     // --ip, --ip6
inline constexpr std::string_view kByRouters = "auto";  // --ip6

struct LinkName {
  enum class Kind { tap, packet_socket, lan };

  Kind kind = Kind::tap;
  std::string name;
};

// "tap:naru0", "packet:eth0", "lan:lan0"
LinkName parse_link(const std::string& text);
// "10.0.0.2/24"
Prefix parse_network(const std::string& text);
// "fd00::2/64"
Prefix parse_network_v6(const std::string& text);
// An address of the network.
IpAddr parse_gateway(const std::string& text, const Prefix& network);
// The same, or a link-local one, as routers have it.
IpAddr parse_gateway_v6(const std::string& text, const Prefix& network);
struct StaticRoute {
  Prefix destination;
  IpAddr gateway;
};
// "10.9.0.0/16=10.0.0.254"
StaticRoute parse_route(const std::string& text);
void add_routes_to(CLI::App& app, std::vector<std::string>& routes);
// None: nothing is said.
std::optional<MacAddr> parse_mac(const std::string& text);

}  // namespace naru::cli
