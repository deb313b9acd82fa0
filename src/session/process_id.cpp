#include "session/process_id.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/syscall.h>

#include "session/system.hpp"

namespace naru::session {

namespace {

// proc(5): what stands after the name of a process, which may hold anything and is in
// parentheses. Empty: there is no such process.
class Stat {
 public:
  explicit Stat(pid_t pid) {
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
    const long fd = system::call(SYS_openat, AT_FDCWD, path.data(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const long n = system::call(SYS_read, fd, text_.data(), text_.size() - 1);
    system::call(SYS_close, fd);
    if (n <= 0) return;
    rest_ = std::string_view(text_.data(), static_cast<std::size_t>(n));
    rest_.remove_prefix(std::min(rest_.rfind(')') + 2, rest_.size()));
  }
  // The field with this number, of those from 3 on.
  std::string_view field(int number) const {
    constexpr int kFirst = 3;
    std::string_view rest = rest_;
    for (int i = kFirst; i < number; ++i) rest.remove_prefix(rest.find(' ') + 1);
    return rest.substr(0, rest.find(' '));
  }

 private:
  std::array<char, 1024> text_{};
  std::string_view rest_;
};

}  // namespace

std::uint64_t start_time(pid_t pid) {
  constexpr int kStartTime = 22;
  const Stat stat(pid);
  const std::string_view field = stat.field(kStartTime);
  return field.empty() ? 0 : std::strtoull(field.data(), nullptr, 10);
}

bool is_stopped(pid_t pid) {
  constexpr int kState = 3;
  const Stat stat(pid);
  const std::string_view state = stat.field(kState);
  return state == "T" || state == "t";
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
