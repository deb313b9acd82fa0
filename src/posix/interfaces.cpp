#include "posix/interfaces.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>

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

IpAddr netmask(const Prefix& prefix) {
  return IpAddr::v4(prefix.length == 0 ? 0 : ~std::uint32_t{0} << (32U - prefix.length));
}

// Where nobody is called all, the address itself, as Linux has it.
IpAddr broadcast(const Interface& i) {
  const auto all = i.address.broadcast();
  return i.is_loopback() || !all ? i.address.addr : *all;
}

}  // namespace

std::vector<Interface> interfaces(session::Session& session) {
  std::vector<Interface> all{{.index = 1,
                              .name = "lo",
                              .flags = kRunning | IFF_LOOPBACK,
                              .address = {IpAddr::loopback_v4(), 8},
                              .mac = {},
                              .mtu = kLoopbackMtu}};
  const session::Inside inside(session);
  if (session.cable() != nullptr) {
    const link::Link& link = session.cable()->link();
    const unsigned state = link.is_up() ? kRunning : unsigned{IFF_UP};
    all.push_back({.index = session::kCableInterface + 1U,
                   .name = session::kCableInterfaceName,
                   .flags = state | IFF_BROADCAST | IFF_MULTICAST,
                   .address = session.header().port.address,
                   .mac = link.mac(),
                   .mtu = link.caps().mtu});
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

void fill_inet(Entry& e, const Interface& i) {
  begin(e, i);
  e.head.ifa_addr = put(e.address, to_sockaddr(i.address.addr));
  e.head.ifa_netmask = put(e.netmask, to_sockaddr(netmask(i.address)));
  e.head.ifa_ifu.ifu_broadaddr = put(e.broadcast, to_sockaddr(broadcast(i)));
}

}  // namespace

ifaddrs* make_ifaddrs(std::span<const Interface> all) {
  const std::size_t count = 2 * all.size();
  auto* entries = static_cast<Entry*>(std::calloc(count, sizeof(Entry)));
  if (entries == nullptr) return nullptr;
  for (std::size_t i = 0; i < all.size(); ++i) {
    fill_packet(entries[i], all[i]);
    fill_inet(entries[all.size() + i], all[i]);
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

long list(std::span<const Interface> all, ifconf& wanted) {
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
    set_address(r.ifr_addr, all[i].address.addr);
    std::memcpy(wanted.ifc_req + i, &r, sizeof r);
  }
  wanted.ifc_len = static_cast<int>(count * sizeof(ifreq));
  return 0;
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
      set_address(r.ifr_addr, i.address.addr);
      return 0;
    case SIOCGIFNETMASK:
      set_address(r.ifr_netmask, netmask(i.address));
      return 0;
    case SIOCGIFBRDADDR:
      set_address(r.ifr_broadaddr, i.is_loopback() ? IpAddr::any_v4() : broadcast(i));
      return 0;
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
