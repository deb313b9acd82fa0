// What all parts of the ip room share.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include <naru/buf/packet.hpp>
#include <naru/config/counters.hpp>
#include <naru/config/options.hpp>
#include <naru/random/random.hpp>

#include "base/change_mark.hpp"
#include "base/siphash.hpp"
#include "ip/types.hpp"
#include "time/timer_wheel.hpp"
#include "trace/ring.hpp"

namespace naru::ip {

// Whose timer it is, so that all of them can be on one wheel.
enum class TimerKind : std::uint8_t {
  neighbour,
  address,
  reassembly,
  path_mtu,
  group_report,
  report_port,
  nat_session,
  nat_mapping,
  learned,
  router_solicitor,
  router_advertiser
};

struct Timer : TimerNode {
  explicit Timer(TimerKind k) : kind(k) {}

  TimerKind kind;
};

struct Context {
  const Options* options = nullptr;
  Counters* counters = nullptr;
  trace::Ring* trace = nullptr;
  Random* random = nullptr;
  PacketPool* pool = nullptr;
  SipKey key;
  TimerWheel wheel;
  ChangeMark configuration;  // interfaces, addresses or routes are being changed

  // Frames that ip sends by itself.
  static constexpr std::uint32_t kMaxOutput = 1'024;
  PacketQueue output;

  std::uint64_t hash(const IpAddr& addr, std::uint64_t more = 0) const {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(addr.bytes());
    return siphash(key, {words[0], words[1], more});
  }

  // Counts a drop and gives the packet back.
  Drop drop(Packet* packet, Drop reason, Time now) {
    trace->emit({.at = now,
                 .kind = trace::Kind::dropped,
                 .protocol = static_cast<Protocol>(packet->protocol),
                 .interface = packet->interface,
                 .length = packet->length,
                 .extra = static_cast<std::uint32_t>(reason),
                 .local = {.addr = packet->destination, .port = 0},
                 .remote = {.addr = packet->source, .port = 0}});
    pool->give_back(packet);
    return counters->drop(reason);
  }

  // Queues a whole frame; a full queue drops it.
  void send(Packet* frame, Time now) {
    if (output.size() >= kMaxOutput) {
      drop(frame, Drop::tx_refused, now);
      return;
    }
    output.push_back(frame);
  }

  // Uniform in [low, high].
  Duration random_between(Duration low, Duration high) {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(high - low).count();
    return low +
           std::chrono::milliseconds(random->below(static_cast<std::uint32_t>(milliseconds) + 1));
  }
};

}  // namespace naru::ip
