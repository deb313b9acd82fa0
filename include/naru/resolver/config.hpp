// Whom to ask, and what is known without asking: resolv.conf(5) and hosts(5).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru {

// The lines of hosts(5): names of addresses.
class HostsFile {
 public:
  // Lines that make no sense mean nothing; at most kMaxEntries names.
  static constexpr std::size_t kMaxEntries = 65'536;
  static HostsFile parse(std::string_view text);

  // In the order of the file; none: it does not know the name. Case does not matter.
  std::vector<IpAddr> addresses_of(std::string_view name) const;
  // The first name in the first line of the address; empty: it does not know it.
  std::string name_of(const IpAddr& address) const;

 private:
  std::multimap<std::string, IpAddr> addresses_;  // by name in lower case
  std::map<IpAddr, std::string> names_;
};

struct ResolverConfig {
  // Bounds of resolv.conf(5): MAXNS is 3 there.
  static constexpr std::size_t kMaxServers = 8;
  static constexpr std::size_t kMaxSearch = 32;

  std::vector<Endpoint> servers;
  std::vector<std::string> search;
  unsigned ndots = 1;     // names with fewer dots are looked for in `search` first
  Duration timeout{5s};   // of one server, then the next is asked
  unsigned attempts = 2;  // of each server
  HostsFile hosts;
  std::size_t cache_entries = 4096;
  Duration max_ttl{24h};
  Duration max_negative_ttl{15min};  // RFC 2308 5

  // Takes nameserver, search, domain and the options ndots, timeout and attempts.
  static ResolverConfig parse(std::string_view resolv_conf);
};

}  // namespace naru
