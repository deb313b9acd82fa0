// Epoll: epoll(7) over naru's sockets and the kernel's descriptors together.
//
//   program's epoll descriptor = the kernel's own
//       ├─ the program's kernel descriptors
//       └─ the bell of the set, once it is needed
//   set (a Waiter in the session)
//       └─ a Watch for each naru socket; those that were called ready form a list
//
// While a set has no kernel descriptor its waiters sleep on a word; with one they sleep
// in the kernel's epoll_wait, and whoever makes a socket ready rings the bell.
#pragma once

#include <csignal>
#include <span>
#include <sys/epoll.h>

#include "posix/descriptors.hpp"

namespace naru::posix {

class Epoll {
 public:
  // The bell's event carries a number that only this process and its children know.
  Epoll(Descriptors& fds, std::uint64_t bell_data) : fds_(fds), bell_data_(bell_data) {}

  long create(int flags);
  // False: neither is ours, and the call is the kernel's.
  bool takes_control(int epoll, int fd) const;
  long control(int epoll, int operation, int fd, const epoll_event* event);
  // mask: of the signals during the wait; null: as they are.
  long wait(int epoll, epoll_event* events, int most, Time deadline, const sigset_t* mask);

  // The set is about to be looked at from outside, by poll or another set.
  void open_to_others(int epoll);

 private:
  using Events = std::span<epoll_event>;

  long wait_for_events(int epoll, epoll_event* events, int most, Time deadline,
                       const sigset_t* mask);
  long add(Waiter& set, OpenSocket& o, int fd, const epoll_event& event);
  long modify(Waiter& set, OpenSocket& o, int fd, const epoll_event& event);
  void report_if_ready(session::Watch& watch);
  long control_kernel(int epoll, int operation, int fd, const epoll_event* event);
  bool hang_bell(int epoll, Waiter& set);
  // Inside. What is ready now, in order; level-triggered members stay on the list.
  std::size_t collect(Waiter& set, Events events);
  void hear(Waiter& set);
  // Sleeps where no descriptor of the kernel's is waited for, the session's device among
  // them. 0, -EINTR or -ETIMEDOUT.
  int nap(Waiter& set, std::uint32_t seen, Time deadline);
  // Waits in the kernel; the bell is taken out and told.
  long ask_kernel(int epoll, Events events, Time deadline, const sigset_t* mask, bool& rang);
  // The same, unless `device` becomes readable first; -1: there is none to wait for.
  long ask_kernel(int epoll, int device, Events events, Time deadline, const sigset_t* mask,
                  bool& rang);
  Session& session() { return fds_.session(); }

  Descriptors& fds_;
  std::uint64_t bell_data_;
};

}  // namespace naru::posix
