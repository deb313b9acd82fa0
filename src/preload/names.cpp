// Names and services: the lan's names are ours, everything else is the C library's: how
// addresses are written, services, the hosts file, the order of results, error codes.
// It is told to look into files only: a name server would be asked over the kernel's
// network.

#include "posix/names.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "preload/state.hpp"
#include "socket/linux_address.hpp"

using namespace naru::preload;
using naru::IpAddr;

namespace {

constexpr int kSuccess = 0;  // of h_errno

std::optional<naru::posix::Names> names() {
  if (library == nullptr) return std::nullopt;
  return naru::posix::Names(library->fds.session());
}

std::optional<IpAddr> lan_address(const char* name) {
  const auto known = names();
  return known && name != nullptr ? known->address_of(name) : std::nullopt;
}

std::optional<std::string> lan_name(const void* address, socklen_t length, int family) {
  const auto known = names();
  if (!known || family != AF_INET || length != sizeof(in_addr)) return std::nullopt;
  in_addr_t number = 0;
  std::memcpy(&number, address, sizeof number);
  return known->name_of(IpAddr::v4(ntohl(number)));
}

// The name in place of the number that the C library was given.
int set_canonical_name(addrinfo* first, const char* name) {
  char* copy = ::strdup(name);
  if (copy == nullptr) return EAI_MEMORY;
  std::free(first->ai_canonname);
  first->ai_canonname = copy;
  return 0;
}

int find_on_lan(const char* name, const IpAddr& address, const char* service, const addrinfo& hints,
                addrinfo** result) {
  const std::string number = address.to_string();
  addrinfo numeric = hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  const int error = next.getaddrinfo(number.c_str(), service, &numeric, result);
  // Of a number it says that the family is wrong; of a name, that it has no such address.
  if (error == EAI_ADDRFAMILY) return EAI_NODATA;
  if (error != 0 || (hints.ai_flags & AI_CANONNAME) == 0) return error;
  const int failed = set_canonical_name(*result, name);
  if (failed != 0) ::freeaddrinfo(*result);
  return failed;
}

// One of those in `buffer`: the host of this name on the lan. As gethostbyname_r(3)
// answers.
int give_host(std::string_view name, const IpAddr& address, hostent* host, char* buffer,
              std::size_t size, hostent** result, int* h_error) {
  *result = nullptr;
  if (!naru::posix::fill_host(*host, {buffer, size}, name, address)) {
    *h_error = NETDB_INTERNAL;
    return ERANGE;
  }
  *result = host;
  *h_error = kSuccess;
  return 0;
}

// The static memory of the functions that are not thread-safe.
hostent* give_static_host(std::string_view name, const IpAddr& address) {
  static hostent host;
  static char buffer[512];
  hostent* result = nullptr;
  give_host(name, address, &host, buffer, sizeof buffer, &result, &h_errno);
  return result;
}

}  // namespace

NARU_EXPORT int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                            addrinfo** result) {
  if (library == nullptr) return next.getaddrinfo(node, service, hints, result);
  // As getaddrinfo(3) has it without hints.
  addrinfo ours = hints != nullptr ? *hints : addrinfo{};
  if (hints == nullptr) ours.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG;
  // AI_ADDRCONFIG would ask for the kernel's addresses; naru's are IPv4.
  const bool by_configuration = (ours.ai_flags & AI_ADDRCONFIG) != 0;
  ours.ai_flags &= ~AI_ADDRCONFIG;
  if (by_configuration && ours.ai_family == AF_UNSPEC) ours.ai_family = AF_INET;
  const bool is_name = node != nullptr && (ours.ai_flags & AI_NUMERICHOST) == 0;
  const auto address = is_name ? lan_address(node) : std::nullopt;
  const int error = address ? find_on_lan(node, *address, service, ours, result)
                            : next.getaddrinfo(node, service, &ours, result);
  if (error == 0) *result = naru::posix::put_reachable_first(*result);
  return error;
}

NARU_EXPORT int getnameinfo(const sockaddr* address, socklen_t length, char* host,
                            socklen_t host_size, char* service, socklen_t service_size, int flags) {
  std::optional<std::string> name;
  if (host != nullptr && host_size != 0 && (flags & NI_NUMERICHOST) == 0 && address != nullptr) {
    const auto endpoint = naru::to_endpoint(address, length);
    const auto known = names();
    if (known && endpoint) name = known->name_of(endpoint->addr);
  }
  if (!name) {
    return next.getnameinfo(address, length, host, host_size, service, service_size, flags);
  }
  if ((flags & NI_NOFQDN) != 0) name->resize(name->find('.'));
  if (name->size() + 1 > host_size) return EAI_OVERFLOW;
  if (service != nullptr && service_size != 0) {
    const int error = next.getnameinfo(address, length, nullptr, 0, service, service_size, flags);
    if (error != 0) return error;
  }
  name->copy(host, name->size());
  host[name->size()] = '\0';
  return 0;
}

// --- the functions of old ------------------------------------------------------------------

NARU_EXPORT hostent* gethostbyname(const char* name) {
  const auto address = lan_address(name);
  return address ? give_static_host(name, *address) : next.gethostbyname(name);
}

NARU_EXPORT hostent* gethostbyname2(const char* name, int family) {
  const auto address = family == AF_INET ? lan_address(name) : std::nullopt;
  return address ? give_static_host(name, *address) : next.gethostbyname2(name, family);
}

NARU_EXPORT int gethostbyname_r(const char* name, hostent* host, char* buffer, std::size_t size,
                                hostent** result, int* h_error) {
  const auto address = lan_address(name);
  return address ? give_host(name, *address, host, buffer, size, result, h_error)
                 : next.gethostbyname_r(name, host, buffer, size, result, h_error);
}

NARU_EXPORT int gethostbyname2_r(const char* name, int family, hostent* host, char* buffer,
                                 std::size_t size, hostent** result, int* h_error) {
  const auto address = family == AF_INET ? lan_address(name) : std::nullopt;
  return address ? give_host(name, *address, host, buffer, size, result, h_error)
                 : next.gethostbyname2_r(name, family, host, buffer, size, result, h_error);
}

NARU_EXPORT hostent* gethostbyaddr(const void* address, socklen_t length, int family) {
  const auto name = lan_name(address, length, family);
  if (!name) return next.gethostbyaddr(address, length, family);
  in_addr_t number = 0;
  std::memcpy(&number, address, sizeof number);
  return give_static_host(*name, IpAddr::v4(ntohl(number)));
}

NARU_EXPORT int gethostbyaddr_r(const void* address, socklen_t length, int family, hostent* host,
                                char* buffer, std::size_t size, hostent** result, int* h_error) {
  const auto name = lan_name(address, length, family);
  if (!name) {
    return next.gethostbyaddr_r(address, length, family, host, buffer, size, result, h_error);
  }
  in_addr_t number = 0;
  std::memcpy(&number, address, sizeof number);
  return give_host(*name, IpAddr::v4(ntohl(number)), host, buffer, size, result, h_error);
}
