// How a member of a lan sleeps, and how the others wake it.
//
//   sleeper   seat.bell = how ── look once more ── sleep
//   sender    write frames ── fence ── seat.bell? ── take it, then ring
//
// A FIFO, because a sleeper waits for it in one epoll or poll with the kernel's
// descriptors, because it can be found by name by a process that has no other way to
// the sleeper's descriptors (an eventfd cannot), and because writing to it is cheaper
// than sending to a socket. A futex for a thread that waits for nothing else.
#pragma once

#include <cstdint>

#include <naru/time/time.hpp>

#include "link/descriptor.hpp"
#include "link/lan_file.hpp"

namespace naru::link::lan {

class Bell {
 public:
  Bell() = default;
  // The FIFO of this number; a new one is made first. Not open on an error (errno).
  Bell(const LanFile& file, std::uint64_t id, bool create);

  bool is_open() const { return fifo_.is_open(); }
  std::uint64_t id() const { return id_; }
  int descriptor() const { return fifo_.number(); }

  void ring() const;
  // Takes the rings back: the descriptor is no longer readable.
  void silence() const;

 private:
  Descriptor fifo_;
  std::uint64_t id_ = 0;
};

// Wakes everybody who sleeps on the word.
void wake(std::atomic<std::uint32_t>& word);
// Sleeps until woken or so long, unless the word has another value.
void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t value, Duration longest);

}  // namespace naru::link::lan
