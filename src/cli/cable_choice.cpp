#include "cli/cable_choice.hpp"

#include <string_view>

#include <fmt/format.h>

#include "cli/failure.hpp"
#include "cli/link_options.hpp"

namespace naru::cli {
namespace {

void must_be_empty(const std::string& text, std::string_view why) {
  if (!text.empty()) throw Failure(std::string(why));
}

void must_have_no_routes(const RunOptions& options) {
  if (!options.routes.empty()) throw Failure("--route: only with a device (--link)");
}

session::LanChoice lan_choice(const RunOptions& options, const std::string& lan) {
  must_be_empty(options.gateway, "--gw: a lan has none (--link names a device)");
  must_have_no_routes(options);
  must_be_empty(options.mac, "--mac: a lan gives its members theirs");
  session::LanChoice choice{lan, std::nullopt};
  if (options.address.empty()) return choice;
  choice.address = IpAddr::parse(options.address);
  if (!choice.address || !choice.address->is_v4()) {
    throw Failure(fmt::format("--ip: {} is not an IPv4 address", options.address));
  }
  return choice;
}

session::DeviceChoice device_choice(const RunOptions& options, const LinkName& link) {
  if (!options.publish.empty()) {
    throw Failure(
        fmt::format("-p: with --link {} the program is reached at its own address", options.link));
  }
  if (options.address.empty()) {
    throw Failure(fmt::format("--link {}: --ip ADDRESS/LENGTH is missing", options.link));
  }
  session::DeviceChoice choice;
  choice.kind =
      link.kind == LinkName::Kind::tap ? link::DeviceKind::tap : link::DeviceKind::packet_socket;
  choice.name = link.name;
  choice.address = parse_network(options.address);
  if (!choice.address.addr.is_v4()) {
    throw Failure(fmt::format("--ip: {} is not an IPv4 address", options.address));
  }
  if (!options.gateway.empty()) choice.gateway = parse_gateway(options.gateway, choice.address);
  for (const std::string& text : options.routes) {
    const StaticRoute route = parse_route(text);
    if (!choice.address.contains(route.gateway)) {
      throw Failure(fmt::format("--route {}: the gateway is not of the network {}", text,
                                choice.address.to_string()));
    }
    choice.routes.push_back({route.destination, route.gateway});
  }
  if (choice.routes.size() > session::kMaxCableRoutes) {
    throw Failure(fmt::format("--route: at most {}", session::kMaxCableRoutes));
  }
  choice.mac = parse_mac(options.mac);
  return choice;
}

}  // namespace

session::CableChoice cable_choice(const RunOptions& options) {
  if (!options.link.empty()) {
    must_be_empty(options.net, "--net and --link: a session has one of them");
    const LinkName link = parse_link(options.link);
    if (link.kind == LinkName::Kind::lan) return lan_choice(options, link.name);
    return device_choice(options, link);
  }
  if (options.net != "none") {
    return lan_choice(options, options.net.empty() ? session::LanChoice().lan : options.net);
  }
  must_be_empty(options.address, "--ip: without a lan there is no address");
  must_be_empty(options.gateway, "--gw: without a link there is no way out");
  must_have_no_routes(options);
  must_be_empty(options.mac, "--mac: without a link there is no Ethernet");
  must_be_empty(options.capture, "--capture: without a lan there are no frames");
  if (!options.publish.empty()) {
    throw Failure("-p: without a lan nothing leads to the program");
  }
  return {};
}

}  // namespace naru::cli
