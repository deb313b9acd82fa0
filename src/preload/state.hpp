// What the interposed functions share: the library of this process, and the functions
// that they stand in front of.
#pragma once

#include <cerrno>
#include <csignal>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <naru/socket/clock.hpp>

#include "posix/library.hpp"
#include "posix/signals.hpp"
#include "session/system.hpp"

// Seen by programs. Everything else of this shared object is hidden (cmake/posix.map).
#define NARU_EXPORT extern "C" __attribute__((visibility("default")))

namespace naru::preload {

// nullptr: the program is in no session, or has not been started yet.
extern posix::Library* library;

// The functions of the same names further on, which are what pthread_cancel(3) knows.
// Null until the library is loaded: then the bare system call does.
struct Next {
  decltype(::read)* read;
  decltype(::write)* write;
  decltype(::readv)* readv;
  decltype(::writev)* writev;
  decltype(::recv)* recv;
  decltype(::recvfrom)* recvfrom;
  decltype(::recvmsg)* recvmsg;
  decltype(::send)* send;
  decltype(::sendto)* sendto;
  decltype(::sendmsg)* sendmsg;
  decltype(::accept)* accept;
  decltype(::accept4)* accept4;
  decltype(::connect)* connect;
  decltype(::close)* close;
  decltype(::poll)* poll;
  decltype(::ppoll)* ppoll;
  decltype(::select)* select;
  decltype(::pselect)* pselect;
  decltype(::epoll_wait)* epoll_wait;
  decltype(::epoll_pwait)* epoll_pwait;
  decltype(::fork)* fork;
  decltype(::posix_spawn)* posix_spawn;
  decltype(::posix_spawnp)* posix_spawnp;
  int (*system)(const char*);
  FILE* (*popen)(const char*, const char*);
  decltype(::getaddrinfo)* getaddrinfo;
  decltype(::getnameinfo)* getnameinfo;
  decltype(::gethostbyname2)* gethostbyname2;
  decltype(::gethostbyname2_r)* gethostbyname2_r;
  decltype(::gethostbyaddr)* gethostbyaddr;
  decltype(::gethostbyaddr_r)* gethostbyaddr_r;
  decltype(::getifaddrs)* getifaddrs;
  decltype(::if_nametoindex)* if_nametoindex;
  decltype(::if_indextoname)* if_indextoname;
  decltype(::if_nameindex)* if_nameindex;
  FILE* (*fdopen)(int, const char*);
  void (*abort)();
};
extern Next next;
void find_next();
// May be asked for before the library is loaded.
posix::Signals::Sigaction* next_sigaction();

inline bool is_socket(int fd) { return library != nullptr && library->fds.is_socket(fd); }
inline bool is_ours(int fd) { return library != nullptr && library->fds.is_ours(fd); }

// The kernel's way of telling an error becomes C's.
inline long answer(long result) {
  if (result >= 0 || result < -4095) return result;
  errno = static_cast<int>(-result);
  return -1;
}
inline int answer_int(long result) { return static_cast<int>(answer(result)); }

// The kernel's own, where no function of the C library is needed.
template <class... Args>
long kernel(long number, Args... args) {
  return answer(session::system::call(number, args...));
}

// When a call with this timeout gives up.
Time deadline_of(int milliseconds);
Time deadline_of(const timespec* timeout);
Time deadline_of(const timeval* timeout);

}  // namespace naru::preload
