// The interface through which the packetdrill tool drives a stack in a shared
// object: a table of calls that packetdrill_interface_init() fills in.
//
//   packetdrill (scripts) ── dlopen ──► packetdrill_interface_init(flags, table)
//        │ socket, bind, send ...            the sockets of a program on the host
//        │ netdev_send, netdev_receive       the wire
//        └ usleep, gettimeofday              the clock, which is virtual
//
// Order and types are a convention with the tool, and so are the names. Each call
// has the meaning of its namesake in POSIX or Linux: -1 and errno on failure.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

extern "C" {

struct packetdrill_interface {
  void* userdata;
  void (*free)(void* userdata);
  int (*socket)(void* userdata, int domain, int type, int protocol);
  int (*bind)(void* userdata, int fd, const sockaddr* address, socklen_t length);
  int (*listen)(void* userdata, int fd, int backlog);
  int (*accept)(void* userdata, int fd, sockaddr* address, socklen_t* length);
  int (*connect)(void* userdata, int fd, const sockaddr* address, socklen_t length);
  ssize_t (*read)(void* userdata, int fd, void* buffer, size_t size);
  ssize_t (*readv)(void* userdata, int fd, const iovec* parts, int count);
  ssize_t (*recv)(void* userdata, int fd, void* buffer, size_t size, int flags);
  ssize_t (*recvfrom)(void* userdata, int fd, void* buffer, size_t size, int flags,
                      sockaddr* address, socklen_t* length);
  ssize_t (*recvmsg)(void* userdata, int fd, msghdr* message, int flags);
  ssize_t (*write)(void* userdata, int fd, const void* buffer, size_t size);
  ssize_t (*writev)(void* userdata, int fd, const iovec* parts, int count);
  ssize_t (*send)(void* userdata, int fd, const void* buffer, size_t size, int flags);
  ssize_t (*sendto)(void* userdata, int fd, const void* buffer, size_t size, int flags,
                    const sockaddr* address, socklen_t length);
  ssize_t (*sendmsg)(void* userdata, int fd, const msghdr* message, int flags);
  int (*fcntl)(void* userdata, int fd, int command, ...);
  int (*ioctl)(void* userdata, int fd, unsigned long request, ...);
  int (*close)(void* userdata, int fd);
  int (*shutdown)(void* userdata, int fd, int how);
  int (*getsockopt)(void* userdata, int fd, int level, int name, void* value, socklen_t* length);
  int (*setsockopt)(void* userdata, int fd, int level, int name, const void* value,
                    socklen_t length);
  int (*poll)(void* userdata, pollfd* fds, nfds_t count, int timeout_ms);
  // One IP packet toward the host.
  int (*netdev_send)(void* userdata, const void* packet, size_t size);
  // The next IP packet from the host, and when it was sent. A size of 0: there will
  // never be one.
  int (*netdev_receive)(void* userdata, void* packet, size_t* size, long long* time_usecs);
  int (*usleep)(void* userdata, useconds_t microseconds);
  int (*gettimeofday)(void* userdata, timeval* time, struct timezone* zone);
  int (*epoll_create)(void* userdata, int size);
  int (*epoll_ctl)(void* userdata, int epoll, int operation, int fd, epoll_event* event);
  int (*epoll_wait)(void* userdata, int epoll, epoll_event* events, int most, int timeout_ms);
  int (*pipe)(void* userdata, int fds[2]);
  int (*splice)(void* userdata, int in, loff_t* in_offset, int out, loff_t* out_offset, size_t size,
                unsigned flags);
};

// `flags` is what the tool was given as --so_flags (see settings.hpp), or null.
__attribute__((visibility("default"))) void packetdrill_interface_init(
    const char* flags, packetdrill_interface* table);

}  // extern "C"
