// Lease: an address for a while, and what a host should know beside it (RFC 2131, RFC 2132).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru::wire {
class DhcpView;
}

namespace naru::dhcp {

struct Route {
  Prefix destination;
  IpAddr gateway;  // 0.0.0.0: on the link

  bool operator==(const Route&) const = default;
};

struct Lease {
  static constexpr std::size_t kMaxServers = 8;  // of each kind
  static constexpr std::size_t kMaxRoutes = 32;
  static constexpr std::size_t kMaxSearch = 32;

  Prefix address;
  IpAddr server;
  std::vector<Route> routes;  // option 121, else a default route for each router
  std::vector<IpAddr> name_servers;
  std::vector<IpAddr> time_servers;
  std::string host_name;
  std::string domain;
  std::vector<std::string> search;
  std::uint16_t mtu = 0;  // 0: as the link has it

  // From when the request was sent: for ever, where there is nothing.
  std::optional<Duration> lifetime;
  Duration renewal{};    // T1
  Duration rebinding{};  // T2

  // What an OFFER or ACK grants; none where that is no address for a host. Options that
  // make no sense are as if they were not there.
  static std::optional<Lease> parse(const wire::DhcpView& message);
};

}  // namespace naru::dhcp
