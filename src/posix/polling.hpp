// Polling: poll(2) and select(2) over naru's sockets and the kernel's descriptors.
#pragma once

#include <csignal>
#include <poll.h>
#include <span>
#include <sys/select.h>

#include "posix/descriptors.hpp"
#include "posix/epoll.hpp"
#include "session/sleep.hpp"

namespace naru::posix {

class Polling {
 public:
  Polling(Descriptors& fds, Epoll& epoll) : fds_(fds), epoll_(epoll) {}

  // Is anything of ours among them?
  bool takes(std::span<const pollfd> fds) const;
  bool takes(int count, const fd_set* in, const fd_set* out, const fd_set* err) const;

  long poll(std::span<pollfd> fds, Time deadline, const sigset_t* mask);
  long select(int count, fd_set* in, fd_set* out, fd_set* err, Time deadline, const sigset_t* mask);

 private:
  using Fds = std::span<pollfd>;

  long wait_for_events(Fds fds, Time deadline, const sigset_t* mask);

  // Inside. How many of ours are ready, or have been closed since the call began; with a
  // waiter, and none ready, it is called when one becomes so. `kernel` is the kernel's part.
  long look(Fds fds, std::span<const pollfd> kernel, Waiter* waiter);
  // The kernel's descriptors; ours are left out. The last two entries are the bell and, on
  // the lookout, the session's device.
  static long ask_kernel(std::vector<pollfd>& kernel, Time deadline, const sigset_t* mask);
  std::vector<pollfd> kernel_part(Fds fds);
  Session& session() { return fds_.session(); }

  Descriptors& fds_;
  Epoll& epoll_;
};

}  // namespace naru::posix
