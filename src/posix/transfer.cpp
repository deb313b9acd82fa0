// Bytes move.

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include <naru/socket/errno.hpp>

#include "posix/retry.hpp"
#include "session/system.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

namespace system = session::system;

unsigned to_flags(int flags) {
  unsigned out = 0;
  if ((flags & MSG_MORE) != 0) out |= msg::kMore;
  if ((flags & MSG_OOB) != 0) out |= msg::kOob;
  if ((flags & MSG_PEEK) != 0) out |= msg::kPeek;
  if ((flags & MSG_TRUNC) != 0) out |= msg::kTrunc;
  return out;
}

// What is wrong with the parts; else their sum, 0 or more.
long total(Parts parts) {
  if (parts.size() > IOV_MAX) return -EMSGSIZE;
  std::size_t sum = 0;
  for (const iovec& part : parts) {
    if (part.iov_base == nullptr && part.iov_len != 0) return -EFAULT;
    if (part.iov_len > static_cast<std::size_t>(SSIZE_MAX) - sum) return -EINVAL;
    sum += part.iov_len;
  }
  return static_cast<long>(sum);
}

// A place in a list of parts.
class Cursor {
 public:
  explicit Cursor(Parts parts) : parts_(parts) {
    while (!parts_.empty() && parts_.back().iov_len == 0) parts_ = parts_.first(parts_.size() - 1);
    skip_empty();
  }
  bool at_end() const { return parts_.empty(); }
  bool in_last() const { return parts_.size() == 1; }
  MutableBytes rest() const {
    auto* base = static_cast<std::uint8_t*>(parts_.front().iov_base);
    return {base + done_, parts_.front().iov_len - done_};
  }
  void advance(std::size_t n) {
    done_ += n;
    if (done_ < parts_.front().iov_len) return;
    done_ = 0;
    parts_ = parts_.subspan(1);
    skip_empty();
  }

 private:
  void skip_empty() {
    while (!parts_.empty() && parts_.front().iov_len == 0) parts_ = parts_.subspan(1);
  }
  Parts parts_;
  std::size_t done_ = 0;
};

// After data has moved only the data is told; the error waits for the next call.
long moved_or(std::size_t moved, long answer) {
  return moved != 0 ? static_cast<long>(moved) : answer;
}

}  // namespace

// --- sending ------------------------------------------------------------------------------

long Sockets::send(int fd, Parts parts, int flags, const sockaddr* address, socklen_t length) {
  if (const long size = total(parts); size < 0) return size;
  bool is_tcp = false;
  {
    const OpenSocket* o = fds_.socket(fd);
    if (o == nullptr) return -EBADF;
    is_tcp = o->is_tcp();
  }
  if (!is_tcp) return send_datagram(fd, parts, flags, address, length);
  const long sent = send_stream(fd, parts, flags);
  if (sent == -EPIPE && (flags & MSG_NOSIGNAL) == 0) {
    // To this thread, as the kernel does.
    system::call(SYS_tgkill, ::getpid(), system::call(SYS_gettid), SIGPIPE);
  }
  return sent;
}

// A blocking call answers when all of it is in the send buffer.
long Sockets::send_stream(int fd, Parts parts, int flags) {
  Patience p;
  bool is_first = true;
  Cursor at(parts);
  std::size_t sent = 0;
  const long end = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLOUT, true, flags);
    if (!session().is_sound(o)) return -ECONNRESET;
    long answer = 0;
    do {
      const Bytes data = at.at_end() ? Bytes() : Bytes(at.rest());
      const unsigned more = at.at_end() || at.in_last() ? 0 : msg::kMore;
      const auto n = session().stack().send(o.id, data, to_flags(flags & ~MSG_PEEK) | more);
      if (!n) {
        answer = -to_errno(n.error());
        break;
      }
      sent += *n;
      if (!at.at_end()) at.advance(*n);
    } while (!at.at_end());
    note_readiness(o);
    return answer;
  });
  return moved_or(sent, end);
}

long Sockets::send_datagram(int fd, Parts parts, int flags, const sockaddr* address,
                            socklen_t length) {
  std::vector<std::uint8_t> whole;
  Bytes data;
  if (parts.size() == 1) {
    data = {static_cast<const std::uint8_t*>(parts[0].iov_base), parts[0].iov_len};
  } else {
    for (const iovec& part : parts) {
      const auto* p = static_cast<const std::uint8_t*>(part.iov_base);
      whole.insert(whole.end(), p, p + part.iov_len);
    }
    data = whole;
  }
  Patience p;
  bool is_first = true;
  return retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLOUT, true, flags);
    if (!session().is_sound(o)) return -ENETDOWN;
    Result<std::size_t> n = std::unexpected(Error::none);
    if (address == nullptr) {
      n = session().stack().send(o.id, data, to_flags(flags & ~MSG_PEEK));
    } else {
      const Result<Endpoint> remote = to_endpoint(address, length);
      if (!remote) return -to_errno(remote.error());
      n = session().stack().send_to(o.id, data, *remote, to_flags(flags & ~MSG_PEEK));
    }
    note_readiness(o);
    return n ? static_cast<long>(*n) : -to_errno(n.error());
  });
}

// --- receiving ----------------------------------------------------------------------------

long Sockets::receive(int fd, Parts parts, int flags, sockaddr* address, socklen_t* length,
                      int* message_flags) {
  if (const long size = total(parts); size < 0) return size;
  if (message_flags != nullptr) *message_flags = 0;
  if ((flags & MSG_ERRQUEUE) != 0) return -EAGAIN;  // it is always empty
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (o->is_tcp()) {
    if (length != nullptr) *length = 0;  // a stream's peer is known
    return receive_stream(fd, parts, flags);
  }
  return receive_datagram(fd, parts, flags, address, length, message_flags);
}

long Sockets::receive_stream(int fd, Parts parts, int flags) {
  const bool is_peek = (flags & MSG_PEEK) != 0;
  const bool wants_all = (flags & MSG_WAITALL) != 0 && !is_peek;
  Patience p;
  bool is_first = true;
  Cursor at(parts);
  std::size_t got = 0;
  const long end = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLIN | EPOLLRDHUP, false, flags);
    if (!session().is_sound(o)) return -ECONNRESET;
    if (at.at_end()) return session().stack().recv(o.id, {}, to_flags(flags)) ? 0 : -ENOTCONN;
    long answer = 0;
    while (!at.at_end()) {
      const auto n = session().stack().recv(o.id, at.rest(), to_flags(flags));
      if (!n) answer = -to_errno(n.error());
      if (!n || *n == 0) break;
      got += *n;
      at.advance(*n);
      if (is_peek) break;  // the next would look at the same bytes
    }
    note_readiness(o);
    if (answer == -EAGAIN && got != 0 && !wants_all) return 0;
    return answer;
  });
  return moved_or(got, end);
}

long Sockets::receive_datagram(int fd, Parts parts, int flags, sockaddr* address, socklen_t* length,
                               int* message_flags) {
  constexpr std::size_t kLargest = 65'536;
  std::vector<std::uint8_t> whole;
  MutableBytes room;
  if (parts.size() == 1) {
    room = {static_cast<std::uint8_t*>(parts[0].iov_base), parts[0].iov_len};
  } else {
    whole.resize(std::min(static_cast<std::size_t>(total(parts)), kLargest));
    room = whole;
  }
  Patience p;
  bool is_first = true;
  const long n = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLIN, false, flags);
    if (!session().is_sound(o)) return -ENETDOWN;
    DatagramInfo info;
    const auto got = session().stack().recv_from(o.id, room, info, to_flags(flags));
    note_readiness(o);
    if (!got) return -to_errno(got.error());
    if (address != nullptr || length != nullptr) {
      from_endpoint(info.source, o.family, address, length);
    }
    if (message_flags != nullptr && info.truncated) *message_flags = MSG_TRUNC;
    return static_cast<long>(*got);
  });
  if (n <= 0 || parts.size() == 1) return n;
  Cursor at(parts);
  Bytes left = Bytes(whole).first(std::min(static_cast<std::size_t>(n), whole.size()));
  while (!at.at_end() && !left.empty()) {
    const std::size_t piece = std::min(at.rest().size(), left.size());
    std::memcpy(at.rest().data(), left.data(), piece);
    at.advance(piece);
    left = left.subspan(piece);
  }
  return n;
}

// --- from files ------------------------------------------------------------------------------

long Sockets::send_file(int fd, int from, off64_t* offset, std::size_t count) {
  std::array<std::uint8_t, 65'536> piece;
  std::size_t sent = 0;
  off64_t at = offset != nullptr ? *offset : 0;
  long answer = 0;
  while (sent < count) {
    const std::size_t room = std::min(piece.size(), count - sent);
    answer = offset != nullptr ? system::call(SYS_pread64, from, piece.data(), room, at)
                               : system::call(SYS_read, from, piece.data(), room);
    if (answer <= 0) break;
    const auto have = static_cast<std::size_t>(answer);
    const iovec part{piece.data(), have};
    const int more = have == room && sent + have < count ? MSG_MORE : 0;
    answer = send(fd, {&part, 1}, more);
    const std::size_t taken = answer > 0 ? static_cast<std::size_t>(answer) : 0;
    // What the socket did not take was not read.
    if (offset == nullptr && taken < have) {
      system::call(SYS_lseek, from, static_cast<long>(taken) - static_cast<long>(have), SEEK_CUR);
    }
    sent += taken;
    at += static_cast<off64_t>(taken);
    if (taken < have) break;
  }
  if (offset != nullptr) *offset = at;
  return moved_or(sent, answer);
}

}  // namespace naru::posix
