// sendmsg and recvmsg: bytes and what comes with them.

#include <cerrno>

#include "posix/address.hpp"
#include "posix/ancillary.hpp"
#include "posix/parts.hpp"
#include "posix/sockets.hpp"

namespace naru::posix {

long Sockets::send_message(int fd, const msghdr* message, int flags) {
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (!is_readable(message)) return -EFAULT;
  const Parts parts{message->msg_iov, message->msg_iovlen};
  if (o->is_tcp()) return send(fd, parts, flags);  // its peer is known
  if (const long size = total(parts); size < 0) return size;
  const auto* address = static_cast<const sockaddr*>(message->msg_name);
  Envelope to{.address = address, .length = message->msg_namelen};
  if (message->msg_control != nullptr && message->msg_controllen != 0) {
    if (!is_readable(message->msg_control, message->msg_controllen)) return -EFAULT;
    if (const long bad = read_control(*message, o->family == AF_INET6, to.control); bad != 0)
      return bad;
  }
  return send_datagram(fd, parts, flags, to);
}

long Sockets::receive_message(int fd, msghdr* message, int flags) {
  const OpenSocket* o = fds_.socket(fd);
  if (o == nullptr) return -EBADF;
  if (!is_writable(message)) return -EFAULT;
  const Parts parts{message->msg_iov, message->msg_iovlen};
  auto* address = static_cast<sockaddr*>(message->msg_name);
  socklen_t length = message->msg_namelen;
  Letter letter{.address = address, .length = &length, .message = message};
  long n = total(parts);
  if (n < 0) return n;
  if (address != nullptr) {
    if (const long bad = check_room(address, &length); bad != 0) return bad;
  }
  const std::size_t room = message->msg_control == nullptr ? 0 : message->msg_controllen;
  if (!is_writable(message->msg_control, room)) return -EFAULT;
  n = o->is_tcp() ? receive(fd, parts, flags, address, &length)
                  : receive_datagram(fd, parts, flags, letter);
  if (n < 0) return n;
  message->msg_namelen = address == nullptr ? 0 : length;
  if (o->is_tcp()) message->msg_controllen = 0;
  if (o->is_tcp()) message->msg_flags = 0;
  return n;
}

}  // namespace naru::posix
