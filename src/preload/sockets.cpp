// Sockets come, get names and peers, and go.

#include "preload/cancellation.hpp"
#include "preload/state.hpp"

using namespace naru::preload;

NARU_EXPORT int socket(int domain, int type, int protocol) noexcept {
  if (library != nullptr && naru::posix::Sockets::takes(domain, type, protocol)) {
    return answer_int(library->sockets.socket(domain, type, protocol));
  }
  return static_cast<int>(kernel(SYS_socket, domain, type, protocol));
}

NARU_EXPORT int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  if (is_socket(fd)) return answer_int(library->sockets.bind(fd, address, length));
  return static_cast<int>(kernel(SYS_bind, fd, address, length));
}

NARU_EXPORT int listen(int fd, int backlog) noexcept {
  if (is_socket(fd)) return answer_int(library->sockets.listen(fd, backlog));
  return static_cast<int>(kernel(SYS_listen, fd, backlog));
}

NARU_EXPORT int accept(int fd, sockaddr* address, socklen_t* length) {
  if (is_socket(fd)) {
    return answer_int(
        cancellation_point([&] { return library->sockets.accept(fd, address, length, 0); }));
  }
  if (next.accept != nullptr) return next.accept(fd, address, length);
  return static_cast<int>(kernel(SYS_accept, fd, address, length));
}

NARU_EXPORT int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  if (is_socket(fd)) {
    return answer_int(
        cancellation_point([&] { return library->sockets.accept(fd, address, length, flags); }));
  }
  if (next.accept4 != nullptr) return next.accept4(fd, address, length, flags);
  return static_cast<int>(kernel(SYS_accept4, fd, address, length, flags));
}

NARU_EXPORT int connect(int fd, const sockaddr* address, socklen_t length) {
  if (is_socket(fd)) {
    return answer_int(
        cancellation_point([&] { return library->sockets.connect(fd, address, length); }));
  }
  if (next.connect != nullptr) return next.connect(fd, address, length);
  return static_cast<int>(kernel(SYS_connect, fd, address, length));
}

NARU_EXPORT int __connect(int fd, const sockaddr* address, socklen_t length) {
  return connect(fd, address, length);
}

NARU_EXPORT int shutdown(int fd, int how) noexcept {
  if (is_socket(fd)) return answer_int(library->sockets.shutdown(fd, how));
  return static_cast<int>(kernel(SYS_shutdown, fd, how));
}

NARU_EXPORT int getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
  if (is_socket(fd)) return answer_int(library->sockets.local_name(fd, address, length));
  return static_cast<int>(kernel(SYS_getsockname, fd, address, length));
}

NARU_EXPORT int getpeername(int fd, sockaddr* address, socklen_t* length) noexcept {
  if (is_socket(fd)) return answer_int(library->sockets.remote_name(fd, address, length));
  return static_cast<int>(kernel(SYS_getpeername, fd, address, length));
}

NARU_EXPORT int getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept {
  if (is_socket(fd)) {
    return answer_int(library->sockets.get_option(fd, level, name, value, length));
  }
  return static_cast<int>(kernel(SYS_getsockopt, fd, level, name, value, length));
}

NARU_EXPORT int setsockopt(int fd, int level, int name, const void* value,
                           socklen_t length) noexcept {
  if (is_socket(fd)) {
    return answer_int(library->sockets.set_option(fd, level, name, value, length));
  }
  return static_cast<int>(kernel(SYS_setsockopt, fd, level, name, value, length));
}

NARU_EXPORT int sockatmark(int fd) noexcept {
  int at_mark = 0;
  constexpr unsigned long kRequest = 0x8905;  // SIOCATMARK
  const long done = is_socket(fd) ? answer(library->fds.ioctl(fd, kRequest, &at_mark))
                                  : kernel(SYS_ioctl, fd, kRequest, &at_mark);
  return done < 0 ? -1 : at_mark;
}
