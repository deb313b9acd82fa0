// Machine: the world, its descriptors, and the system calls of a program on it.
//
// The calls mean what their namesakes of POSIX and Linux mean: -1 and errno.
#pragma once

#include <cerrno>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>

#include <naru/socket/errno.hpp>

#include "packetdrill/descriptors.hpp"
#include "packetdrill/world.hpp"

namespace naru::packetdrill {

class Machine {
 public:
  explicit Machine(std::unique_ptr<World> world);

  World& world() { return *world_; }

  // --- socket_calls.cpp ---
  int socket(int domain, int type, int protocol);
  int bind(int fd, const sockaddr* address, socklen_t length);
  int listen(int fd, int backlog);
  int accept(int fd, sockaddr* address, socklen_t* length);
  int connect(int fd, const sockaddr* address, socklen_t length);
  int shutdown(int fd, int how);
  int close(int fd);

  // --- data_calls.cpp ---
  using Parts = std::span<const iovec>;
  ssize_t receive(int fd, Parts parts, int flags, sockaddr* address, socklen_t* length);
  ssize_t send(int fd, Parts parts, int flags, const sockaddr* address, socklen_t length);
  int pipe(int fds[2]);
  ssize_t splice(int in, int out, std::size_t size, unsigned flags);

  // --- option_calls.cpp ---
  int getsockopt(int fd, int level, int name, void* value, socklen_t* length);
  int setsockopt(int fd, int level, int name, const void* value, socklen_t length);
  int fcntl(int fd, int command, int argument);
  int ioctl(int fd, unsigned long request, int* argument);

  // --- wait_calls.cpp ---
  int poll(std::span<pollfd> fds, int timeout_ms);
  int epoll_create();
  int epoll_ctl(int epoll, int operation, int fd, const epoll_event* event);
  int epoll_wait(int epoll, std::span<epoll_event> events, int timeout_ms);

 private:
  using Lock = World::Lock;

  ssize_t receive_datagram(const Descriptor& d, std::span<std::uint8_t> to, int flags,
                           sockaddr* address, socklen_t* length);
  ssize_t send_bytes(Lock& lock, int fd, Bytes data, int flags);
  ssize_t send_datagram(Lock& lock, const Descriptor& d, Bytes data, const sockaddr* address,
                        socklen_t length);
  ssize_t receive_bytes(Lock& lock, int fd, std::span<std::uint8_t> to, int flags);
  ssize_t read_pipe(Lock& lock, const Descriptor& d, std::span<std::uint8_t> to);
  ssize_t write_pipe(Lock& lock, const Descriptor& d, Bytes data);
  ssize_t splice_in(Lock& lock, int in, const Descriptor& to, std::size_t size, int flags);
  ssize_t splice_out(Lock& lock, Pipe& pipe, int out, std::size_t size, int flags);
  int finish_connect(Lock& lock, int fd);

  // poll's bits of a descriptor.
  short readiness(const Descriptor& d);
  int collect(Descriptor& epoll, std::span<epoll_event> events);

  std::unique_ptr<World> world_;
  Descriptors fds_;
};

// The machine of this process; nullptr before the tool has asked for it.
extern Machine* the_machine;

// -1 and errno.
inline int fail(int number) {
  errno = number;
  return -1;
}
inline int fail(Error error) { return fail(to_errno(error)); }
inline int answer(const Status& status) { return status ? 0 : fail(status.error()); }

}  // namespace naru::packetdrill
