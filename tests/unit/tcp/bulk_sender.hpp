// A sender that always has data, on a path without a queue: what a congestion
// controller sees of it.
#pragma once

#include <cstdint>

#include <naru/time/time.hpp>

#include "tcp/congestion/controller.hpp"

namespace naru::tcp {

struct BulkSender {
  Controller controller;
  std::uint32_t smss = 1'000;
  Duration rtt = 100ms;
  Time now = time_from_ns(1'000'000'000);
  std::uint32_t snd_una = 0xffff0000U;  // wraps soon
  bool cwnd_limited = true;

  BulkSender(Algorithm algorithm, Duration round_trip) : rtt(round_trip) {
    controller.start(algorithm, smss, 10);
  }

  // An ACK of `bytes`, now.
  void ack(std::uint32_t bytes) {
    const std::uint32_t flight = controller.cwnd();
    const std::uint32_t snd_nxt = snd_una + flight;
    snd_una += bytes;
    controller.on_ack({.now = now,
                       .acked = bytes,
                       .flight_before = flight,
                       .rtt = rtt,
                       .srtt = rtt,
                       .min_rtt = rtt,
                       .snd_una = snd_una,
                       .snd_nxt = snd_nxt,
                       .cwnd_limited = cwnd_limited});
  }

  // One round trip: the window is acknowledged by ACKs of `ack_size` bytes,
  // evenly spread; 0 acknowledges it at once, at the round's end.
  void round(std::uint32_t ack_size) {
    const std::uint32_t window = controller.cwnd();
    const std::uint32_t acks = ack_size == 0 || window <= ack_size ? 1 : window / ack_size;
    const Time end = now + rtt;
    for (std::uint32_t i = 0; i < acks; ++i) {
      now = i + 1 == acks ? end : now + rtt / acks;
      ack(i + 1 == acks ? window - i * ack_size : ack_size);
    }
  }
  void run(Duration time, std::uint32_t ack_size) {
    for (const Time end = now + time; now < end;) round(ack_size);
  }

  // A loss is found, and recovery is over a round trip later.
  void lose() {
    controller.on_congestion(now, controller.cwnd());
    now += rtt;
    controller.on_recovery_exit(now);
  }

  // Brings the window to this many segments, with a loss just taken there.
  void lose_at(std::uint32_t segments) {
    controller.set_cwnd(segments * smss);
    lose();
  }

  double segments() const { return static_cast<double>(controller.cwnd()) / smss; }
};

}  // namespace naru::tcp
