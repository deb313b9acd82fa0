#include "link/lan_bell.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace naru::link::lan {

namespace {

// For members that have given up root since they joined; the name is the secret.
constexpr mode_t kBellMode = 0666;

Descriptor open_fifo(const LanFile& file, std::uint64_t id, bool create) {
  const int folder = file.folder().descriptor();
  const std::string name = bell_name(file.name(), id);
  if (create && ::mkfifoat(folder, name.c_str(), 0600) < 0) return Descriptor();
  // For reading too, so that there always is a reader: else writing to a bell whose
  // owner is no more would be SIGPIPE.
  Descriptor fifo(::openat(folder, name.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat found;
  if (!fifo.is_open() || ::fstat(fifo.number(), &found) < 0 || !S_ISFIFO(found.st_mode)) {
    return Descriptor();
  }
  if (create && ::fchmod(fifo.number(), kBellMode) < 0) return Descriptor();
  return fifo;
}

}  // namespace

Bell::Bell(const LanFile& file, std::uint64_t id, bool create)
    : fifo_(open_fifo(file, id, create)), id_(id) {}

void Bell::ring() const {
  // Full (EAGAIN) is as good as rung.
  [[maybe_unused]] const ssize_t written = ::write(fifo_.number(), "", 1);
}

void Bell::silence() const {
  std::array<char, 64> rings;
  while (::read(fifo_.number(), rings.data(), rings.size()) == static_cast<ssize_t>(rings.size())) {
  }
}

void wake(std::atomic<std::uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t value, Duration longest) {
  const std::int64_t left = std::max<std::int64_t>(0, longest.count());
  const timespec wait{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, longest == Duration::max() ? nullptr : &wait,
            nullptr, 0);
}

}  // namespace naru::link::lan
