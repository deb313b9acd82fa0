#include "posix/ancillary.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <naru/socket/clock.hpp>
#include <naru/socket/errno.hpp>

#include "posix/told.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The kernel's numbers of interfaces begin with 1.
int index_of(std::uint8_t interface) { return interface + 1; }

std::uint8_t interface_of(int index) {
  return index > 0 && index < DatagramControl::kAnyInterface ? static_cast<std::uint8_t>(index - 1)
                                                             : DatagramControl::kAnyInterface;
}

template <class T>
T value_of(const cmsghdr& message) {
  T value{};
  std::memcpy(&value, CMSG_DATA(&message), sizeof value);
  return value;
}

std::size_t size_of(const cmsghdr& message) { return message.cmsg_len - CMSG_LEN(0); }

long read_v4(const cmsghdr& c, DatagramControl& control) {
  const std::size_t size = size_of(c);
  switch (c.cmsg_type) {
    case IP_TTL: {
      const int ttl = size == sizeof(int) ? value_of<int>(c) : 0;
      if (ttl < 1 || ttl > 255) return -EINVAL;
      control.ttl = static_cast<std::uint8_t>(ttl);
      return 0;
    }
    case IP_TOS: {
      if (size != 1 && size != sizeof(int)) return -EINVAL;
      const int tos = size == 1 ? value_of<unsigned char>(c) : value_of<int>(c);
      if (tos < 0 || tos > 255) return -EINVAL;
      control.tos = static_cast<std::int16_t>(tos);
      return 0;
    }
    case IP_PKTINFO: {
      if (size != sizeof(in_pktinfo)) return -EINVAL;
      const auto info = value_of<in_pktinfo>(c);
      control.interface = interface_of(info.ipi_ifindex);
      const auto source = IpAddr::v4(ntohl(info.ipi_spec_dst.s_addr));
      if (!source.is_any()) control.source = source;
      return 0;
    }
    default:
      return -EINVAL;
  }
}

// RFC 3542 6: -1 is what the socket has.
long read_v6(const cmsghdr& c, DatagramControl& control) {
  const std::size_t size = size_of(c);
  switch (c.cmsg_type) {
    case IPV6_PKTINFO: {
      if (size < sizeof(in6_pktinfo)) return -EINVAL;
      const auto info = value_of<in6_pktinfo>(c);
      control.interface = interface_of(static_cast<int>(info.ipi6_ifindex));
      std::array<std::uint8_t, 16> bytes{};
      std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
      control.source = IpAddr::v6(bytes).with_zone(zone_of(info.ipi6_ifindex));
      return 0;
    }
    case IPV6_HOPLIMIT: {
      const int hops = size == sizeof(int) ? value_of<int>(c) : INT_MAX;
      if (hops < -1 || hops > 255) return -EINVAL;
      control.ttl = hops < 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(hops);
      return 0;
    }
    case IPV6_TCLASS: {
      const int traffic_class = size == sizeof(int) ? value_of<int>(c) : INT_MAX;
      if (traffic_class < -1 || traffic_class > 255) return -EINVAL;
      control.tos = static_cast<std::int16_t>(traffic_class);
      return 0;
    }
    default:
      return -EINVAL;
  }
}

long read_one(const cmsghdr& c, bool is_v6, DatagramControl& control) {
  switch (c.cmsg_level) {
    case SOL_SOCKET:
      return 0;  // SO_TXTIME and its like; SCM_RIGHTS, as UDP
    case IPPROTO_IP:
      return read_v4(c, control);
    case IPPROTO_IPV6:
      return is_v6 ? read_v6(c, control) : 0;
    default:
      return -EINVAL;
  }
}

// Writes one control message after the other (the kernel's put_cmsg).
class Writer {
 public:
  explicit Writer(msghdr& message) : message_(message) {}
  ~Writer() { message_.msg_controllen = used_; }

  template <class T>
  void put(int level, int type, const T& value) {
    const std::size_t room = message_.msg_controllen - used_;
    if (message_.msg_control == nullptr || room < sizeof(cmsghdr)) {
      message_.msg_flags |= MSG_CTRUNC;
      return;
    }
    std::size_t length = CMSG_LEN(sizeof value);
    if (length > room) {
      message_.msg_flags |= MSG_CTRUNC;
      length = room;
    }
    cmsghdr header{};
    header.cmsg_len = length;
    header.cmsg_level = level;
    header.cmsg_type = type;
    auto* at = static_cast<char*>(message_.msg_control) + used_;
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + CMSG_LEN(0), &value, length - CMSG_LEN(0));
    used_ += std::min(CMSG_SPACE(sizeof value), room);
  }

 private:
  msghdr& message_;
  std::size_t used_ = 0;
};

// When it came, by the clock of the wall.
timespec wall_time(Time at) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t ns = now.tv_sec * kSecond + now.tv_nsec -
                          std::max<std::int64_t>((monotonic_now() - at).count(), 0);
  return {ns / kSecond, ns % kSecond};
}

}  // namespace

long read_control(const msghdr& message, bool is_v6, DatagramControl& control) {
  auto& m = const_cast<msghdr&>(message);
  const auto* end = static_cast<const char*>(m.msg_control) + m.msg_controllen;
  for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
    const auto left = static_cast<std::size_t>(end - reinterpret_cast<char*>(c));
    if (c->cmsg_len < sizeof(cmsghdr) || c->cmsg_len > left) return -EINVAL;
    if (const long bad = read_one(*c, is_v6, control); bad != 0) return bad;
  }
  return 0;
}

namespace {

void write_v4(Writer& out, std::uint32_t told, const DatagramInfo& info, const Endpoint& local) {
  const std::uint32_t destination = htonl(info.destination.to_v4());
  if ((told & told::kInfo) != 0) {
    in_pktinfo packet{};
    packet.ipi_ifindex = index_of(info.interface);
    packet.ipi_addr.s_addr = packet.ipi_spec_dst.s_addr = destination;
    out.put(IPPROTO_IP, IP_PKTINFO, packet);
  }
  if ((told & told::kTtl) != 0) out.put(IPPROTO_IP, IP_TTL, int{info.ttl});
  if ((told & told::kTos) != 0) out.put(IPPROTO_IP, IP_TOS, info.tos);
  if ((told & told::kOriginal) != 0) {
    sockaddr_in original{};
    original.sin_family = AF_INET;
    original.sin_port = htons(local.port);
    original.sin_addr.s_addr = destination;
    out.put(IPPROTO_IP, IP_ORIGDSTADDR, original);
  }
}

// Of both families; an IPv4 address is a mapped one.
void write_info6(Writer& out, const DatagramInfo& info) {
  in6_pktinfo packet{};
  packet.ipi6_ifindex = static_cast<unsigned>(index_of(info.interface));
  const IpAddr on_wire = info.destination.without_zone();
  std::memcpy(&packet.ipi6_addr, on_wire.bytes().data(), sizeof packet.ipi6_addr);
  out.put(IPPROTO_IPV6, IPV6_PKTINFO, packet);
}

}  // namespace

void write_control(msghdr& message, const session::OpenSocket& socket, const DatagramInfo& info,
                   const Endpoint& local) {
  const std::uint32_t told = socket.told.load();
  Writer out(message);
  if (told == 0) return;
  if ((told & told::kTimestampNs) != 0) {
    out.put(SOL_SOCKET, SCM_TIMESTAMPNS, wall_time(info.received));
  } else if ((told & told::kTimestamp) != 0) {
    const timespec at = wall_time(info.received);
    out.put(SOL_SOCKET, SCM_TIMESTAMP, timeval{at.tv_sec, at.tv_nsec / 1000});
  }
  if ((told & told::kLost) != 0 && info.lost != 0) out.put(SOL_SOCKET, SO_RXQ_OVFL, info.lost);
  if ((told & told::kInfo6) != 0) write_info6(out, info);
  if (info.destination.is_v4()) return write_v4(out, told, info, local);
  if ((told & told::kHops6) != 0) out.put(IPPROTO_IPV6, IPV6_HOPLIMIT, int{info.ttl});
  if ((told & told::kClass6) != 0) out.put(IPPROTO_IPV6, IPV6_TCLASS, int{info.tos});
}

// The error as IP_RECVERR tells it, and behind it who says so.
void write_error(msghdr& message, const session::OpenSocket& socket, const SocketError& error) {
  const bool is_v6 = socket.family == AF_INET6;
  struct Note {
    sock_extended_err error{};
    sockaddr_storage offender{};
  } note;
  note.error.ee_errno = static_cast<std::uint32_t>(to_errno(error.error));
  note.error.ee_origin = static_cast<std::uint8_t>(error.origin);
  note.error.ee_type = error.type;
  note.error.ee_code = error.code;
  note.error.ee_info = error.info;
  if (error.origin != SocketError::Origin::local) {
    socklen_t length = sizeof note.offender;
    from_endpoint({error.offender, 0}, socket.family, reinterpret_cast<sockaddr*>(&note.offender),
                  &length);
  }
  std::array<std::uint8_t, sizeof(sock_extended_err) + sizeof(sockaddr_in)> v4;
  std::array<std::uint8_t, sizeof(sock_extended_err) + sizeof(sockaddr_in6)> v6;
  Writer out(message);
  if (is_v6) {
    std::memcpy(v6.data(), &note, v6.size());
    out.put(IPPROTO_IPV6, IPV6_RECVERR, v6);
  } else {
    std::memcpy(v4.data(), &note, v4.size());
    out.put(IPPROTO_IP, IP_RECVERR, v4);
  }
}

}  // namespace naru::posix
