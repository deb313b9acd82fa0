// Wakes: whom to wake after the lock has been given back. Waking costs a system call,
// and who is woken wants the lock.
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "session/bell.hpp"
#include "session/system.hpp"

namespace naru::session {

class Wakes {
 public:
  void add_word(std::atomic<std::uint32_t>& word, const Ringer& ringer) {
    if (words_size_ == words_.size()) deliver(ringer);
    words_[words_size_++] = &word;
  }
  void add_bell(std::uint32_t number, const Ringer& ringer) {
    if (bells_size_ == bells_.size()) deliver(ringer);
    bells_[bells_size_++] = number;
  }
  // O_ASYNC of fcntl(2).
  void add_signal(pid_t process, int number, const Ringer& ringer) {
    if (signals_size_ == signals_.size()) deliver(ringer);
    signals_[signals_size_++] = {process, number};
  }
  bool empty() const { return words_size_ + bells_size_ + signals_size_ == 0; }

  void deliver(const Ringer& ringer) {
    for (std::size_t i = 0; i < words_size_; ++i) {
      system::call(SYS_futex, words_[i], FUTEX_WAKE, INT_MAX);
    }
    for (std::size_t i = 0; i < bells_size_; ++i) ringer.ring(bells_[i]);
    for (std::size_t i = 0; i < signals_size_; ++i) {
      system::call(SYS_kill, signals_[i].process, signals_[i].number);
    }
    words_size_ = bells_size_ = signals_size_ = 0;
  }

 private:
  struct Signal {
    pid_t process;
    int number;
  };
  std::array<std::atomic<std::uint32_t>*, 32> words_;
  std::array<std::uint32_t, 32> bells_;
  std::array<Signal, 8> signals_;
  std::size_t signals_size_ = 0;
  std::size_t words_size_ = 0;
  std::size_t bells_size_ = 0;
};

}  // namespace naru::session
