#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <naru/socket/clock.hpp>
#include <naru/socket/doorbell.hpp>
#include <naru/socket/errno.hpp>

namespace naru {

Result<Doorbell> Doorbell::create() {
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return std::unexpected(from_errno(errno));
  return Doorbell(event);
}

Doorbell::~Doorbell() {
  if (event_ >= 0) ::close(event_);
}

void Doorbell::ring() const {
  const std::uint64_t one = 1;
  // Full (EAGAIN) is as good as rung.
  [[maybe_unused]] const ssize_t written = ::write(event_, &one, sizeof one);
}

void Doorbell::sleep_until(Time deadline) const {
  timespec wait{};
  if (deadline != kTimeNever) {
    const std::int64_t left = std::max<std::int64_t>(0, (deadline - monotonic_now()).count());
    wait = {.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
  }
  std::vector<pollfd> polled{{.fd = event_, .events = POLLIN, .revents = 0}};
  for (const int descriptor : watched_) polled.push_back({descriptor, POLLIN, 0});
  const int count =
      ::ppoll(polled.data(), polled.size(), deadline == kTimeNever ? nullptr : &wait, nullptr);
  if (count > 0 && polled.front().revents != 0) {
    std::uint64_t rings = 0;
    [[maybe_unused]] const ssize_t taken = ::read(event_, &rings, sizeof rings);
  }
}

}  // namespace naru
