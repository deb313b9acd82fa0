#include "cli/cable_choice.hpp"

#include <string_view>

#include <fmt/format.h>

#include "cli/failure.hpp"
#include "cli/link_options.hpp"

namespace naru::cli {
namespace {

// --ip6
constexpr std::string_view kNone = "none";

void must_be_empty(const std::string& text, std::string_view why) {
  if (!text.empty()) throw Failure(std::string(why));
}

void must_have_no_routes(const RunOptions& options) {
  if (!options.routes.empty()) throw Failure("--route: only with a device (--link)");
}

session::LanChoice lan_choice(const RunOptions& options, const std::string& lan) {
  must_be_empty(options.gateway, "--gw: a lan has none (--link names a device)");
  must_be_empty(options.gateway_v6, "--gw6: a lan has none (--link names a device)");
  must_have_no_routes(options);
  must_be_empty(options.mac, "--mac: a lan gives its members theirs");
  if (!options.address_v6.empty() && options.address_v6 != kNone) {
    throw Failure("--ip6: on a lan it has the host number of --ip, or there is none");
  }
  session::LanChoice choice{.lan = lan, .address = {}, .has_v6 = options.address_v6 != kNone};
  if (options.address.empty()) return choice;
  choice.address = IpAddr::parse(options.address);
  if (!choice.address || !choice.address->is_v4()) {
    throw Failure(fmt::format("--ip: {} is not an IPv4 address", options.address));
  }
  return choice;
}

// Addresses and default gateways of a device.
void choose_addresses(const RunOptions& options, session::DeviceChoice& choice) {
  const bool asks = options.address == kByDhcp;
  if (asks && !options.gateway.empty()) {
    throw Failure("--gw: with --ip dhcp it comes with the address");
  }
  if (!options.address.empty() && !asks) {
    choice.address = parse_network(options.address);
    if (!choice.address->addr.is_v4()) {
      throw Failure(fmt::format("--ip: {} is not an IPv4 address", options.address));
    }
  }
  choice.is_autoconfigured = options.address_v6 == kByRouters || options.address_v6 == kByDhcp;
  const bool is_given = !options.address_v6.empty() && options.address_v6 != kNone;
  if (is_given && !choice.is_autoconfigured) {
    choice.address_v6 = parse_network_v6(options.address_v6);
  }
  if (!choice.address && !choice.address_v6 && !asks && !choice.is_autoconfigured) {
    throw Failure(fmt::format("--link {}: --ip ADDRESS/LENGTH is missing", options.link));
  }
  if (!options.gateway.empty()) {
    if (!choice.address) throw Failure("--gw: without --ip there is no way to it (--gw6)");
    choice.routes.push_back(
        {{IpAddr::any_v4(), 0}, parse_gateway(options.gateway, *choice.address)});
  }
  if (!options.gateway_v6.empty()) {
    if (!choice.address_v6) throw Failure("--gw6: without --ip6 ADDRESS/LENGTH there is none");
    choice.routes.push_back(
        {{IpAddr::any_v6(), 0}, parse_gateway_v6(options.gateway_v6, *choice.address_v6)});
  }
}

bool is_near(const session::DeviceChoice& choice, const IpAddr& gateway) {
  if (gateway.is_v4()) return choice.address && choice.address->contains(gateway);
  return choice.address_v6 && (choice.address_v6->contains(gateway) || gateway.is_link_local());
}

void choose_routes(const RunOptions& options, session::DeviceChoice& choice) {
  for (const std::string& text : options.routes) {
    const StaticRoute route = parse_route(text);
    if (!is_near(choice, route.gateway)) {
      throw Failure(fmt::format("--route {}: the gateway is not of a network of this host", text));
    }
    choice.routes.push_back({route.destination, route.gateway});
  }
  if (choice.routes.size() > session::kMaxCableRoutes) {
    throw Failure(fmt::format("--route: at most {}", session::kMaxCableRoutes));
  }
}

session::DeviceChoice device_choice(const RunOptions& options, const LinkName& link) {
  if (!options.publish.empty()) {
    throw Failure(
        fmt::format("-p: with --link {} the program is reached at its own address", options.link));
  }
  session::DeviceChoice choice;
  choice.kind =
      link.kind == LinkName::Kind::tap ? link::DeviceKind::tap : link::DeviceKind::packet_socket;
  choice.name = link.name;
  choose_addresses(options, choice);
  choose_routes(options, choice);
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
  must_be_empty(options.address_v6, "--ip6: without a lan there is no address");
  must_be_empty(options.gateway, "--gw: without a link there is no way out");
  must_be_empty(options.gateway_v6, "--gw6: without a link there is no way out");
  must_have_no_routes(options);
  must_be_empty(options.mac, "--mac: without a link there is no Ethernet");
  must_be_empty(options.capture, "--capture: without a lan there are no frames");
  if (!options.publish.empty()) {
    throw Failure("-p: without a lan nothing leads to the program");
  }
  return {};
}

}  // namespace naru::cli
