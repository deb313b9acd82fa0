// Names and services: the lan's names and those of name servers are ours, everything else
// is the C library's: how addresses are written, services, the hosts file, error codes. It is
// told to look into files only, since a name server would be asked over the kernel's network;
// and it would put the results into the order of the kernel's ways.

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

std::vector<IpAddr> lan_addresses(const char* name) {
  const auto known = names();
  return known && name != nullptr ? known->addresses_of(name) : std::vector<IpAddr>();
}

NameFamily to_name_family(int family) {
  return family == AF_INET ? NameFamily::v4 : family == AF_INET6 ? NameFamily::v6 : NameFamily::any;
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

// With AI_V4MAPPED a host without IPv6 addresses has mapped ones, with AI_ALL every host.
bool leaves_out_v4(const HostAnswer& host, const addrinfo& hints) {
  if (hints.ai_family != AF_INET6) return false;
  if ((hints.ai_flags & AI_V4MAPPED) == 0) return true;
  const bool has_v6 = std::ranges::any_of(host.addresses, &IpAddr::is_v6);
  return has_v6 && (hints.ai_flags & AI_ALL) == 0;
}

// A host whose addresses are known, with what the C library makes of their numbers.
int give_addresses(const HostAnswer& host, const char* service, const addrinfo& hints,
                   addrinfo** result) {
  addrinfo numeric = hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  *result = nullptr;
  int error = EAI_NODATA;
  const bool is_v6_only = leaves_out_v4(host, hints);
  for (const IpAddr& address : host.addresses) {
    if (is_v6_only && address.is_v4()) continue;
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

// As the name servers have it; without any, what needs none (RFC 6761: localhost) and `unknown`
// for everybody else.
int ask_servers(int unknown, const char* node, const char* service, const addrinfo& hints,
                addrinfo** result) {
  const bool is_v6 = hints.ai_family == AF_INET6;
  const bool may_map = is_v6 && (hints.ai_flags & AI_V4MAPPED) != 0;
  const HostAnswer host =
      names()->find_host(node, may_map ? NameFamily::any : to_name_family(hints.ai_family));
  if (host.outcome == NameOutcome::no_servers) return unknown;
  if (host.outcome != NameOutcome::found) return to_eai(host.outcome);
  return give_addresses(host, service, hints, result);
}

// One of those in `buffer`: a host as gethostbyname_r(3) answers.
int give_host(const HostAnswer& known, int family, hostent* host, char* buffer, std::size_t size,
              hostent** result, int* h_error) {
  *result = nullptr;
  *h_error = to_h_errno(known.outcome);
  if (known.outcome != NameOutcome::found) return 0;
  constexpr std::size_t kMost = 32;
  const std::span addresses(known.addresses.data(), std::min(known.addresses.size(), kMost));
  if (!naru::posix::fill_host(*host, {buffer, size}, known.canonical, family, addresses)) {
    *h_error = NETDB_INTERNAL;
    return ERANGE;
  }
  *result = host;
  return 0;
}

// The static memory of the functions that are not thread-safe.
hostent* give_static_host(const HostAnswer& known, int family) {
  static hostent host;
  static char buffer[1024];
  hostent* result = nullptr;
  give_host(known, family, &host, buffer, sizeof buffer, &result, &h_errno);
  return result;
}

// Of gethostbyname(3) and its kin: on the lan; else none.
std::optional<HostAnswer> on_lan(const char* name, int family) {
  std::vector<IpAddr> addresses = lan_addresses(name);
  std::erase_if(addresses, [&](const IpAddr& a) { return a.is_v6() != (family == AF_INET6); });
  if (addresses.empty()) return std::nullopt;
  return HostAnswer{NameOutcome::found, name, std::move(addresses)};
}

// As the name servers have it; none: there is nobody to ask.
std::optional<HostAnswer> by_servers(const char* name, int family) {
  const auto known = names();
  if (!known || name == nullptr) return std::nullopt;
  auto host = known->find_host(name, to_name_family(family));
  if (host.outcome == NameOutcome::no_servers) return std::nullopt;
  return host;
}

std::optional<IpAddr> address_at(const void* address, socklen_t length, int family) {
  if (family == AF_INET6 && length == sizeof(in6_addr)) {
    std::array<std::uint8_t, sizeof(in6_addr)> bytes{};
    std::memcpy(bytes.data(), address, bytes.size());
    return IpAddr::v6(bytes);
  }
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

namespace {

// AI_ADDRCONFIG would ask for the kernel's addresses: naru's decide. False: there are none of
// the family that is wanted.
bool apply_configuration(addrinfo& hints) {
  if ((hints.ai_flags & AI_ADDRCONFIG) == 0) return true;
  hints.ai_flags &= ~AI_ADDRCONFIG;
  const bool has_v4 = names()->has_family(AF_INET);
  const bool has_v6 = names()->has_family(AF_INET6);
  if (hints.ai_family == AF_INET) return has_v4;
  if (hints.ai_family == AF_INET6) return has_v6;
  if (has_v4 != has_v6) hints.ai_family = has_v4 ? AF_INET : AF_INET6;
  return true;
}

}  // namespace

NARU_EXPORT int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                            addrinfo** result) {
  if (library == nullptr) return next.getaddrinfo(node, service, hints, result);
  // As getaddrinfo(3) has it without hints.
  addrinfo ours = hints != nullptr ? *hints : addrinfo{};
  if (hints == nullptr) ours.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG;
  if (!apply_configuration(ours)) return EAI_NONAME;
  const bool is_name = node != nullptr && (ours.ai_flags & AI_NUMERICHOST) == 0;
  const auto addresses = is_name ? lan_addresses(node) : std::vector<IpAddr>();
  int error = 0;
  if (!addresses.empty()) {
    error = give_addresses({NameOutcome::found, node, addresses}, service, ours, result);
  } else {
    error = next.getaddrinfo(node, service, &ours, result);
    if (is_name && is_unknown(error)) error = ask_servers(error, node, service, ours, result);
  }
  if (error == 0) *result = names()->sort(*result);
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
  if (const auto known = on_lan(name, family)) return give_static_host(*known, family);
  hostent* host = next.gethostbyname2(name, family);
  if (host != nullptr) return host;
  const auto told = by_servers(name, family);
  return told ? give_static_host(*told, family) : nullptr;
}

NARU_EXPORT hostent* gethostbyname(const char* name) { return gethostbyname2(name, AF_INET); }

NARU_EXPORT int gethostbyname2_r(const char* name, int family, hostent* host, char* buffer,
                                 std::size_t size, hostent** result, int* h_error) {
  if (const auto known = on_lan(name, family)) {
    return give_host(*known, family, host, buffer, size, result, h_error);
  }
  const int error = next.gethostbyname2_r(name, family, host, buffer, size, result, h_error);
  if (*result != nullptr || error == ERANGE) return error;
  const auto told = by_servers(name, family);
  return told ? give_host(*told, family, host, buffer, size, result, h_error) : error;
}

NARU_EXPORT int gethostbyname_r(const char* name, hostent* host, char* buffer, std::size_t size,
                                hostent** result, int* h_error) {
  return gethostbyname2_r(name, AF_INET, host, buffer, size, result, h_error);
}

NARU_EXPORT hostent* gethostbyaddr(const void* address, socklen_t length, int family) {
  if (const auto known = name_on_lan(address, length, family)) {
    return give_static_host(*known, family);
  }
  hostent* host = next.gethostbyaddr(address, length, family);
  if (host != nullptr) return host;
  const auto told = name_by_servers(address, length, family);
  return told ? give_static_host(*told, family) : nullptr;
}

NARU_EXPORT int gethostbyaddr_r(const void* address, socklen_t length, int family, hostent* host,
                                char* buffer, std::size_t size, hostent** result, int* h_error) {
  if (const auto known = name_on_lan(address, length, family)) {
    return give_host(*known, family, host, buffer, size, result, h_error);
  }
  const int error =
      next.gethostbyaddr_r(address, length, family, host, buffer, size, result, h_error);
  if (*result != nullptr || error == ERANGE) return error;
  const auto told = name_by_servers(address, length, family);
  return told ? give_host(*told, family, host, buffer, size, result, h_error) : error;
}
