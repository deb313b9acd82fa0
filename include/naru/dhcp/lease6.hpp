// Lease6: an IPv6 address for a while; Names6: whom to ask for names (RFC 9915, RFC 3646).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru::wire {
class Dhcp6Options;
struct Dhcp6Ia;
}  // namespace naru::wire

namespace naru::dhcp {

struct Lease6 {
  IpAddr address;
  std::vector<std::uint8_t> server;  // its DUID

  // From when the reply came: for ever, where there is nothing.
  std::optional<Duration> lifetime;
  std::optional<Duration> preferred;  // for new connections
  std::optional<Duration> renewal;    // T1
  std::optional<Duration> rebinding;  // T2

  // The first address of the IA that a host can use, `wish` before others; none: the IA
  // grants nothing, or makes no sense. The server is for the caller to fill in.
  static std::optional<Lease6> parse(const wire::Dhcp6Ia& ia,
                                     const std::optional<IpAddr>& wish = {});
  // The IA says of the address that it has no more time.
  static bool is_withdrawn(const wire::Dhcp6Ia& ia, const IpAddr& address);
};

struct Names6 {
  static constexpr std::size_t kMaxServers = 8;
  static constexpr std::size_t kMaxSearch = 32;

  std::vector<IpAddr> name_servers;  // link-local ones with the zone of their interface
  std::vector<std::string> search;
  Duration refresh{24h};  // to be asked for again (RFC 9915 21.23)

  static Names6 parse(const wire::Dhcp6Options& options, std::uint8_t interface);
};

}  // namespace naru::dhcp
