#include "processes.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "measure.hpp"

namespace naru::bench {

int check(int result, const char* what) {
  if (result < 0) fail(std::string(what) + ": " + std::strerror(errno));
  return result;
}

void PortTeller::operator()(std::uint16_t port) const {
  if (write(to_, &port, sizeof port) != sizeof port) fail("the port was not told");
}

namespace detail {

std::pair<Fd, Fd> make_pipe() {
  int ends[2];
  check(pipe2(ends, O_CLOEXEC), "pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

void enter(const Place& place) {
  if (!place.netns.empty()) {
    const Fd ns(check(open(place.netns.c_str(), O_RDONLY | O_CLOEXEC), place.netns.c_str()));
    check(setns(ns, CLONE_NEWNET), "setns");
  }
  pin_to_cpu(place.cpu);
}

double cpu_of_self_ns() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto ns = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
  };
  return ns(u.ru_utime) + ns(u.ru_stime);
}

EndResult collect(int from, pid_t pid) {
  EndResult r;
  const bool whole = read(from, &r, sizeof r) == sizeof r;
  int status = 0;
  waitpid(pid, &status, 0);
  if (!whole || status != 0) fail("one end failed");
  return r;
}

std::uint16_t wait_for_port(int from) {
  std::uint16_t port = 0;
  if (read(from, &port, sizeof port) != sizeof port) fail("the server did not start");
  return port;
}

void end_with_parent() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace detail
}  // namespace naru::bench
