#include "session/reference.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "session/own_descriptor.hpp"
#include "session/system.hpp"

namespace naru::session {
namespace {

// newfstatat with an empty path is fstat on every architecture.
bool stat_of(int fd, struct stat& s) {
  return system::call(SYS_newfstatat, fd, "", &s, AT_EMPTY_PATH) == 0;
}

struct flock range(short type, std::uint32_t index) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = index;
  lock.l_len = 1;
  return lock;
}

long position_of(std::uint32_t index) { return long{index} + 1; }

// One number more than the program may have, for as long as it takes.
class OneMoreNumber {
 public:
  OneMoreNumber() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit more = before_;
    more.rlim_cur = std::min(more.rlim_cur + 1, more.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &more);
  }
  OneMoreNumber(const OneMoreNumber&) = delete;
  OneMoreNumber& operator=(const OneMoreNumber&) = delete;
  ~OneMoreNumber() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

Said<References> References::open(const std::string& path) {
  const long fd = system::call(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(path + ": " + std::strerror(static_cast<int>(-fd)));
  struct stat s {};
  stat_of(static_cast<int>(fd), s);
  const long proc = system::call(SYS_openat, AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return References(path, move_away(static_cast<int>(fd)), move_away(static_cast<int>(proc)),
                    s.st_dev, s.st_ino);
}

References::References(References&& other) noexcept
    : path_(std::move(other.path_)),
      own_(std::exchange(other.own_, -1)),
      proc_(std::exchange(other.proc_, -1)),
      device_(other.device_),
      inode_(other.inode_) {}

References& References::operator=(References&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(own_, other.own_);
  std::swap(proc_, other.proc_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

References::~References() {
  for (const int fd : {own_, proc_}) {
    if (fd >= 0) system::call(SYS_close, fd);
  }
}

int References::make(bool close_on_exec) const {
  const int command = close_on_exec ? F_DUPFD_CLOEXEC : F_DUPFD;
  return static_cast<int>(system::call(SYS_fcntl, own_, command, 0));
}

long References::open_again() const {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC;
  const long fd = system::call(SYS_openat, AT_FDCWD, path_.c_str(), kFlags);
  if (fd != -EACCES && fd != -ENOENT) return fd;
  // The program has changed its user or its root. What is open may be opened again.
  char self[32];
  std::snprintf(self, sizeof self, "self/fd/%d", own_);
  return system::call(SYS_openat, proc_, self, kFlags);
}

long References::share(int fd, std::uint32_t index) const {
  long file = open_again();
  if (file == -EMFILE) {
    const OneMoreNumber number;
    file = open_again();
  }
  if (file < 0) return file;
  system::call(SYS_lseek, file, position_of(index), SEEK_SET);
  struct flock lock = range(F_RDLCK, index);
  system::call(SYS_fcntl, file, F_OFD_SETLK, &lock);
  const bool close_on_exec = (system::call(SYS_fcntl, fd, F_GETFD) & FD_CLOEXEC) != 0;
  const long answer = system::call(SYS_dup3, file, fd, close_on_exec ? O_CLOEXEC : 0);
  system::call(SYS_close, file);
  return answer < 0 ? answer : 0;
}

std::optional<long> References::position(int fd) const {
  struct stat s {};
  if (fd == own_ || !stat_of(fd, s) || s.st_ino != inode_ || s.st_dev != device_) {
    return std::nullopt;
  }
  return system::call(SYS_lseek, fd, 0, SEEK_CUR);
}

bool References::is_blank(int fd) const { return position(fd) == 0; }

std::optional<std::uint32_t> References::identify(int fd) const {
  const auto at = position(fd);
  if (!at || *at <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(*at - 1);
}

bool References::is_held(std::uint32_t index) const {
  struct flock lock = range(F_WRLCK, index);
  return system::call(SYS_fcntl, own_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace naru::session
