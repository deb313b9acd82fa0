// The address that a program gives to a socket.
#pragma once

#include <cstddef>
#include <cstring>
#include <netinet/in.h>

#include "session/tables.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {

// As bind(2) and connect(2) take it, in the order in which Linux finds fault: the length,
// the families of socket and address, the scope of a link-local address. `::` is any
// address, as 0.0.0.0 is; an IPv6 address that is no mapped one stays what it is.
inline Result<Endpoint> endpoint_of(const session::OpenSocket& o, const sockaddr* address,
                                    socklen_t length) {
  if (length < sizeof(sa_family_t)) return std::unexpected(Error::invalid);
  const bool is_v6 = o.family == AF_INET6;
  if (length < (is_v6 ? offsetof(sockaddr_in6, sin6_scope_id) : sizeof(sockaddr_in))) {
    return std::unexpected(Error::invalid);
  }
  if (address->sa_family != o.family) return std::unexpected(Error::address_family);
  if (!is_v6) return to_endpoint(address, length);
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, std::min<std::size_t>(length, sizeof v6));
  if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) && v6.sin6_scope_id == 0) {
    return std::unexpected(Error::invalid);
  }
  if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) {
    return Endpoint{IpAddr::any_v4(), ntohs(v6.sin6_port)};
  }
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return Endpoint{IpAddr::v6(bytes), ntohs(v6.sin6_port)};
}

}  // namespace naru::posix
