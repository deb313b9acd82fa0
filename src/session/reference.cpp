#include "session/reference.hpp"

#include <cstdio>
#include <cstring>
#include <fcntl.h>
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

int References::make(std::uint32_t index, bool close_on_exec) const {
  const int flags = O_RDONLY | (close_on_exec ? O_CLOEXEC : 0);
  long fd = system::call(SYS_openat, AT_FDCWD, path_.c_str(), flags);
  if (fd == -EACCES || fd == -ENOENT) {
    // The program has changed its user or its root. What is open may be opened again.
    char self[32];
    std::snprintf(self, sizeof self, "self/fd/%d", own_);
    fd = system::call(SYS_openat, proc_, self, flags);
  }
  if (fd >= 0) system::call(SYS_lseek, fd, index, SEEK_SET);
  return static_cast<int>(fd);
}

std::optional<std::uint32_t> References::identify(int fd) const {
  struct stat s {};
  if (fd == own_ || !stat_of(fd, s) || s.st_ino != inode_ || s.st_dev != device_) {
    return std::nullopt;
  }
  const long index = system::call(SYS_lseek, fd, 0, SEEK_CUR);
  if (index < 0) return std::nullopt;
  return static_cast<std::uint32_t>(index);
}

void References::share(int fd, std::uint32_t index) {
  struct flock lock = range(F_RDLCK, index);
  system::call(SYS_fcntl, fd, F_OFD_SETLK, &lock);
}

bool References::is_held(std::uint32_t index) const {
  struct flock lock = range(F_WRLCK, index);
  return system::call(SYS_fcntl, own_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace naru::session
