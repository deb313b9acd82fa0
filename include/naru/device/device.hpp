// Device: what stands between hosts and passes frames on, a hub or a switch.
//
//   stack ══ wire ══ port 0 ┌────────┐ port 1 ══ wire ══ stack
//                           │ device │
//                           └────────┘ port 2 ══ wire ══ stack
//
// A port is a link: the end of a memory wire, a tap, a place at a lan, bare or behind
// faults and a capture. A device is driven like a stack: it never waits, and whoever
// drives it calls poll() when a link rings and at next_deadline(). It has no address.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <naru/base/result.hpp>
#include <naru/link/link.hpp>
#include <naru/time/time.hpp>
#include <naru/trace/event.hpp>

namespace naru::device {

inline constexpr std::uint8_t kMaxPorts = 64;

struct DeviceOptions {
  // Frames of at most 2 KiB, and of 64 KiB, that all ports together hold at a time.
  std::uint32_t small_frames = 4'096;
  std::uint32_t large_frames = 64;
  // Frames that wait at one port for its link to have room; more are lost.
  std::uint32_t queue = 256;
  std::uint32_t trace_events = 0;  // size of the trace ring; 0: none
};

// What has happened at a port.
struct PortStats {
  std::uint64_t rx_frames = 0;
  std::uint64_t tx_frames = 0;
  // Not passed on: received here, and ...
  std::uint64_t malformed = 0;  // shorter than its headers, or from a group address
  std::uint64_t bad_vlan = 0;   // of a VLAN that the port is not in
  std::uint64_t reserved = 0;   // for the next bridge only (802.1Q 8.6.3), or mirrors are sent here
  std::uint64_t filtered = 0;   // for somebody on the same port
  std::uint64_t storm_bound = 0;  // too many for everybody
  // Lost on the way out: the link was down, or its queue was full.
  std::uint64_t tx_dropped = 0;
};

class Device {
 public:
  virtual ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  std::uint8_t port_count() const;
  std::string_view port_name(std::uint8_t port) const;
  const PortStats& stats(std::uint8_t port) const;

  // One turn: takes a burst from each port and passes it on. True when another turn at
  // once would find work.
  bool poll(Time now);
  // Call poll() again at this time at the latest, or when a link rings.
  Time next_deadline() const;
  // Before a sleep on the links' descriptors (Link::arm). False: frames wait, so poll.
  bool arm();

  void set_trace(bool on);
  // The oldest unread trace event.
  const trace::Event* next_trace();
  // Frames that it holds.
  std::uint32_t frames_in_use() const;

 protected:
  struct State;

  // Error::no_memory where there is not enough of it.
  static Result<std::unique_ptr<State>> make_state(const DeviceOptions& options);
  explicit Device(std::unique_ptr<State> state);

  // The link outlives the device. Error::no_memory beyond kMaxPorts.
  Result<std::uint8_t> plug(std::string_view name, link::Link& link);
  State& state() { return *state_; }
  const State& state() const { return *state_; }

 private:
  // A frame came; it is given back afterwards. A tag is taken off (see State::tag_of).
  virtual void take(Packet& frame, std::uint8_t port) = 0;
  // Before frames are taken.
  virtual void begin_turn() {}
  // The link of a port went down.
  virtual void on_down(std::uint8_t port) { (void)port; }

  bool receive(std::uint8_t port);

  std::unique_ptr<State> state_;
};

}  // namespace naru::device
