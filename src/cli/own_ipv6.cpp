#include "cli/own_ipv6.hpp"

#include <fstream>
#include <unistd.h>

#include <fmt/format.h>

#include "base/siphash.hpp"
#include "cli/drive.hpp"
#include "cli/failure.hpp"
#include "cli/link_options.hpp"

namespace naru::cli {
namespace {

// Three questions of RFC 7559, and the time to find out whether somebody has the address.
constexpr Duration kPatience = 20s;
// How often to see whether there is enough to begin with.
constexpr Duration kLook = 100ms;

}  // namespace

void Ipv6Options::add_to(CLI::App& app) {
  app.add_option("--ip6", address,
                 "this host's IPv6 address, as 2001:db8::2/64; auto makes one of what routers "
                 "announce, or asks where they say so; dhcp asks for one; none (without it)")
      ->type_name("ADDRESS/LENGTH");
  app.add_option("--gw6", gateway, "the default gateway for an IPv6 address that is given")
      ->type_name("ADDRESS");
}

std::optional<std::array<std::uint64_t, 2>> stable_secret() {
  std::ifstream file("/etc/machine-id");
  std::string text;
  if (!(file >> text) || text.size() < 32) return std::nullopt;
  // The name itself is to be kept secret, too (machine-id(5)).
  SipKey key{0x6e617275'69707636U, ::getuid()};
  for (const char c : text) key.k0 = siphash(key, {static_cast<std::uint8_t>(c)});
  return {{siphash(key, {1}), siphash(key, {2})}};
}

OwnIpv6::OwnIpv6(Host& host, std::uint8_t interface, const MacAddr& mac,
                 const Ipv6Options& options) {
  const bool wants_lease = options.address == kByDhcp;
  if (!wants_lease && options.address != kByRouters) {
    give(host.stack(), interface, options);
    return;
  }
  if (!options.gateway.empty()) throw Failure("--gw6: only with an address that is given");
  find_out(host, interface, mac, wants_lease);
}

void OwnIpv6::give(Stack& stack, std::uint8_t interface, const Ipv6Options& options) {
  address_ = parse_network_v6(options.address);
  if (const Status added = stack.add_address(interface, address_); !added) {
    throw Failure(fmt::format("--ip6 {}: {}", options.address, to_string(added.error())));
  }
  if (options.gateway.empty()) return;
  const IpAddr gateway = parse_gateway_v6(options.gateway, address_);
  const Status added = stack.add_route({IpAddr::any_v6(), 0}, gateway, interface);
  if (!added) throw Failure(fmt::format("--gw6 {}: {}", options.gateway, to_string(added.error())));
}

void OwnIpv6::find_out(Host& host, std::uint8_t interface, const MacAddr& mac, bool wants_lease) {
  Stack& stack = host.stack();
  stack.set_now(monotonic_now());
  if (!stack.set_autoconf(interface, true)) {
    throw Failure(
        fmt::format("--ip6 {}: IPv6 needs an MTU of 1280", wants_lease ? kByDhcp : kByRouters));
  }
  const dhcp::Client6Config config{
      .interface = interface, .mac = mac, .wants_address = wants_lease};
  client_ = std::make_unique<dhcp::AdvisedClient6>(stack, config, Random::secure(entropy()));
  const Time end = monotonic_now() + kPatience;
  drive(
      host, [&] { client_->poll(stack.now()); },
      [&] {
        return std::min({end, client_->next_deadline(), monotonic_now() + kLook});
      },
      [&] { return client_->is_ready(stack.now()) || monotonic_now() >= end; });
  const auto found = client_->address();
  if (!found) {
    throw Failure(wants_lease ? "--ip6 dhcp: nobody gives an address"
                              : "--ip6 auto: no router gives an address");
  }
  address_ = *found;
  take_names(stack.learned_ipv6(interface));
}

// Those of DHCPv6, else those of the routers.
void OwnIpv6::take_names(const LearnedIpv6& learned) {
  const auto names = client_->names();
  const bool is_told = names && !names->name_servers.empty();
  name_servers_ = is_told ? names->name_servers : learned.name_servers;
  search_ = is_told ? names->search : learned.search;
}

void OwnIpv6::keep(boost::asio::io_context& context) {
  if (!client_) return;
  program_.emplace(
      context, [this](Stack& stack) { client_->poll(stack.now()); },
      [this] { return client_->next_deadline(); });
}

void OwnIpv6::give_back(Host& host) {
  if (!client_) return;
  const Time end = monotonic_now() + 1s;
  client_->release(monotonic_now());
  drive(
      host, [&] { client_->poll(host.stack().now()); }, [&] { return end; },
      [&] { return client_->is_quiet() || monotonic_now() >= end; });
}

}  // namespace naru::cli
