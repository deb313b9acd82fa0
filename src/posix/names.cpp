#include "posix/names.hpp"

#include <cstring>
#include <memory>
#include <netinet/in.h>

namespace naru::posix {

std::optional<IpAddr> Names::address_of(std::string_view name) const {
  const link::LanLink* link = session_.lan();
  if (name.ends_with('.')) name.remove_suffix(1);
  if (link == nullptr || name == "localhost") return std::nullopt;
  return link->find_address(name);
}

std::optional<std::string> Names::name_of(const IpAddr& address) const {
  const link::LanLink* link = session_.lan();
  if (link == nullptr) return std::nullopt;
  auto name = link->find_name(address);
  if (name) *name += ".lan";
  return name;
}

bool fill_host(hostent& host, std::span<char> room, std::string_view name, const IpAddr& address) {
  // The addresses, their list, the list of other names, the name itself.
  struct Fixed {
    in_addr address;
    char* addresses[2];
    char* aliases[1];
  };
  void* at = room.data();
  std::size_t size = room.size();
  if (std::align(alignof(Fixed), sizeof(Fixed), at, size) == nullptr) return false;
  if (size < sizeof(Fixed) + name.size() + 1) return false;
  auto* fixed = ::new (at) Fixed{};
  fixed->address.s_addr = htonl(address.to_v4());
  fixed->addresses[0] = reinterpret_cast<char*>(&fixed->address);
  char* text = static_cast<char*>(at) + sizeof(Fixed);
  name.copy(text, name.size());
  text[name.size()] = '\0';
  host = {text, fixed->aliases, AF_INET, sizeof(in_addr), fixed->addresses};
  return true;
}

addrinfo* put_reachable_first(addrinfo* list) {
  addrinfo* near = nullptr;
  addrinfo* far = nullptr;
  addrinfo** near_end = &near;
  addrinfo** far_end = &far;
  for (addrinfo* a = list; a != nullptr; a = a->ai_next) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(a->ai_addr);
    const bool is_far = a->ai_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    addrinfo**& end = is_far ? far_end : near_end;
    *end = a;
    end = &a->ai_next;
  }
  *far_end = nullptr;
  *near_end = far;
  return near;
}

}  // namespace naru::posix
