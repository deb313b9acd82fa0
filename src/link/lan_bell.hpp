// How a member of a lan sleeps, and how the others wake it.
//
//   sleeper   seat.bell = its alarm ── look once more ── sleep
//   sender    write frames ── fence ── seat.bell? ── take it, then call
//
// An alarm names who is called. A door is a futex in the seat, the quickest for a
// thread that can sleep on one. A bell is a datagram socket with an abstract name: it
// can be put among the descriptors of any kernel wait, and be rung by everybody who
// knows its name, whatever has become of his user or root folder (a FIFO would want a
// path, an eventfd a common parent). Several threads of several processes may sleep
// for one port; the alarm says which of them is called, and changing it wakes nobody.
#pragma once

#include <atomic>
#include <cstdint>
#include <sys/socket.h>
#include <sys/un.h>

#include <naru/link/lan.hpp>
#include <naru/time/time.hpp>

#include "link/descriptor.hpp"
#include "link/lan_layout.hpp"

namespace naru::link::lan {

// The name of a bell: the number `number` of those that go by `id`.
struct BellName {
  BellName(std::uint64_t id, std::uint32_t number);
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&address); }

  sockaddr_un address{};
  socklen_t length;
};

// An alarm as it stands in a seat. 0: nobody sleeps.
constexpr std::uint32_t kDoorBit = 1U << 31U;
constexpr std::uint32_t kBellBit = 1U << 30U;
constexpr std::uint32_t to_word(LanAlarm alarm) {
  return (alarm.kind == LanAlarm::Kind::door ? kDoorBit : kBellBit) |
         (alarm.number & (kBellBit - 1));
}

// Rings the bells of others.
class Ringer {
 public:
  // Not open on an error (errno).
  static Ringer make();

  Descriptor& descriptor() { return socket_; }
  bool is_open() const { return socket_.is_open(); }
  // Whoever sleeps for the seat. True: somebody did.
  bool call(Seat& seat) const;
  void ring(std::uint64_t id, std::uint32_t number) const;

 private:
  Descriptor socket_;
};

// The bell of a member that sleeps on a descriptor.
class Bell {
 public:
  Bell() = default;
  // Not open on an error (errno).
  explicit Bell(std::uint64_t id);

  bool is_open() const { return socket_.is_open(); }
  int descriptor() const { return socket_.number(); }
  static constexpr LanAlarm alarm() { return {LanAlarm::Kind::bell, 0}; }
  // Takes the rings back: the descriptor is no longer readable.
  void silence() const;

 private:
  Descriptor socket_;
};

// Sleeps until woken or so long, unless the word has another value.
void sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t value, Duration longest);

}  // namespace naru::link::lan
