// Numbers: closing, duplicating, flags; and system calls by number.

#include <cstdarg>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/cancellation.hpp"
#include "preload/state.hpp"

using namespace naru::preload;

NARU_EXPORT int close(int fd) {
  if (is_ours(fd)) {
    return answer_int(cancellation_point([&] { return library->fds.close(fd); }));
  }
  if (next.close != nullptr) return next.close(fd);
  return static_cast<int>(kernel(SYS_close, fd));
}
NARU_EXPORT int __close(int fd) { return close(fd); }

NARU_EXPORT int close_range(unsigned first, unsigned last, int flags) noexcept {
  if (library != nullptr) {
    return answer_int(library->fds.close_range(first, last, static_cast<unsigned>(flags)));
  }
  return static_cast<int>(kernel(SYS_close_range, first, last, flags));
}

NARU_EXPORT void closefrom(int first) noexcept {
  (void)close_range(first < 0 ? 0U : static_cast<unsigned>(first), ~0U, 0);
}

// --- duplicates ---------------------------------------------------------------------------

NARU_EXPORT int dup(int fd) noexcept {
  if (is_ours(fd)) return answer_int(library->fds.dup(fd));
  return static_cast<int>(kernel(SYS_dup, fd));
}

NARU_EXPORT int dup3(int from, int to, int flags) noexcept {
  if (is_ours(from) || is_ours(to)) return answer_int(library->fds.dup3(from, to, flags));
  return static_cast<int>(kernel(SYS_dup3, from, to, flags));
}

NARU_EXPORT int dup2(int from, int to) noexcept {
  if (from != to) return dup3(from, to, 0);
  return kernel(SYS_fcntl, from, F_GETFD) < 0 ? -1 : to;
}
NARU_EXPORT int __dup2(int from, int to) noexcept { return dup2(from, to); }

// --- flags ----------------------------------------------------------------------------------

NARU_EXPORT int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  if (is_ours(fd)) return answer_int(library->fds.fcntl(fd, command, argument));
  return static_cast<int>(kernel(SYS_fcntl, fd, command, argument));
}
NARU_EXPORT int fcntl64(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  return fcntl(fd, command, argument);
}
NARU_EXPORT int __fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  return fcntl(fd, command, argument);
}

NARU_EXPORT int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (is_socket(fd)) return answer_int(library->fds.ioctl(fd, request, argument));
  return static_cast<int>(kernel(SYS_ioctl, fd, request, argument));
}

NARU_EXPORT int fstat(int fd, struct stat* s) noexcept {
  if (is_socket(fd)) return answer_int(library->fds.fstat(fd, *s));
  return static_cast<int>(kernel(SYS_newfstatat, fd, "", s, AT_EMPTY_PATH));
}
NARU_EXPORT int fstat64(int fd, struct stat64* s) noexcept {
  static_assert(sizeof(struct stat) == sizeof(struct stat64));
  return fstat(fd, reinterpret_cast<struct stat*>(s));
}
NARU_EXPORT int __fxstat(int, int fd, struct stat* s) noexcept { return fstat(fd, s); }
NARU_EXPORT int __fxstat64(int, int fd, struct stat64* s) noexcept { return fstat64(fd, s); }

NARU_EXPORT int isfdtype(int fd, int type) noexcept {
  struct stat s {};
  if (fstat(fd, &s) != 0) return -1;
  return (s.st_mode & S_IFMT) == static_cast<mode_t>(type) ? 1 : 0;
}

// --- by number --------------------------------------------------------------------------------

namespace {

// Those that concern sockets; not cancellation points, whatever they are made of.
std::optional<long> call_by_number(long number, const long (&a)[6]) {
  const NoCancellation here;
  const auto fd = static_cast<int>(a[0]);
  switch (number) {
    case SYS_close:
      return close(fd);
    case SYS_close_range:
      return close_range(static_cast<unsigned>(a[0]), static_cast<unsigned>(a[1]),
                         static_cast<int>(a[2]));
    case SYS_exit_group:
      _exit(fd);
    case SYS_io_uring_setup:
      return answer(-ENOSYS);  // nobody can look into its rings
    case SYS_read:
      return read(fd, reinterpret_cast<void*>(a[1]), static_cast<size_t>(a[2]));
    case SYS_write:
      return write(fd, reinterpret_cast<void*>(a[1]), static_cast<size_t>(a[2]));
    case SYS_sendmmsg:
      return sendmmsg(fd, reinterpret_cast<mmsghdr*>(a[1]), static_cast<unsigned>(a[2]),
                      static_cast<int>(a[3]));
    case SYS_recvmmsg:
      return recvmmsg(fd, reinterpret_cast<mmsghdr*>(a[1]), static_cast<unsigned>(a[2]),
                      static_cast<int>(a[3]), reinterpret_cast<timespec*>(a[4]));
    case SYS_accept4:
      return accept4(fd, reinterpret_cast<sockaddr*>(a[1]), reinterpret_cast<socklen_t*>(a[2]),
                     static_cast<int>(a[3]));
    default:
      return std::nullopt;
  }
}

}  // namespace

NARU_EXPORT long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const auto ours = library == nullptr ? std::nullopt : call_by_number(number, a);
  return ours ? *ours : kernel(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
