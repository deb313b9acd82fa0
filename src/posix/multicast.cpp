// Options that name an interface, and multicast groups.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <string_view>

#include "posix/answer.hpp"
#include "posix/sockets.hpp"

namespace naru::posix {
namespace {

IpAddr address_of(const in_addr& a) { return IpAddr::v4(ntohl(a.s_addr)); }

// The kernel's numbers of interfaces begin with 1.
std::optional<std::uint8_t> interface_at(const Stack& stack, int index) {
  if (index < 1 || index > stack.interface_count()) return std::nullopt;
  return static_cast<std::uint8_t>(index - 1);
}

// ip_mreqn, or one of the shorter forms before it: ip_mreq, an address alone.
ip_mreqn read_request(const void* value, socklen_t length) {
  ip_mreqn request{};
  std::memcpy(&request, value, std::min<std::size_t>(length, sizeof request));
  return request;
}

// By number, else by address, else the one that leads out.
std::optional<std::uint8_t> interface_of(const Stack& stack, const ip_mreqn& request) {
  if (request.imr_ifindex != 0) return interface_at(stack, request.imr_ifindex);
  if (request.imr_address.s_addr != INADDR_ANY) {
    return stack.find_interface(address_of(request.imr_address));
  }
  return static_cast<std::uint8_t>(stack.interface_count() - 1);
}

}  // namespace

long Sockets::set_membership(OpenSocket& o, int name, const void* value, socklen_t length) {
  if (length < sizeof(ip_mreq)) return -EINVAL;
  const ip_mreqn request = read_request(value, length);
  const IpAddr group = address_of(request.imr_multiaddr);
  if (!group.is_multicast()) return name == IP_ADD_MEMBERSHIP ? -EINVAL : -EADDRNOTAVAIL;
  Stack& stack = session().stack();
  const auto interface = interface_of(stack, request);
  if (!interface) return name == IP_ADD_MEMBERSHIP ? -ENODEV : -EADDRNOTAVAIL;
  return answer(name == IP_ADD_MEMBERSHIP ? stack.join(o.id, *interface, group)
                                          : stack.leave(o.id, *interface, group));
}

long Sockets::set_membership6(OpenSocket& o, bool joins, const void* value, socklen_t length) {
  ipv6_mreq request{};
  if (length < sizeof request) return -EINVAL;
  std::memcpy(&request, value, sizeof request);
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &request.ipv6mr_multiaddr, bytes.size());
  const IpAddr group = IpAddr::v6(bytes);
  if (!group.is_multicast()) return joins ? -EINVAL : -EADDRNOTAVAIL;
  Stack& stack = session().stack();
  const int wanted = static_cast<int>(request.ipv6mr_interface);
  const auto interface = interface_at(stack, wanted == 0 ? stack.interface_count() : wanted);
  if (!interface) return joins ? -ENODEV : -EADDRNOTAVAIL;
  return answer(joins ? stack.join(o.id, *interface, group) : stack.leave(o.id, *interface, group));
}

// SO_BINDTODEVICE by name, IP_MULTICAST_IF by address or number, that of IPv6 by number.
long Sockets::set_interface(OpenSocket& o, int level, const void* value, socklen_t length) {
  Stack& stack = session().stack();
  if (level == SOL_SOCKET) {
    std::string_view device(static_cast<const char*>(value), std::min<socklen_t>(length, IFNAMSIZ));
    device = device.substr(0, device.find('\0'));
    const auto interface = stack.find_interface(device);
    if (!device.empty() && !interface) return -ENODEV;
    return answer(stack.set_option(o.id, SocketOption::bound_interface,
                                   device.empty() ? -1 : std::int64_t{*interface}));
  }
  if (level == IPPROTO_IPV6) {
    int index = 0;
    if (length < sizeof index) return -EINVAL;
    std::memcpy(&index, value, sizeof index);
    const auto interface = interface_at(stack, index);
    if (index != 0 && !interface) return -ENODEV;
    return answer(stack.set_option(o.id, SocketOption::multicast_interface,
                                   index == 0 ? -1 : std::int64_t{*interface}));
  }
  if (length < sizeof(in_addr)) return -EINVAL;
  ip_mreqn request{};
  if (length < sizeof(ip_mreq)) {
    std::memcpy(&request.imr_address, value, sizeof request.imr_address);
  } else {
    request = read_request(value, length);
  }
  const bool is_none = request.imr_ifindex == 0 && request.imr_address.s_addr == INADDR_ANY;
  const auto interface = interface_of(stack, request);
  if (!is_none && !interface) return -EADDRNOTAVAIL;
  return answer(stack.set_option(o.id, SocketOption::multicast_interface,
                                 is_none ? -1 : std::int64_t{*interface}));
}

long Sockets::get_interface(const OpenSocket& o, int level, void* value, socklen_t* length) {
  Stack& stack = session().stack();
  const auto option =
      level == SOL_SOCKET ? SocketOption::bound_interface : SocketOption::multicast_interface;
  const Result<std::int64_t> interface = stack.option(o.id, option);
  if (!interface) return fail(interface.error());
  if (level == SOL_SOCKET) {
    if (*interface < 0) return *length = 0;
    if (*length < IFNAMSIZ) return -EINVAL;
    const std::string_view device = stack.interface_name(static_cast<std::uint8_t>(*interface));
    char name[IFNAMSIZ]{};
    device.copy(name, sizeof name - 1);
    std::memcpy(value, name, device.size() + 1);
    *length = static_cast<socklen_t>(device.size() + 1);
    return 0;
  }
  if (level == IPPROTO_IPV6) {
    const int index = static_cast<int>(*interface) + 1;  // of none 0
    const auto n = std::min<socklen_t>(*length, sizeof index);
    std::memcpy(value, &index, n);
    *length = n;
    return 0;
  }
  in_addr address{};
  if (*interface >= 0) {
    const auto of = stack.interface_address(static_cast<std::uint8_t>(*interface));
    if (of) address.s_addr = htonl(of->to_v4());
  }
  const auto n = std::min<socklen_t>(*length, sizeof address);
  std::memcpy(value, &address, n);
  *length = n;
  return 0;
}

}  // namespace naru::posix
