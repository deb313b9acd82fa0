// getsockopt and setsockopt.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/time.h>

#include <naru/socket/errno.hpp>
#include <naru/socket/linux_options.hpp>

#include "posix/sockets.hpp"

namespace naru::posix {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

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

// Those that the session keeps and the stack does not know.
bool is_session_option(int level, int name) {
  if (level == IPPROTO_IPV6) return name == IPV6_V6ONLY;
  if (level != SOL_SOCKET) return false;
  switch (name) {
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_RCVLOWAT:
    case SO_PRIORITY:
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
  if (level == IPPROTO_IPV6) {
    if (o.family != AF_INET6) return -ENOPROTOOPT;
    o.v6_only = number != 0;
    return 0;
  }
  if (name == SO_PRIORITY) return 0;  // there is one queue
  return name == SO_RCVLOWAT && number == 1 ? 0 : -ENOPROTOOPT;
}

long get_session_option(const OpenSocket& o, int level, int name, void* value, socklen_t* length) {
  if (level == IPPROTO_IPV6) {
    return o.family == AF_INET6 ? give_int(o.v6_only, value, length) : -ENOPROTOOPT;
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
      return give_int(1, value, length);
    default:
      return give_int(0, value, length);
  }
}

}  // namespace

long Sockets::set_option(int fd, int level, int name, const void* value, socklen_t length) {
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (value == nullptr) return -EFAULT;
  if (is_session_option(level, name)) return set_session_option(*o, level, name, value, length);
  if (!session().is_sound(*o)) return find_linux_option(level, name) ? 0 : -ENOPROTOOPT;
  const Status done = set_linux_option(session().stack(), o->id, level, name, value, length);
  return done ? 0 : -to_errno(done.error());
}

long Sockets::get_option(int fd, int level, int name, void* value, socklen_t* length) {
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (value == nullptr || length == nullptr) return -EFAULT;
  const bool is_sound = session().is_sound(*o);
  const bool is_error = level == SOL_SOCKET && name == SO_ERROR;
  if (is_error && !is_sound) return give_int(ECONNRESET, value, length);
  if (is_session_option(level, name)) return get_session_option(*o, level, name, value, length);
  if (!is_sound) return -ENOTCONN;
  const Status done = get_linux_option(session().stack(), o->id, level, name, value, length);
  if (is_error) note_readiness(*o);
  return done ? 0 : -to_errno(done.error());
}

}  // namespace naru::posix
