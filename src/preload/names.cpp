// Names and services: the lan's names and those of name servers are ours, everything else
// is the C library's: how addresses are written, services, the hosts file, the order of
// results, error codes. It is told to look into files only: a name server would be asked
// over the kernel's network.

#include "posix/names.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "preload/state.hpp"
#include "socket/linux_address.hpp"

using namespace naru::preload;
using naru::HostAnswer;
using naru::IpAddr;
using naru::NameFamily;
using naru::NameOutcome;

namespace {

constexpr int kSuccess = 0;  // of h_errno

std::optional<naru::posix::Names> names() {
  if (library == nullptr) return std::nullopt;
  return naru::posix::Names(*library);
}

std::optional<IpAddr> lan_address(const char* name) {
  const auto known = names();
  return known && name != nullptr ? known->address_of(name) : std::nullopt;
}

// The name in place of the number that the C library was given.
int set_canonical_name(addrinfo* first, const std::string& name) {
  char* copy = ::strdup(name.c_str());
  if (copy == nullptr) return EAI_MEMORY;
  std::free(first->ai_canonname);
  first->ai_canonname = copy;
  return 0;
}

addrinfo** end_of(addrinfo** list) {
  while (*list != nullptr) list = &(*list)->ai_next;
  return list;
}

// A host whose addresses are known, with what the C library makes of their numbers.
int give_addresses(const HostAnswer& host, const char* service, const addrinfo& hints,
                   addrinfo** result) {
  addrinfo numeric = hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  *result = nullptr;
  int error = EAI_NODATA;
  for (const IpAddr& address : host.addresses) {
    addrinfo* more = nullptr;
    error = next.getaddrinfo(address.to_string().c_str(), service, &numeric, &more);
    if (error == 0) *end_of(result) = more;
  }
  // Of a number it says that the family is wrong; of a name, that it has no such address.
  if (*result == nullptr) return error == EAI_ADDRFAMILY ? EAI_NODATA : error;
  if ((hints.ai_flags & AI_CANONNAME) == 0) return 0;
  const int failed = set_canonical_name(*result, host.canonical);
  if (failed != 0) ::freeaddrinfo(*result);
  return failed;
}

int to_eai(NameOutcome outcome) {
  switch (outcome) {
    case NameOutcome::found:
      return 0;
    case NameOutcome::no_data:
      return EAI_NODATA;
    case NameOutcome::failed:
      return EAI_FAIL;
    case NameOutcome::timed_out:
      return EAI_AGAIN;
    default:
      return EAI_NONAME;
  }
}

int to_h_errno(NameOutcome outcome) {
  switch (to_eai(outcome)) {
    case 0:
      return kSuccess;
    case EAI_NODATA:
      return NO_DATA;
    case EAI_FAIL:
      return NO_RECOVERY;
    case EAI_AGAIN:
      return TRY_AGAIN;
    default:
      return HOST_NOT_FOUND;
  }
}

// Whom the files do not know.
bool is_unknown(int error) {
  return error == EAI_NONAME || error == EAI_NODATA || error == EAI_AGAIN;
}

// As the name servers have it. With AI_V4MAPPED a host without IPv6 addresses has mapped
// ones, with AI_ALL every host.
int ask_servers(const char* node, const char* service, const addrinfo& hints, addrinfo** result) {
  const bool is_v6 = hints.ai_family == AF_INET6;
  const bool may_map = is_v6 && (hints.ai_flags & AI_V4MAPPED) != 0;
  const NameFamily family = hints.ai_family == AF_INET ? NameFamily::v4
                            : is_v6 && !may_map        ? NameFamily::v6
                                                       : NameFamily::any;
  HostAnswer host = names()->find_host(node, family);
  if (host.outcome != NameOutcome::found) return to_eai(host.outcome);
  const bool has_v6 = std::ranges::any_of(host.addresses, &IpAddr::is_v6);
  if (may_map && has_v6 && (hints.ai_flags & AI_ALL) == 0) {
    std::erase_if(host.addresses, [](const IpAddr& a) { return a.is_v4(); });
  }
  return give_addresses(host, service, hints, result);
}

// One of those in `buffer`: a host as gethostbyname_r(3) answers.
int give_host(const HostAnswer& known, hostent* host, char* buffer, std::size_t size,
              hostent** result, int* h_error) {
  *result = nullptr;
  *h_error = to_h_errno(known.outcome);
  if (known.outcome != NameOutcome::found) return 0;
  constexpr std::size_t kMost = 32;
  const std::span addresses(known.addresses.data(), std::min(known.addresses.size(), kMost));
  if (!naru::posix::fill_host(*host, {buffer, size}, known.canonical, addresses)) {
    *h_error = NETDB_INTERNAL;
    return ERANGE;
  }
  *result = host;
  return 0;
}

// The static memory of the functions that are not thread-safe.
hostent* give_static_host(const HostAnswer& known) {
  static hostent host;
  static char buffer[1024];
  hostent* result = nullptr;
  give_host(known, &host, buffer, sizeof buffer, &result, &h_errno);
  return result;
}

// Of gethostbyname(3) and its kin: on the lan; else none.
std::optional<HostAnswer> on_lan(const char* name, int family) {
  const auto address = family == AF_INET ? lan_address(name) : std::nullopt;
  if (!address) return std::nullopt;
  return HostAnswer{NameOutcome::found, name, {*address}};
}

// As the name servers have it; none: there is nobody to ask.
std::optional<HostAnswer> by_servers(const char* name, int family) {
  const auto known = names();
  if (!known || name == nullptr || family != AF_INET || !known->has_servers()) return std::nullopt;
  return known->find_host(name, NameFamily::v4);
}

std::optional<IpAddr> address_at(const void* address, socklen_t length, int family) {
  if (family != AF_INET || length != sizeof(in_addr)) return std::nullopt;
  in_addr_t number = 0;
  std::memcpy(&number, address, sizeof number);
  return IpAddr::v4(ntohl(number));
}

std::optional<HostAnswer> name_by_servers(const void* address, socklen_t length, int family) {
  const auto known = names();
  const auto number = address_at(address, length, family);
  if (!known || !number || !known->has_servers()) return std::nullopt;
  return known->find_name(*number);
}

std::optional<HostAnswer> name_on_lan(const void* address, socklen_t length, int family) {
  const auto known = names();
  const auto number = address_at(address, length, family);
  const auto name = known && number ? known->name_of(*number) : std::nullopt;
  if (!name) return std::nullopt;
  return HostAnswer{NameOutcome::found, *name, {*number}};
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
  int error = 0;
  if (address) {
    error = give_addresses({NameOutcome::found, node, {*address}}, service, ours, result);
  } else {
    error = next.getaddrinfo(node, service, &ours, result);
    if (is_name && is_unknown(error) && names()->has_servers()) {
      error = ask_servers(node, service, ours, result);
    }
  }
  if (error == 0) *result = naru::posix::put_reachable_first(*result);
  return error;
}

namespace {

// The name of an address: on the lan, in the files, or as the name servers have it; none:
// its number will do.
std::optional<std::string> find_name(const sockaddr* address, socklen_t length) {
  const auto endpoint = naru::to_endpoint(address, length);
  const auto known = names();
  if (!known || !endpoint) return std::nullopt;
  if (auto name = known->name_of(endpoint->addr)) return name;
  std::array<char, NI_MAXHOST> room;
  const bool is_in_files =
      next.getnameinfo(address, length, room.data(), room.size(), nullptr, 0, NI_NAMEREQD) == 0;
  if (is_in_files || !known->has_servers()) return std::nullopt;
  const HostAnswer host = known->find_name(endpoint->addr);
  return host.outcome == NameOutcome::found ? std::optional(host.canonical) : std::nullopt;
}

}  // namespace

NARU_EXPORT int getnameinfo(const sockaddr* address, socklen_t length, char* host,
                            socklen_t host_size, char* service, socklen_t service_size, int flags) {
  std::optional<std::string> name;
  if (host != nullptr && host_size != 0 && (flags & NI_NUMERICHOST) == 0 && address != nullptr) {
    name = find_name(address, length);
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

NARU_EXPORT hostent* gethostbyname2(const char* name, int family) {
  if (const auto known = on_lan(name, family)) return give_static_host(*known);
  hostent* host = next.gethostbyname2(name, family);
  if (host != nullptr) return host;
  const auto told = by_servers(name, family);
  return told ? give_static_host(*told) : nullptr;
}

NARU_EXPORT hostent* gethostbyname(const char* name) { return gethostbyname2(name, AF_INET); }

NARU_EXPORT int gethostbyname2_r(const char* name, int family, hostent* host, char* buffer,
                                 std::size_t size, hostent** result, int* h_error) {
  if (const auto known = on_lan(name, family)) {
    return give_host(*known, host, buffer, size, result, h_error);
  }
  const int error = next.gethostbyname2_r(name, family, host, buffer, size, result, h_error);
  if (*result != nullptr || error == ERANGE) return error;
  const auto told = by_servers(name, family);
  return told ? give_host(*told, host, buffer, size, result, h_error) : error;
}

NARU_EXPORT int gethostbyname_r(const char* name, hostent* host, char* buffer, std::size_t size,
                                hostent** result, int* h_error) {
  return gethostbyname2_r(name, AF_INET, host, buffer, size, result, h_error);
}

NARU_EXPORT hostent* gethostbyaddr(const void* address, socklen_t length, int family) {
  if (const auto known = name_on_lan(address, length, family)) return give_static_host(*known);
  hostent* host = next.gethostbyaddr(address, length, family);
  if (host != nullptr) return host;
  const auto told = name_by_servers(address, length, family);
  return told ? give_static_host(*told) : nullptr;
}

NARU_EXPORT int gethostbyaddr_r(const void* address, socklen_t length, int family, hostent* host,
                                char* buffer, std::size_t size, hostent** result, int* h_error) {
  if (const auto known = name_on_lan(address, length, family)) {
    return give_host(*known, host, buffer, size, result, h_error);
  }
  const int error =
      next.gethostbyaddr_r(address, length, family, host, buffer, size, result, h_error);
  if (*result != nullptr || error == ERANGE) return error;
  const auto told = name_by_servers(address, length, family);
  return told ? give_host(*told, host, buffer, size, result, h_error) : error;
}
