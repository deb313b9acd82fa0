// Datagrams move.

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <vector>

#include <naru/socket/errno.hpp>

#include "posix/address.hpp"
#include "posix/ancillary.hpp"
#include "posix/endpoint.hpp"
#include "posix/flags.hpp"
#include "posix/parts.hpp"
#include "posix/retry.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

constexpr std::size_t kLargest = 65'536;  // more than any datagram

// One piece of memory instead of several; small ones need no allocation.
class Piece {
 public:
  explicit Piece(std::size_t size) : size_(size) {
    if (size > small_.size()) large_.resize(size);
  }
  MutableBytes bytes() { return {large_.empty() ? small_.data() : large_.data(), size_}; }

 private:
  std::size_t size_;
  std::array<std::uint8_t, 2048> small_;
  std::vector<std::uint8_t> large_;
};

}  // namespace

long Sockets::send_datagram(int fd, Parts parts, int flags, const Envelope& to) {
  if (to.address != nullptr) {
    if (const long bad = check_address(to.address, to.length); bad != 0) return bad;
  }
  const auto size = static_cast<std::size_t>(total(parts));
  // One byte more than can be sent is as wrong as any number of them.
  Piece piece(parts.size() == 1 ? 0 : std::min(size, kLargest));
  Cursor at(parts);
  if (!at.touch(kLargest, Cursor::Access::read)) return -EFAULT;
  Bytes data = at.rest();
  if (parts.size() != 1) data = piece.bytes().first(at.take(piece.bytes()));
  if (data.size() < std::min(size, kLargest)) return -EFAULT;
  Patience p;
  bool is_first = true;
  return retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLOUT, true, flags);
    if (!session().is_sound(o)) return -ENETDOWN;
    Result<std::size_t> n = std::unexpected(Error::none);
    Result<Endpoint> remote = Endpoint{};  // as connected
    if (to.address != nullptr) remote = to_endpoint(to.address, to.length);
    if (!remote) return -to_errno(remote.error());
    if (o.family == AF_INET && !remote->addr.is_v4() && to.address != nullptr) {
      return -EAFNOSUPPORT;
    }
    if (to.address != nullptr && is_out_of_reach(o, *remote)) return -ENETUNREACH;
    n = session().stack().send_to(o.id, data, *remote, to_flags(flags & ~MSG_PEEK), to.control);
    note_readiness(o);
    return n ? static_cast<long>(*n) : -to_errno(n.error());
  });
}

long Sockets::receive_datagram(int fd, Parts parts, int flags, Letter& letter) {
  if ((flags & MSG_ERRQUEUE) != 0) return receive_error(fd, parts, letter);
  const auto size = static_cast<std::size_t>(total(parts));
  Cursor at(parts);
  if (!at.touch(kLargest, Cursor::Access::write)) return -EFAULT;
  Piece piece(parts.size() == 1 ? 0 : std::min(size, kLargest));
  const MutableBytes room = parts.size() == 1 ? at.rest() : piece.bytes();
  Patience p;
  bool is_first = true;
  const long n = retry(fd, p, [&](OpenSocket& o, Patience& may) -> long {
    if (std::exchange(is_first, false)) may = patience(o, EPOLLIN, false, flags);
    if (!session().is_sound(o)) return -ENETDOWN;
    DatagramInfo info;
    const auto got = session().stack().recv_from(o.id, room, info, to_flags(flags));
    note_readiness(o);
    if (!got) return -to_errno(got.error());
    if (letter.address != nullptr) {
      from_endpoint(info.source, o.family, letter.address, letter.length);
    }
    if (info.truncated) letter.flags |= MSG_TRUNC;
    if (letter.message != nullptr) {
      letter.message->msg_flags = letter.flags;
      const auto local = session().stack().local(o.id);
      write_control(*letter.message, o, info, local.value_or(Endpoint{}));
    }
    return static_cast<long>(*got);
  });
  if (n > 0 && parts.size() != 1) {
    at.put(piece.bytes().first(std::min(static_cast<std::size_t>(n), piece.bytes().size())));
  }
  return n;
}

// What became of an earlier datagram (MSG_ERRQUEUE, ip(7)); nobody waits for that.
long Sockets::receive_error(int fd, Parts parts, Letter& letter) {
  Cursor at(parts);
  if (!at.touch(kLargest, Cursor::Access::write)) return -EFAULT;
  Piece piece(std::min<std::size_t>(static_cast<std::size_t>(total(parts)), kLargest));
  const Inside inside(session());
  OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (!session().is_sound(*o)) return -EAGAIN;
  const auto error = session().stack().recv_error(o->id, piece.bytes());
  note_readiness(*o);
  if (!error) return -to_errno(error.error());
  const std::size_t got =
      at.put(piece.bytes().first(std::min<std::size_t>(error->length, piece.bytes().size())));
  if (letter.address != nullptr) {
    from_endpoint(error->remote, o->family, letter.address, letter.length);
  }
  letter.flags |= MSG_ERRQUEUE | (got < error->length ? MSG_TRUNC : 0);
  if (letter.message != nullptr) {
    letter.message->msg_flags = letter.flags;
    write_error(*letter.message, *o, *error);
  }
  return static_cast<long>(got);
}

}  // namespace naru::posix
