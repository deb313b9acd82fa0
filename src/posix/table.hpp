// Table: what the descriptors of this process are, in naru's eyes.
#pragma once

#include <atomic>
#include <cstdint>

namespace naru::posix {

// One word for each number; zero is "the kernel's", so descriptors that come and go
// without our knowledge cost nothing and mean nothing.
class Table {
 public:
  enum class Kind : std::uint8_t { kernel, socket, epoll, own };
  struct Entry {
    Kind kind = Kind::kernel;
    std::uint32_t index = 0;  // of the OpenSocket or Waiter
  };
  static constexpr int kMost = 1 << 20;  // Linux's own bound (fs.nr_open)
  // The index of what was closed because the process ends.
  static constexpr std::uint32_t kEnded = (1U << 30U) - 1;

  // False: no memory.
  bool init();

  Entry at(int fd) const {
    if (static_cast<unsigned>(fd) >= kMost) return {};
    const std::uint32_t word = words_[fd].load(std::memory_order_relaxed);
    return {static_cast<Kind>(word >> kShift), word & kIndexMask};
  }
  void set(int fd, Entry entry);
  void clear(int fd) { set(fd, {}); }
  // No descriptor from here on was ever ours.
  int end() const { return end_.load(std::memory_order_relaxed); }
  bool has(Entry entry) const;

 private:
  static constexpr std::uint32_t kShift = 30;
  static constexpr std::uint32_t kIndexMask = (1U << kShift) - 1;

  std::atomic<std::uint32_t>* words_ = nullptr;
  std::atomic<int> end_{0};
};

}  // namespace naru::posix
