// What every device has: ports, the frames that they hold, the trace.
#pragma once

#include <array>
#include <optional>
#include <string>

#include <naru/base/arena.hpp>
#include <naru/buf/packet.hpp>
#include <naru/device/device.hpp>

#include "trace/ring.hpp"

namespace naru::device {

// A frame is kept without its 802.1Q tag, which is kept beside it: so a tag is put on and
// taken off without moving the frame, and segments that a link delivered as one are seen
// for what they are under a tag too.
struct Device::State {
  struct Port {
    link::Link* link = nullptr;
    std::string name;
    bool is_up = true;
    PacketQueue waiting;
    PortStats stats;
  };

  State(ArenaMapping mapping, const DeviceOptions& device_options)
      : arena(std::move(mapping)), options(device_options) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // The tag control information of a tagged frame: priority and VLAN (802.1Q 9.6).
  static std::optional<std::uint16_t> tag_of(const Packet& frame) {
    return frame.flags == kTagged ? std::optional(static_cast<std::uint16_t>(frame.seq))
                                  : std::nullopt;
  }
  // Takes the tag off. False where the frame is shorter than its headers.
  static bool take_tag_off(Packet& frame);

  // Sends a frame, with this tag or none, or has it wait for room.
  void send(const Packet& frame, std::optional<std::uint16_t> tag, std::uint8_t port);
  void release_waiting(std::uint8_t port);
  void emit(trace::Kind kind, const Packet& frame, std::uint8_t port, std::uint32_t extra,
            const MacAddr& mac = {});

  ArenaMapping arena;
  DeviceOptions options;
  PacketPool packets;
  trace::Ring trace;
  std::array<Port, kMaxPorts> ports;
  std::uint8_t count = 0;
  Time now{};

 private:
  static constexpr std::uint16_t kTagged = 1;  // Packet::flags; the tag is in Packet::seq

  static void set_tag(Packet& frame, std::optional<std::uint16_t> tag);
  bool transmit(const Packet& frame, std::optional<std::uint16_t> tag, Port& port);
  void hold(const Packet& frame, std::optional<std::uint16_t> tag, Port& port);
};

}  // namespace naru::device
