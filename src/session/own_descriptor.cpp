#include "session/own_descriptor.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "session/system.hpp"

namespace naru::session {
namespace {

// Room below the limit for what one process needs: the file of the sockets, the
// sender of rings, and a bell for each thread and epoll set.
constexpr rlim_t kRoom = 256;
// Programs look through all numbers up to here when they become daemons.
constexpr rlim_t kHighest = 65'536;

}  // namespace

int move_away(int fd) {
  if (fd < 0) return fd;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t top = std::min(limit.rlim_cur, kHighest);
  const rlim_t from = top > 2 * kRoom ? top - kRoom : top / 2;
  const long high = system::call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);
  if (high < 0) return fd;
  system::call(SYS_close, fd);
  return static_cast<int>(high);
}

}  // namespace naru::session
