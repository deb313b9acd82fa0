// Bells: how one process wakes a thread that sleeps in poll or epoll in another.
//
// A bell is a datagram socket with an abstract name, so it can be put among the
// descriptors of any kernel wait, and anybody in the session can ring it by its
// number: no path to look up, so a change of user or root does not matter. A ring that
// comes from elsewhere only wakes somebody for nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace naru::session {

class Bell {
 public:
  Bell() = default;
  Bell(Bell&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Bell& operator=(Bell&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Bell();

  // The bell `number` of the session `id`. -errno, or 0.
  int open(std::uint64_t id, std::uint32_t number);
  int fd() const { return fd_; }
  // The bell with this descriptor, which stays somebody else's: forget() it.
  static Bell of(int fd) {
    Bell bell;
    bell.fd_ = fd;
    return bell;
  }
  // Another process uses the bell of this number now: forget it.
  void forget() { fd_ = -1; }
  // Takes the rings that have come, so that it is silent again.
  void hear() const;

 private:
  int fd_ = -1;
};

// Rings the bells of a session.
class Ringer {
 public:
  int open(std::uint64_t id);
  void ring(std::uint32_t number) const;
  void move_descriptor(const std::function<int(int)>& move) { fd_ = move(fd_); }

 private:
  std::uint64_t id_ = 0;
  int fd_ = -1;
};

}  // namespace naru::session
