// Options: getsockopt, setsockopt, fcntl, ioctl.

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <naru/socket/linux_options.hpp>

#include "packetdrill/machine.hpp"
#include "socket/linux_address.hpp"

namespace naru::packetdrill {
namespace {

// What the tool asks for and naru has nothing to tell of: zeros, as many as there is room for.
int give_nothing(std::size_t size, void* value, socklen_t* length) {
  *length = static_cast<socklen_t>(std::min<std::size_t>(*length, size));
  std::memset(value, 0, *length);
  return 0;
}

}  // namespace

int Machine::setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  if (!find_linux_option(level, name)) return fail(ENOPROTOOPT);
  if (value == nullptr) return fail(EFAULT);
  const Status status = set_linux_option(world_->stack(), d->socket, level, name, value, length);
  world_->settle(lock);
  return answer(status);
}

int Machine::getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  const Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  if (value == nullptr || length == nullptr) return fail(EFAULT);
  if (level == SOL_SOCKET && name == SO_MEMINFO) {
    return give_nothing(9 * sizeof(std::uint32_t), value, length);
  }
  if (level == IPPROTO_TCP && name == TCP_CC_INFO) return give_nothing(0, value, length);
  return answer(get_linux_option(world_->stack(), d->socket, level, name, value, length));
}

int Machine::fcntl(int fd, int command, int argument) {
  const Lock lock = world_->enter();
  Descriptor* d = fds_.find(fd);
  if (d == nullptr) return -1;
  switch (command) {
    case F_GETFL:
      return O_RDWR | (d->nonblocking ? O_NONBLOCK : 0);
    case F_SETFL:
      d->nonblocking = (argument & O_NONBLOCK) != 0;
      return 0;
    case F_GETFD:
    case F_SETFD:
      return 0;
    default:
      return fail(EINVAL);
  }
}

int Machine::ioctl(int fd, unsigned long request, int* argument) {
  const Lock lock = world_->enter();
  Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  if (argument == nullptr) return fail(EFAULT);
  if (request == FIONBIO) {
    d->nonblocking = *argument != 0;
    return 0;
  }
  SocketOption option{};
  switch (request) {
    case SIOCINQ:
      option = SocketOption::readable_bytes;
      break;
    case SIOCOUTQ:
      option = SocketOption::unsent_bytes;
      break;
    case SIOCATMARK:
      option = SocketOption::at_mark;
      break;
    default:
      return fail(ENOTTY);
  }
  const Result<std::int64_t> number = world_->stack().option(d->socket, option);
  if (!number) return fail(number.error());
  *argument = static_cast<int>(*number);
  return 0;
}

}  // namespace naru::packetdrill
