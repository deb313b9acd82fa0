#include "posix/interfaces.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>

#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

constexpr std::uint32_t kLoopbackMtu = 65'536;
constexpr unsigned kRunning = IFF_UP | IFF_RUNNING;

sockaddr_in to_sockaddr(const IpAddr& address) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(address.to_v4());
  return a;
}

sockaddr_in6 to_sockaddr_v6(const IpAddr& address) {
  sockaddr_in6 a{};
  socklen_t size = sizeof a;
  from_endpoint({address, 0}, AF_INET6, reinterpret_cast<sockaddr*>(&a), &size);
  return a;
}

IpAddr netmask(const Prefix& prefix) {
  return IpAddr::v4(prefix.length == 0 ? 0 : ~std::uint32_t{0} << (32U - prefix.length));
}

IpAddr netmask_v6(const Prefix& prefix) {
  std::array<std::uint8_t, 16> all;
  all.fill(0xff);
  return Prefix{IpAddr::v6(all), prefix.length}.network();
}

// Where nobody is called all, the address itself, as Linux has it.
IpAddr broadcast(const Interface& i, const Prefix& address) {
  const auto all = address.broadcast();
  return i.is_loopback() || !all ? address.addr : *all;
}

}  // namespace

std::optional<Prefix> Interface::address_v4() const {
  const auto found =
      std::ranges::find_if(addresses, [](const Prefix& a) { return a.addr.is_v4(); });
  return found == addresses.end() ? std::nullopt : std::optional(*found);
}

std::vector<Interface> interfaces(session::Session& session) {
  std::vector<Interface> all{{.index = 1,
                              .name = "lo",
                              .flags = kRunning | IFF_LOOPBACK,
                              .addresses = {},
                              .mac = {},
                              .mtu = kLoopbackMtu}};
  const session::Inside inside(session);
  all[0].addresses = session.stack().interface_addresses(0);
  if (session.cable() != nullptr) {
    const link::Link& link = session.cable()->link();
    const std::uint32_t mtu = session.has_device() ? session.header().port.mtu : link.caps().mtu;
    const unsigned state = link.is_up() ? kRunning : unsigned{IFF_UP};
    all.push_back({.index = session::kCableInterface + 1U,
                   .name = session::kCableInterfaceName,
                   .flags = state | IFF_BROADCAST | IFF_MULTICAST,
                   .addresses = session.stack().interface_addresses(session::kCableInterface),
                   .mac = link.mac(),
                   .mtu = mtu});
  }
  return all;
}

// --- getifaddrs(3) ------------------------------------------------------------------------

namespace {

struct Entry {
  ifaddrs head;
  char name[IFNAMSIZ];
  sockaddr_storage address;
  sockaddr_storage netmask;
  sockaddr_storage broadcast;
};

template <class Address>
sockaddr* put(sockaddr_storage& place, const Address& address) {
  static_assert(sizeof address <= sizeof place);
  std::memcpy(&place, &address, sizeof address);
  return reinterpret_cast<sockaddr*>(&place);
}

void begin(Entry& e, const Interface& i) {
  i.name.copy(e.name, sizeof e.name - 1);
  e.head.ifa_name = e.name;
  e.head.ifa_flags = i.flags;
}

void fill_packet(Entry& e, const Interface& i) {
  sockaddr_ll a{};
  a.sll_family = AF_PACKET;
  a.sll_ifindex = static_cast<int>(i.index);
  a.sll_hatype = i.is_loopback() ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
  a.sll_halen = static_cast<unsigned char>(i.mac.bytes.size());
  std::ranges::copy(i.mac.bytes, a.sll_addr);
  begin(e, i);
  e.head.ifa_addr = put(e.address, a);
}

void fill_inet(Entry& e, const Interface& i, const Prefix& address) {
  begin(e, i);
  e.head.ifa_addr = put(e.address, to_sockaddr(address.addr));
  e.head.ifa_netmask = put(e.netmask, to_sockaddr(netmask(address)));
  e.head.ifa_ifu.ifu_broadaddr = put(e.broadcast, to_sockaddr(broadcast(i, address)));
}

void fill_inet6(Entry& e, const Interface& i, const Prefix& address) {
  begin(e, i);
  e.head.ifa_addr = put(e.address, to_sockaddr_v6(address.addr));
  e.head.ifa_netmask = put(e.netmask, to_sockaddr_v6(netmask_v6(address)));
}

}  // namespace

// As glibc has them: the links, then the addresses of IPv4, then those of IPv6.
ifaddrs* make_ifaddrs(std::span<const Interface> all) {
  std::size_t count = all.size();
  for (const Interface& i : all) count += i.addresses.size();
  auto* entries = static_cast<Entry*>(std::calloc(count, sizeof(Entry)));
  if (entries == nullptr) return nullptr;
  std::size_t next = 0;
  for (const Interface& i : all) fill_packet(entries[next++], i);
  for (const bool is_v4 : {true, false}) {
    for (const Interface& i : all) {
      for (const Prefix& address : i.addresses) {
        if (address.addr.is_v4() != is_v4) continue;
        is_v4 ? fill_inet(entries[next++], i, address) : fill_inet6(entries[next++], i, address);
      }
    }
  }
  for (std::size_t i = 0; i + 1 < count; ++i) entries[i].head.ifa_next = &entries[i + 1].head;
  return &entries[0].head;
}

// --- netdevice(7) -------------------------------------------------------------------------

namespace {

void set_address(sockaddr& place, const IpAddr& address) {
  const sockaddr_in a = to_sockaddr(address);
  static_assert(sizeof a == sizeof place);
  std::memcpy(&place, &a, sizeof a);
}

// Those that have an IPv4 address.
long list(std::vector<Interface> all, ifconf& wanted) {
  std::erase_if(all, [](const Interface& i) { return !i.address_v4(); });
  const std::size_t size = all.size() * sizeof(ifreq);
  if (wanted.ifc_req == nullptr) {
    wanted.ifc_len = static_cast<int>(size);
    return 0;
  }
  const std::size_t room = static_cast<std::size_t>(std::max(wanted.ifc_len, 0)) / sizeof(ifreq);
  const std::size_t count = std::min(room, all.size());
  for (std::size_t i = 0; i < count; ++i) {
    ifreq r{};
    all[i].name.copy(r.ifr_name, IFNAMSIZ - 1);
    set_address(r.ifr_addr, all[i].address_v4()->addr);
    std::memcpy(wanted.ifc_req + i, &r, sizeof r);
  }
  wanted.ifc_len = static_cast<int>(count * sizeof(ifreq));
  return 0;
}

// What is asked of an address; without one there is nothing to tell.
long describe_address(const Interface& i, unsigned long request, ifreq& r) {
  const auto address = i.address_v4();
  if (!address) return -EADDRNOTAVAIL;
  switch (request) {
    case SIOCGIFNETMASK:
      set_address(r.ifr_netmask, netmask(*address));
      return 0;
    case SIOCGIFBRDADDR:
      set_address(r.ifr_broadaddr, i.is_loopback() ? IpAddr::any_v4() : broadcast(i, *address));
      return 0;
    default:
      set_address(r.ifr_addr, address->addr);
      return 0;
  }
}

long describe(const Interface& i, unsigned long request, ifreq& r) {
  switch (request) {
    case SIOCGIFNAME:
      std::memset(r.ifr_name, 0, IFNAMSIZ);
      i.name.copy(r.ifr_name, IFNAMSIZ - 1);
      return 0;
    case SIOCGIFINDEX:
      r.ifr_ifindex = static_cast<int>(i.index);
      return 0;
    case SIOCGIFFLAGS:
      r.ifr_flags = static_cast<short>(i.flags);
      return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFBRDADDR:
      return describe_address(i, request, r);
    case SIOCGIFHWADDR:
      r.ifr_hwaddr = {};
      r.ifr_hwaddr.sa_family = i.is_loopback() ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
      std::memcpy(r.ifr_hwaddr.sa_data, i.mac.bytes.data(), i.mac.bytes.size());
      return 0;
    case SIOCGIFMTU:
      r.ifr_mtu = static_cast<int>(i.mtu);
      return 0;
    case SIOCGIFMETRIC:
      r.ifr_metric = 0;
      return 0;
    default:
      return -EINVAL;
  }
}

bool is_known(unsigned long request) {
  constexpr unsigned long kRequests[] = {
      SIOCGIFCONF,    SIOCGIFNAME,    SIOCGIFINDEX,  SIOCGIFFLAGS, SIOCGIFADDR,  SIOCGIFDSTADDR,
      SIOCGIFNETMASK, SIOCGIFBRDADDR, SIOCGIFHWADDR, SIOCGIFMTU,   SIOCGIFMETRIC};
  return std::ranges::find(kRequests, request) != std::end(kRequests);
}

}  // namespace

std::optional<long> interface_ioctl(session::Session& session, unsigned long request,
                                    void* argument) {
  if (!is_known(request)) return std::nullopt;
  if (argument == nullptr) return -EFAULT;
  const std::vector<Interface> all = interfaces(session);
  if (request == SIOCGIFCONF) return list(all, *static_cast<ifconf*>(argument));
  ifreq& r = *static_cast<ifreq*>(argument);
  const std::string_view name(r.ifr_name, ::strnlen(r.ifr_name, IFNAMSIZ));
  const auto found = std::ranges::find_if(all, [&](const Interface& i) {
    return request == SIOCGIFNAME ? static_cast<int>(i.index) == r.ifr_ifindex : i.name == name;
  });
  return found == all.end() ? -ENODEV : describe(*found, request, r);
}

}  // namespace naru::posix
