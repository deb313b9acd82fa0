#include "session/process_id.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/syscall.h>

#include "session/system.hpp"

namespace naru::session {

std::uint64_t start_time(pid_t pid) {
  std::array<char, 32> path{};
  std::array<char, 1024> text{};
  std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
  const long fd = system::call(SYS_openat, AT_FDCWD, path.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const long n = system::call(SYS_read, fd, text.data(), text.size() - 1);
  system::call(SYS_close, fd);
  if (n <= 0) return 0;
  // proc(5): the name (field 2) is in parentheses and may hold anything; the start is
  // field 22.
  std::string_view rest(text.data(), static_cast<std::size_t>(n));
  rest.remove_prefix(rest.rfind(')') + 1);
  constexpr int kFieldsAfterName = 20;
  for (int i = 0; i < kFieldsAfterName; ++i) rest.remove_prefix(rest.find(' ') + 1);
  return std::strtoull(rest.data(), nullptr, 10);
}

bool is_alive(pid_t pid, std::uint64_t started) {
  const long fd = system::call(SYS_pidfd_open, pid, 0);
  if (fd < 0) return false;
  pollfd dead{static_cast<int>(fd), POLLIN, 0};
  const timespec now{};
  const bool has_ended = system::call(SYS_ppoll, &dead, 1, &now, nullptr, 0) > 0;
  system::call(SYS_close, fd);
  return !has_ended && start_time(pid) == started;
}

}  // namespace naru::session
