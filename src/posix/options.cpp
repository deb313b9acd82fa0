// getsockopt and setsockopt.

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/time.h>
#include <unistd.h>

#include <naru/socket/errno.hpp>
#include <naru/socket/linux_options.hpp>

#include "posix/answer.hpp"
#include "posix/sockets.hpp"
#include "posix/told.hpp"
#include "session/log.hpp"

namespace naru::posix {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr socklen_t kLongest = 4096;  // no option's value is longer

long give(const void* from, std::size_t size, void* value, socklen_t* length) {
  const std::size_t n = std::min<std::size_t>(*length, size);
  std::memcpy(value, from, n);
  *length = static_cast<socklen_t>(n);
  return 0;
}

long give_int(std::int64_t number, void* value, socklen_t* length) {
  const int v = static_cast<int>(number);
  return give(&v, sizeof v, value, length);
}

long set_timeout(std::atomic<std::int64_t>& ns, const void* value, socklen_t length) {
  timeval t{};
  if (length < sizeof t) return -EINVAL;
  std::memcpy(&t, value, sizeof t);
  if (t.tv_usec < 0 || t.tv_usec >= 1'000'000) return -EDOM;
  // Longer than a century is for ever.
  constexpr std::int64_t kMost = 100LL * 366 * 86'400;
  const bool for_ever = t.tv_sec < 0 || t.tv_sec > kMost;
  ns.store(for_ever ? 0 : t.tv_sec * kSecond + t.tv_usec * 1000);
  return 0;
}

long give_timeout(std::int64_t ns, void* value, socklen_t* length) {
  const timeval t{ns / kSecond, ns % kSecond / 1000};
  return give(&t, sizeof t, value, length);
}

// Options of Linux that are kept and read back, and change nothing here.
int OpenSocket::*kept(int level, int name) {
  if (level == SOL_SOCKET && name == SO_PRIORITY) return &OpenSocket::priority;
  if (level == SOL_SOCKET && name == SO_DONTROUTE) return &OpenSocket::dont_route;
  if (level == IPPROTO_TCP && name == TCP_FASTOPEN) return &OpenSocket::fast_open;
  if (level == IPPROTO_TCP && name == TCP_WINDOW_CLAMP) return &OpenSocket::window_clamp;
  if (level == IPPROTO_TCP && name == TCP_NOTSENT_LOWAT) return &OpenSocket::unsent_low;
  return nullptr;
}

// Those that the session keeps and the stack does not know.
bool is_session_option(int level, int name) {
  if (told::bit_of(level, name) != 0) return true;
  if (level == IPPROTO_IPV6) return name == IPV6_V6ONLY;
  if (level == IPPROTO_TCP) return kept(level, name) != nullptr;
  if (level != SOL_SOCKET) return false;
  switch (name) {
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_RCVLOWAT:
    case SO_SNDLOWAT:
    case SO_PRIORITY:
    case SO_DONTROUTE:
      return true;
    default:
      return false;
  }
}

long set_session_option(OpenSocket& o, int level, int name, const void* value, socklen_t length) {
  if (level == SOL_SOCKET && name == SO_RCVTIMEO) {
    return set_timeout(o.receive_timeout_ns, value, length);
  }
  if (level == SOL_SOCKET && name == SO_SNDTIMEO) {
    return set_timeout(o.send_timeout_ns, value, length);
  }
  int number = 0;
  if (length < sizeof number) return -EINVAL;
  std::memcpy(&number, value, sizeof number);
  if (const std::uint32_t bit = told::bit_of(level, name); bit != 0) {
    // Of the two forms of a time the one that was asked for last.
    constexpr std::uint32_t kTimes = told::kTimestamp | told::kTimestampNs;
    if ((bit & kTimes) != 0) o.told.fetch_and(~kTimes);
    number != 0 ? o.told.fetch_or(bit) : o.told.fetch_and(~bit);
    return 0;
  }
  if (level == IPPROTO_IPV6) {
    if (o.is_bound) return -EINVAL;
    o.v6_only = number != 0;
    return 0;
  }
  if (const auto place = kept(level, name); place != nullptr) {
    o.*place = name == SO_DONTROUTE && level == SOL_SOCKET ? static_cast<int>(number != 0) : number;
    return 0;
  }
  if (name != SO_RCVLOWAT) return -ENOPROTOOPT;  // the rest can only be read
  // Linux: 0 is 1, and what is negative is for ever.
  o.receive_low.store(number < 0 ? INT_MAX : std::max(number, 1));
  return 0;
}

long get_session_option(const OpenSocket& o, int level, int name, void* value, socklen_t* length) {
  if (const std::uint32_t bit = told::bit_of(level, name); bit != 0) {
    return give_int((o.told.load() & bit) != 0, value, length);
  }
  if (level == IPPROTO_IPV6) return give_int(o.v6_only, value, length);
  if (const auto place = kept(level, name); place != nullptr) {
    return give_int(o.*place, value, length);
  }
  switch (name) {
    case SO_RCVTIMEO:
      return give_timeout(o.receive_timeout_ns.load(), value, length);
    case SO_SNDTIMEO:
      return give_timeout(o.send_timeout_ns.load(), value, length);
    case SO_DOMAIN:
      return give_int(o.family, value, length);
    case SO_PROTOCOL:
      return give_int(o.protocol, value, length);
    case SO_RCVLOWAT:
      return give_int(o.receive_low.load(), value, length);
    default:
      return give_int(1, value, length);  // SO_SNDLOWAT
  }
}

bool names_an_interface(int level, int name) {
  return (level == SOL_SOCKET && name == SO_BINDTODEVICE) ||
         (level == IPPROTO_IP && name == IP_MULTICAST_IF) ||
         (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_IF);
}

bool is_known_level(int level) {
  return level == SOL_SOCKET || level == IPPROTO_IP || level == IPPROTO_IPV6 ||
         level == IPPROTO_TCP || level == IPPROTO_UDP || level == SOL_RAW ||
         level == IPPROTO_ICMPV6;
}

// SO_RCVBUFFORCE and SO_SNDBUFFORCE: past bounds that are not here, for who may (socket(7)).
std::optional<int> unforced(int level, int name) {
  if (level != SOL_SOCKET) return std::nullopt;
  if (name == SO_RCVBUFFORCE) return SO_RCVBUF;
  if (name == SO_SNDBUFFORCE) return SO_SNDBUF;
  return std::nullopt;
}

bool is_raw_v6(const OpenSocket& o) { return o.protocol == IPPROTO_ICMPV6 && o.type == SOCK_RAW; }

bool is_icmp6_filter(const OpenSocket& o, int level, int name) {
  return is_raw_v6(o) && level == IPPROTO_ICMPV6 && name == ICMP6_FILTER;
}

// IPV6_CHECKSUM: we fill it in, where ICMPv6 has it (RFC 3542 3.1).
long set_checksum_offset(const void* value, socklen_t length) {
  int offset = 0;
  if (length < sizeof offset) return -EINVAL;
  std::memcpy(&offset, value, sizeof offset);
  return offset == offsetof(icmp6_hdr, icmp6_cksum) ? 0 : -EINVAL;
}

using Icmp6Filter = std::array<std::uint32_t, 8>;
static_assert(sizeof(Icmp6Filter) == sizeof(icmp6_filter));

// What is not given stays away from nobody.
long set_icmp6_filter(Stack& stack, const OpenSocket& o, const void* value, socklen_t length) {
  Icmp6Filter filter{};
  std::memcpy(&filter, value, std::min<std::size_t>(length, sizeof filter));
  return answer(stack.set_icmp6_filter(o.id, filter));
}

// A level that the socket does not have.
bool is_strange(const OpenSocket& o, int level) {
  return (level == IPPROTO_IPV6 && o.family != AF_INET6) || (level == IPPROTO_TCP && !o.is_tcp());
}

}  // namespace

// What a program wants and does not get is worth knowing.
long Sockets::count_unknown(const char* call, int level, int name, long answer) {
  if (answer != -ENOPROTOOPT) return answer;
  ++session().header().unknown_options;
  char line[80];
  std::snprintf(line, sizeof line, "%s: option %d of level %d is not known", call, name, level);
  session::log(line);
  return answer;
}

long Sockets::set_option(int fd, int level, int name, const void* value, socklen_t length) {
  if (static_cast<int>(length) < 0) return -EINVAL;
  if (!is_readable(value, std::min<socklen_t>(length, kLongest))) return -EFAULT;
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  return count_unknown("setsockopt", level, name, set_option(*o, level, name, value, length));
}

long Sockets::set_option(OpenSocket& o, int level, int name, const void* value, socklen_t length) {
  if (is_strange(o, level)) return -ENOPROTOOPT;
  if (is_session_option(level, name)) return set_session_option(o, level, name, value, length);
  if (is_icmp6_filter(o, level, name)) {
    return set_icmp6_filter(session().stack(), o, value, length);
  }
  if (is_raw_v6(o) && level == SOL_RAW && name == IPV6_CHECKSUM) {
    return set_checksum_offset(value, length);
  }
  if (const auto plain = unforced(level, name)) {
    return ::geteuid() == 0 ? set_option(o, level, *plain, value, length) : -EPERM;
  }
  if (!session().is_sound(o)) return find_linux_option(level, name) ? 0 : -ENOPROTOOPT;
  if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)) {
    return set_membership(o, name, value, length);
  }
  if (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP)) {
    return set_membership6(o, name == IPV6_JOIN_GROUP, value, length);
  }
  if (level == IPPROTO_IP && name == IP_MULTICAST_TTL && o.is_tcp()) return -EINVAL;
  if (names_an_interface(level, name)) return set_interface(o, level, value, length);
  const Status done = set_linux_option(session().stack(), o.id, level, name, value, length);
  return done ? 0 : -to_errno(done.error());
}

long Sockets::get_option(int fd, int level, int name, void* value, socklen_t* length) {
  if (!is_writable(length)) return -EFAULT;
  if (static_cast<int>(*length) < 0) return -EINVAL;
  if (!is_writable(value, std::min<socklen_t>(*length, kLongest))) return -EFAULT;
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  session().catch_up();
  return count_unknown("getsockopt", level, name, get_option(*o, level, name, value, length));
}

long Sockets::get_option(OpenSocket& o, int level, int name, void* value, socklen_t* length) {
  const bool is_sound = session().is_sound(o);
  const bool is_error = level == SOL_SOCKET && name == SO_ERROR;
  if (is_error && !is_sound) return give_int(ECONNRESET, value, length);
  if (!is_known_level(level)) return -EOPNOTSUPP;
  const bool asks_info = level == IPPROTO_TCP && name == TCP_INFO;
  if (is_strange(o, level)) return asks_info ? -EOPNOTSUPP : -ENOPROTOOPT;
  if (is_session_option(level, name)) return get_session_option(o, level, name, value, length);
  if (!is_sound) return -ENOTCONN;
  if (names_an_interface(level, name)) return get_interface(o, level, value, length);
  if (is_icmp6_filter(o, level, name)) {
    const Result<Icmp6Filter> filter = session().stack().icmp6_filter(o.id);
    return filter ? give(filter->data(), sizeof *filter, value, length) : fail(filter.error());
  }
  const Status done = get_linux_option(session().stack(), o.id, level, name, value, length);
  if (is_error) note_readiness(o);
  return done ? 0 : -to_errno(done.error());
}

}  // namespace naru::posix
