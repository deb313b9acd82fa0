// fcntl, ioctl and fstat of sockets.

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <naru/socket/errno.hpp>

#include "posix/descriptors.hpp"
#include "posix/interfaces.hpp"
#include "posix/memory.hpp"
#include "session/system.hpp"

namespace naru::posix {
namespace {

namespace system = session::system;

constexpr int kSettable = O_NONBLOCK | O_ASYNC | O_APPEND | O_DIRECT | O_NOATIME;

long read_number(Session& session, const OpenSocket& o, SocketOption option, void* argument) {
  if (o.is_listening && option != SocketOption::at_mark) return -EINVAL;
  if (!session.is_sound(o)) return *static_cast<int*>(argument) = 0;
  const Result<std::int64_t> number = session.stack().option(o.id, option);
  if (!number) return -to_errno(number.error());
  *static_cast<int*>(argument) = static_cast<int>(*number);
  return 0;
}

long set_flag(OpenSocket& o, int flag, const void* argument) {
  *static_cast<const int*>(argument) != 0 ? o.flags.fetch_or(flag) : o.flags.fetch_and(~flag);
  return 0;
}

// These take a number or give one.
bool is_ours_to_answer(unsigned long request) {
  return request == FIONBIO || request == FIOASYNC || request == SIOCINQ || request == SIOCOUTQ ||
         request == SIOCATMARK;
}

}  // namespace

long Descriptors::fcntl(int fd, int command, long argument) {
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) return duplicate(fd, command, argument);
  if (!is_socket(fd)) return system::call(SYS_fcntl, fd, command, argument);
  const Inside inside(*session_);
  OpenSocket* o = socket(fd);
  if (o == nullptr) return -EBADF;
  switch (command) {
    case F_GETFL:
      return O_RDWR | o->flags.load();
    case F_SETFL:
      o->flags.store(static_cast<int>(argument) & kSettable);
      return 0;
    case F_SETOWN:
      o->told_process = static_cast<pid_t>(argument);
      return 0;
    case F_GETOWN:
      return o->told_process;
    case F_SETSIG:
      if (argument < 0 || argument >= _NSIG) return -EINVAL;
      o->told_signal = static_cast<int>(argument);
      return 0;
    case F_GETSIG:
      return o->told_signal;
    default:
      return system::call(SYS_fcntl, fd, command, argument);
  }
}

long Descriptors::ioctl(int fd, unsigned long request, void* argument) {
  if (const auto answer = interface_ioctl(*session_, request, argument)) return *answer;
  if (is_ours_to_answer(request) && !is_writable(static_cast<int*>(argument))) return -EFAULT;
  const Inside inside(*session_);
  OpenSocket* o = socket(fd);
  if (o == nullptr) return -EBADF;
  session_->catch_up();
  switch (request) {
    case FIONBIO:
      return set_flag(*o, O_NONBLOCK, argument);
    case FIOASYNC:
      return set_flag(*o, O_ASYNC, argument);
    case SIOCINQ:
      return read_number(*session_, *o, SocketOption::readable_bytes, argument);
    case SIOCOUTQ:
      return read_number(*session_, *o, SocketOption::unsent_bytes, argument);
    case SIOCATMARK:
      return read_number(*session_, *o, SocketOption::at_mark, argument);
    default:
      return system::call(SYS_ioctl, fd, request, argument);
  }
}

long Descriptors::fstat(int fd, struct stat& s) const {
  const long answer = system::call(SYS_newfstatat, fd, "", &s, AT_EMPTY_PATH);
  if (answer < 0) return answer;
  s.st_mode = S_IFSOCK | 0777;
  s.st_ino += 1 + table_.at(fd).index;  // each socket has its own
  s.st_size = 0;
  return 0;
}

}  // namespace naru::posix
