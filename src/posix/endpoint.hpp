// The address that a program gives to a socket.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>

#include "session/tables.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {

// As bind(2) and connect(2) take it, in the order in which Linux finds fault: the length,
// the families of socket and address, the scope of a link-local address.
inline Result<Endpoint> endpoint_of(const session::OpenSocket& o, const sockaddr* address,
                                    socklen_t length) {
  if (length < sizeof(sa_family_t)) return std::unexpected(Error::invalid);
  const bool is_v6 = o.family == AF_INET6;
  if (length < (is_v6 ? offsetof(sockaddr_in6, sin6_scope_id) : sizeof(sockaddr_in))) {
    return std::unexpected(Error::invalid);
  }
  if (address->sa_family != o.family) return std::unexpected(Error::address_family);
  if (!is_v6) return to_endpoint(address, length);
  sockaddr_in6 v6{};  // the scope may be left out (RFC 2133)
  std::memcpy(&v6, address, std::min<std::size_t>(length, sizeof v6));
  if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) && v6.sin6_scope_id == 0) {
    return std::unexpected(Error::invalid);
  }
  return to_endpoint(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

// A mapped address is nowhere for a socket that wants IPv6 alone.
inline bool is_out_of_reach(const session::OpenSocket& o, const Endpoint& remote) {
  return o.v6_only && remote.addr.is_v4();
}

}  // namespace naru::posix
