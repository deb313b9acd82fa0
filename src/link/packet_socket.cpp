#include <cerrno>
#include <cstring>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

#include <naru/link/packet_socket.hpp>

#include "link/tap_port.hpp"

namespace naru::link {

namespace {

// Room for a good many 64 KiB segments; the kernel gives less where it must.
constexpr int kSocketBuffer = 4 << 20;

OpenError failure(const std::string& name, int error, const std::string& advice) {
  std::string message = "interface " + name + ": " + std::strerror(error);
  if (!advice.empty()) message += ": " + advice;
  return {error, std::move(message)};
}

std::string advice_for(int error) {
  return error == EPERM || error == EACCES
             ? "packet sockets want root, CAP_NET_RAW or a user namespace"
             : "";
}

// What the kernel says of an interface.
struct Interface {
  int index = 0;
  MacAddr mac;
  std::uint32_t mtu = 0;
};

// What is wrong, if anything.
std::optional<OpenError> look_up(int socket, const std::string& name, Interface& interface) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) {
    return failure(name, ENODEV, "a name has 1 to 15 characters");
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
  if (::ioctl(socket, SIOCGIFINDEX, &request) < 0) {
    return failure(name, errno, "`ip link` lists the interfaces");
  }
  interface.index = request.ifr_ifindex;
  if (::ioctl(socket, SIOCGIFMTU, &request) < 0) return failure(name, errno, "");
  interface.mtu = static_cast<std::uint32_t>(request.ifr_mtu);
  if (::ioctl(socket, SIOCGIFHWADDR, &request) < 0) return failure(name, errno, "");
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    return failure(name, EPROTONOSUPPORT, "it is not an Ethernet interface");
  }
  std::memcpy(interface.mac.bytes.data(), request.ifr_hwaddr.sa_data, interface.mac.bytes.size());
  return std::nullopt;
}

template <class T>
bool set(int socket, int level, int option, const T& value) {
  return ::setsockopt(socket, level, option, &value, sizeof value) == 0;
}

// What the link cannot do without; then what makes it better.
bool set_options(int socket, int index, const PacketSocketOptions& options) {
  if (!set(socket, SOL_PACKET, PACKET_VNET_HDR, 1)) return false;
  if (!set(socket, SOL_PACKET, PACKET_AUXDATA, 1)) return false;
  if (options.promiscuous || options.mac) {
    packet_mreq membership{};
    membership.mr_ifindex = index;
    membership.mr_type = PACKET_MR_PROMISC;
    if (!set(socket, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)) return false;
  }
  set(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  set(socket, SOL_PACKET, PACKET_QDISC_BYPASS, options.bypass_qdisc ? 1 : 0);
  if (!set(socket, SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer)) {
    set(socket, SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
  }
  if (!set(socket, SOL_SOCKET, SO_SNDBUFFORCE, kSocketBuffer)) {
    set(socket, SOL_SOCKET, SO_SNDBUF, kSocketBuffer);
  }
  return true;
}

// From here on frames arrive.
bool bind_to(int socket, int index) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = __builtin_bswap16(ETH_P_ALL);
  address.sll_ifindex = index;
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

OpenResult<std::unique_ptr<PacketSocketLink>> PacketSocketLink::open(
    const std::string& interface, const PacketSocketOptions& options) {
  // Without a protocol, so that nothing comes before everything is set.
  Descriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) {
    return std::unexpected(failure(interface, errno, advice_for(errno)));
  }
  Interface found;
  if (auto error = look_up(socket.number(), interface, found)) {
    return std::unexpected(*std::move(error));
  }
  if (!set_options(socket.number(), found.index, options) ||
      !bind_to(socket.number(), found.index)) {
    return std::unexpected(failure(interface, errno, advice_for(errno)));
  }
  auto port = std::make_unique<Port>(std::move(socket), DeviceKind::packet_socket);
  return std::unique_ptr<PacketSocketLink>(new PacketSocketLink(
      std::move(port),
      {DeviceKind::packet_socket, interface, options.mac.value_or(found.mac), found.mtu}));
}

}  // namespace naru::link
