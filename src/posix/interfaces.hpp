// Interfaces: what getifaddrs(3), if_nametoindex(3) and SIOCGIF* show of a session: its
// loopback, and its cable.
#pragma once

#include <ifaddrs.h>
#include <net/if.h>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "session/session.hpp"

namespace naru::posix {

struct Interface {
  unsigned index = 0;  // as Linux counts, from 1
  std::string_view name;
  unsigned flags = 0;             // IFF_*
  std::vector<Prefix> addresses;  // of both families
  MacAddr mac;
  std::uint32_t mtu = 0;

  bool is_loopback() const { return (flags & IFF_LOOPBACK) != 0; }
  // Its first IPv4 address.
  std::optional<Prefix> address_v4() const;
};

std::vector<Interface> interfaces(session::Session& session);

// A list in one piece of memory, as the C library makes it, so that its freeifaddrs(3)
// frees it. nullptr: no memory.
ifaddrs* make_ifaddrs(std::span<const Interface> all);

// The answer to an ioctl of netdevice(7); none: it is not about interfaces.
std::optional<long> interface_ioctl(session::Session& session, unsigned long request,
                                    void* argument);

}  // namespace naru::posix
