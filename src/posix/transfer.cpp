// Bytes of streams move.

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include <naru/socket/errno.hpp>

#include "posix/address.hpp"
#include "posix/flags.hpp"
#include "posix/parts.hpp"
#include "posix/retry.hpp"
#include "session/system.hpp"

namespace naru::posix {
namespace {

namespace system = session::system;

// So much of a program's memory is touched before each turn in the stack.
constexpr std::size_t kWindow = std::size_t{256} * 1024;

// After data has moved only the data is told; the error waits for the next call.
long moved_or(std::size_t moved, long answer) {
  return moved != 0 ? static_cast<long>(moved) : answer;
}

}  // namespace

// --- sending ------------------------------------------------------------------------------

long Sockets::send(int fd, Parts parts, int flags, const sockaddr* address, socklen_t length) {
  bool is_tcp = false;
  {
    const OpenSocket* o = fds_.socket(fd);
    if (o == nullptr) return -EBADF;
    is_tcp = o->is_tcp();
  }
  if (const long size = total(parts); size < 0) return size;
  if (!is_tcp) return send_datagram(fd, parts, flags, {.address = address, .length = length});
  const long sent = send_stream(fd, parts, flags);
  if (sent == -EPIPE && (flags & MSG_NOSIGNAL) == 0) {
    // To this thread, as the kernel does.
    system::call(SYS_tgkill, system::call(SYS_getpid), system::call(SYS_gettid), SIGPIPE);
  }
  return sent;
}

// A blocking call answers when all of it is in the send buffer.
long Sockets::send_stream(int fd, Parts parts, int flags) {
  Patience p;
  bool is_first = true;
  Cursor at(parts);
  if (!at.touch(SIZE_MAX, Cursor::Access::read)) return -EFAULT;
  std::size_t sent = 0;
  const long end = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLOUT, true, flags);
    if (!session().is_sound(o)) return -ECONNRESET;
    long answer = 0;
    // After a part has been taken an error waits for the next call.
    if (sent != 0 && has_failed(o)) return 0;
    do {
      const unsigned more = at.at_end() || at.in_last() ? 0 : msg::kMore;
      const auto n = session().stack().send(o.id, at.rest(), to_flags(flags & ~MSG_PEEK) | more);
      if (!n) {
        answer = -to_errno(n.error());
        break;
      }
      sent += *n;
      at.advance(*n);
    } while (!at.is_used_up());
    note_readiness(o);
    return answer;
  });
  return moved_or(sent, end);
}

// --- receiving ----------------------------------------------------------------------------

long Sockets::receive(int fd, Parts parts, int flags, sockaddr* address, socklen_t* length) {
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  const long size = total(parts);
  if (size < 0) return size;
  if (address != nullptr) {
    if (const long bad = check_room(address, length); bad != 0) return bad;
  }
  if (!o->is_tcp()) {
    Letter letter{.address = address, .length = length};
    return receive_datagram(fd, parts, flags, letter);
  }
  if ((flags & MSG_ERRQUEUE) != 0) return -EAGAIN;  // a stream's is always empty
  if (address != nullptr) *length = 0;              // a stream's peer is known
  if ((flags & MSG_TRUNC) != 0) return discard_stream(fd, static_cast<std::size_t>(size), flags);
  if ((flags & MSG_PEEK) != 0) return peek_stream(fd, parts, static_cast<std::size_t>(size), flags);
  return receive_stream(fd, parts, static_cast<std::size_t>(size), flags);
}

bool Sockets::has_failed(const OpenSocket& o) {
  return (session().stack().readiness(o.id) & ready::kErr) != 0;
}

bool Sockets::has_ended(const OpenSocket& o) {
  constexpr std::uint8_t kEnd = ready::kRdHup | ready::kHup | ready::kErr;
  return (session().stack().readiness(o.id) & kEnd) != 0;
}

bool Sockets::is_drained(const OpenSocket& o) {
  const auto there = session().stack().option(o.id, SocketOption::readable_bytes);
  return !there || *there == 0;
}

// How much a call waits for: all that it has room for, or SO_RCVLOWAT.
std::size_t Sockets::target(const OpenSocket& o, std::size_t size, int flags) {
  const auto low = static_cast<std::size_t>(std::max(o.receive_low.load(), 1));
  return (flags & MSG_WAITALL) != 0 ? size : std::min(size, low);
}

long Sockets::receive_stream(int fd, Parts parts, std::size_t size, int flags) {
  Patience p;
  bool is_first = true;
  Cursor at(parts);
  std::size_t got = 0;
  long end = 0;
  do {
    // Where there is no room the kernel says so only when there is something to give.
    if (!at.touch(kWindow, Cursor::Access::write)) {
      if (got != 0) break;
      char byte = 0;
      const iovec one{&byte, 1};
      const long there = peek_stream(fd, {&one, 1}, 1, flags | MSG_PEEK);
      return there > 0 ? -EFAULT : there;
    }
    end = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
      if (std::exchange(is_first, false)) may = patience(o, EPOLLIN | EPOLLRDHUP, false, flags);
      if (!session().is_sound(o)) return -ECONNRESET;
      if (size == 0) return session().stack().recv(o.id, {}, to_flags(flags)) ? 0 : -ENOTCONN;
      long answer = 0;
      while (!at.is_used_up()) {
        if (got != 0 && is_drained(o)) {
          answer = has_ended(o) ? 0 : -EAGAIN;
          break;
        }
        const auto n = session().stack().recv(o.id, at.rest(), to_flags(flags));
        if (!n) answer = -to_errno(n.error());
        if (!n || *n == 0) break;
        got += *n;
        at.advance(*n);
      }
      note_readiness(o);
      const bool has_enough = got >= target(o, size, flags);
      return answer == -EAGAIN && has_enough ? 0 : answer;
    });
  } while (end == 0 && at.is_used_up() && !at.at_end() && (flags & MSG_WAITALL) != 0);
  return moved_or(got, end);
}

// Looks without taking; with MSG_WAITALL until there is enough, or will be no more.
long Sockets::peek_stream(int fd, Parts parts, std::size_t size, int flags) {
  Patience p;
  bool is_first = true;
  std::vector<std::uint8_t> seen(std::min(size, kWindow));
  std::size_t got = 0;
  const long end = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLIN | EPOLLRDHUP, false, flags);
    if (!session().is_sound(o)) return -ECONNRESET;
    const auto n = session().stack().recv(o.id, seen, to_flags(flags));
    if (!n) return -to_errno(n.error());
    const bool grows = *n > got;
    got = *n;
    const bool has_enough = got >= target(o, seen.size(), flags) || has_ended(o);
    if (grows) note_readiness(o);
    return has_enough ? 0 : -EAGAIN;
  });
  if (got == 0) return end;
  Cursor at(parts);
  if (!at.touch(got, Cursor::Access::write)) return -EFAULT;
  return static_cast<long>(at.put(Bytes(seen).first(got)));
}

// MSG_TRUNC on a stream: taken and thrown away (tcp(7)).
long Sockets::discard_stream(int fd, std::size_t size, int flags) {
  std::array<std::uint8_t, 4096> scrap;
  std::size_t gone = 0;
  long n = 1;
  while (gone < size && n > 0) {
    const iovec part{scrap.data(), std::min(scrap.size(), size - gone)};
    const int how = (flags & ~MSG_TRUNC) | (gone != 0 ? MSG_DONTWAIT : 0);
    n = receive_stream(fd, {&part, 1}, part.iov_len, how);
    if (n > 0) gone += static_cast<std::size_t>(n);
  }
  return moved_or(gone, n);
}

}  // namespace naru::posix
