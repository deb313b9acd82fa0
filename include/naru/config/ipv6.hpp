// What a host learns of its links by IPv6's router discovery, and what a router says of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>
#include <naru/wire/router_preference.hpp>

namespace naru {

// What an interface has learned from its routers. Nothing of it is older than its lifetime.
struct LearnedIpv6 {
  std::vector<Prefix> addresses;     // made of the routers' prefixes, and usable
  std::vector<IpAddr> routers;       // default routers
  std::vector<IpAddr> name_servers;  // RFC 8106
  std::vector<std::string> search;
  bool is_managed = false;        // addresses are to be had by DHCPv6
  bool has_other_config = false;  // and other things
};

// A prefix of a link whose router we are (RFC 4861 6.2.1).
struct AdvertisedPrefix {
  Prefix prefix;
  bool is_on_link = true;
  bool is_autonomous = true;  // hosts make addresses of it
  std::chrono::seconds valid_lifetime = 30 * 24h;
  std::chrono::seconds preferred_lifetime = 7 * 24h;
};

// What a router says of itself and of the link (RFC 4861 6.2.1, RFC 4191, RFC 8106).
struct RouterAdvertising {
  std::vector<AdvertisedPrefix> prefixes;  // 4 at most
  std::vector<IpAddr> name_servers;        // 3 at most
  std::uint32_t mtu = 0;                   // 0: not said
  bool is_managed = false;                 // addresses are to be had by DHCPv6
  bool has_other_config = false;           // and other things
  RouterPreference preference = RouterPreference::medium;
  std::chrono::seconds router_lifetime = 1800s;  // 0: no default router
  std::chrono::seconds max_interval = 600s;      // between advertisements, at most
};

}  // namespace naru
