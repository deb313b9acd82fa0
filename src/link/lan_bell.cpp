#include "link/lan_bell.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace naru::link::lan {

namespace {

constexpr int kType = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

}  // namespace

BellName::BellName(std::uint64_t id, std::uint32_t number) {
  address.sun_family = AF_UNIX;
  // Abstract (unix(7)): a zero byte first.
  const int size = std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
                                 "naru/%016llx/%u", static_cast<unsigned long long>(id), number);
  length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path)) + 1 + static_cast<socklen_t>(size);
}

// --- whoever rings -------------------------------------------------------------------

Ringer Ringer::make() {
  Ringer ringer;
  ringer.socket_ = Descriptor(::socket(AF_UNIX, kType, 0));
  return ringer;
}

void Ringer::ring(std::uint64_t id, std::uint32_t number) const {
  const BellName name(id, number);
  // Full (EAGAIN) is as good as rung; nobody there is a process that died.
  ::sendto(socket_.number(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, name.pointer(), name.length);
}

bool Ringer::call(Seat& seat) const {
  // One of those who see it asleep calls.
  const std::uint32_t alarm = seat.bell.exchange(0, std::memory_order_acq_rel);
  if (alarm == 0) return false;
  const std::uint32_t number = alarm & (kBellBit - 1);
  if ((alarm & kDoorBit) != 0) {
    std::atomic<std::uint32_t>& door = seat.doors[number % seat.doors.size()];
    door.fetch_add(1, std::memory_order_acq_rel);
    ::syscall(SYS_futex, &door, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  } else {
    ring(seat.bell_id.load(std::memory_order_relaxed), number);
  }
  return true;
}

// --- whoever sleeps ------------------------------------------------------------------

Bell::Bell(std::uint64_t id) : socket_(::socket(AF_UNIX, kType, 0)) {
  const BellName name(id, alarm().number);
  const bool bound =
      socket_.is_open() && ::bind(socket_.number(), name.pointer(), name.length) == 0;
  if (!bound) socket_ = Descriptor();
}

void Bell::silence() const {
  char ring = 0;
  while (::recv(socket_.number(), &ring, 1, MSG_DONTWAIT) >= 0) {
  }
}

void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t value, Duration longest) {
  const std::int64_t left = std::max<std::int64_t>(0, longest.count());
  const timespec wait{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, longest == Duration::max() ? nullptr : &wait,
            nullptr, 0);
}

}  // namespace naru::link::lan
