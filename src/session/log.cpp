#include "session/log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session/system.hpp"

namespace naru::session {

void log(std::string_view words) {
  const char* where = ::getenv("NARU_LOG");
  if (where == nullptr || *where == '\0') return;
  std::array<char, 512> line{};
  const int n = std::snprintf(line.data(), line.size(), "naru[%d]: %.*s\n", ::getpid(),
                              static_cast<int>(words.size()), words.data());
  const auto size = std::min<std::size_t>(static_cast<std::size_t>(n), line.size() - 1);
  if (std::string_view(where) == "stderr") {
    system::call(SYS_write, STDERR_FILENO, line.data(), size);
    return;
  }
  const long fd =
      system::call(SYS_openat, AT_FDCWD, where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  system::call(SYS_write, fd, line.data(), size);
  system::call(SYS_close, fd);
}

}  // namespace naru::session
