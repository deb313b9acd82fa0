// sockaddr and Endpoint. A socket of AF_INET6 sees IPv4 as mapped addresses; the zone of a
// link-local address is its sin6_scope_id.
#pragma once

#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include <naru/base/result.hpp>
#include <naru/wire/address.hpp>

namespace naru {

// The kernel's numbers of interfaces begin with 1, ours with 0 for "lo", where no link-local
// address is.
constexpr std::uint8_t zone_of(std::uint32_t scope_id) {
  return scope_id >= 1 && scope_id <= 256 ? static_cast<std::uint8_t>(scope_id - 1)
                                          : std::uint8_t{0};
}
constexpr std::uint32_t scope_id_of(std::uint8_t zone) { return zone == 0 ? 0 : zone + 1U; }

inline Result<Endpoint> to_endpoint(const sockaddr* address, socklen_t length) {
  if (address == nullptr || length < sizeof(sa_family_t)) return std::unexpected(Error::invalid);
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return Endpoint{IpAddr::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    const IpAddr addr = IpAddr::v6(bytes).with_zone(zone_of(v6.sin6_scope_id));
    return Endpoint{addr, ntohs(v6.sin6_port)};
  }
  return std::unexpected(address->sa_family == AF_INET || address->sa_family == AF_INET6
                             ? Error::invalid
                             : Error::address_family);
}

// Writes at most *length bytes and sets it to the full size, as accept(2) does.
inline void from_endpoint(const Endpoint& endpoint, int family, sockaddr* address,
                          socklen_t* length) {
  if (address == nullptr || length == nullptr) return;
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (family == AF_INET6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    const IpAddr on_wire = endpoint.addr.without_zone();
    std::memcpy(&v6.sin6_addr, on_wire.bytes().data(), 16);
    v6.sin6_scope_id = scope_id_of(endpoint.addr.zone());
    size = sizeof v6;
    std::memcpy(&storage, &v6, size);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    v4.sin_addr.s_addr = htonl(endpoint.addr.to_v4());
    size = sizeof v4;
    std::memcpy(&storage, &v4, size);
  }
  std::memcpy(address, &storage, std::min(*length, size));
  *length = size;
}

}  // namespace naru
