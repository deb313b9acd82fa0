// The end of a process, by its own doing: what it alone has open is closed while its parent
// still waits for it (wait(2)), as the kernel does it.

#include <sys/syscall.h>
#include <unistd.h>

#include "session/session.hpp"
#include "session/system.hpp"

namespace naru::session {

bool Session::is_of_this_process() {
  return process_ != kNoIndex && tables().processes.at(process_)->pid == ::getpid();
}

void Session::begin_end() {
  ending_ = static_cast<pid_t>(system::call(SYS_gettid));
  // The waiters themselves are in the hands of threads that may just be falling asleep:
  // their slots are given to nobody else before these threads are gone (drop_process).
  tables().waiters.for_each([&](Waiter& w) {
    if (!w.holders.test(process_) || w.holders.count() != 1) return;
    while (Watch* watch = w.watches.front()) remove_watch(*watch);
  });
}

void Session::stop_unless_last() {
  if (ending_ == system::call(SYS_gettid)) return;
  ::pthread_mutex_unlock(&header().mutex);
  wait_for_end();
}

void Session::wait_for_end() const {
  while (ending_ != system::call(SYS_gettid)) {
    system::call(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
  }
}

}  // namespace naru::session
