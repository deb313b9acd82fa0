// The workloads, the same loop for every contestant. Application buffers are 64 KiB
// where data flows, and both ends copy.
#pragma once

#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "contestant.hpp"
#include "measure.hpp"

namespace naru::bench {

inline constexpr std::size_t kAppBuffer = 64 * 1024;
inline constexpr std::size_t kMessage = 64;
// Turns without progress after which a workload has failed.
inline constexpr unsigned kPatience = 100'000;

template <World W>
using SocketOf = typename W::HostType::Socket;

// Both ends of an established connection.
template <World W>
struct Ends {
  SocketOf<W> client;
  SocketOf<W> server;
};

// Turns until done() holds.
template <World W, class Done>
void turn_until(W& world, const char* what, Done done) {
  for (unsigned i = 0; !done(); ++i) {
    if (i == kPatience) fail(std::string("nothing happens while waiting for: ") + what);
    world.turn();
  }
}

template <World W>
Ends<W> open(W& world, std::uint16_t port) {
  Ends<W> ends{world.connect(port), {}};
  turn_until(world, "accept", [&] {
    const auto accepted = world.server().accept();
    if (accepted) ends.server = *accepted;
    return accepted.has_value();
  });
  turn_until(world, "connect", [&] { return world.client().established(ends.client); });
  return ends;
}

// Sends one message and turns until the other side has read all of it.
template <World W>
void message(W& world, typename W::HostType& from, SocketOf<W> out, typename W::HostType& to,
             SocketOf<W> in) {
  std::uint8_t request[kMessage] = {};
  if (from.send(out, request, kMessage) != kMessage) fail("a message was not taken whole");
  std::size_t got = 0;
  std::uint8_t buffer[kAppBuffer];
  turn_until(world, "a message", [&] {
    got += to.recv(in, buffer, sizeof buffer);
    return got >= kMessage;
  });
}

template <World W>
void round_trip(W& world, const Ends<W>& ends) {
  message(world, world.client(), ends.client, world.server(), ends.server);
  message(world, world.server(), ends.server, world.client(), ends.client);
}

// A stream of a known pattern from the client to the server.
template <World W>
class Stream {
 public:
  explicit Stream(W& world) : world_(world), ends_(open(world, kFirstPort)) {
    for (std::size_t i = 0; i < 2 * kAppBuffer; ++i) {
      pattern_[i] = static_cast<std::uint8_t>((i % kAppBuffer) * 131 / 7);
    }
  }

  // Turns until `bytes` more have been read.
  void run(std::uint64_t bytes, bool verify) {
    const std::uint64_t end = received_ + bytes;
    for (unsigned idle = 0; received_ < end; ++idle) {
      if (idle == kPatience) fail("the stream stands still");
      const std::uint64_t before = received_;
      fill();
      world_.turn();
      drain(verify);
      if (received_ != before) idle = 0;
    }
  }

  std::uint64_t received() const { return received_; }

 private:
  void fill() {
    for (;;) {
      const std::uint8_t* from = pattern_.data() + sent_ % kAppBuffer;
      const std::size_t n = world_.client().send(ends_.client, from, kAppBuffer);
      if (n == 0) return;
      sent_ += n;
    }
  }

  void drain(bool verify) {
    for (;;) {
      const std::size_t n = world_.server().recv(ends_.server, buffer_.data(), kAppBuffer);
      if (n == 0) return;
      const std::uint8_t* expected = pattern_.data() + received_ % kAppBuffer;
      if (verify && std::memcmp(buffer_.data(), expected, n) != 0) fail("the stream is damaged");
      received_ += n;
    }
  }

  W& world_;
  Ends<W> ends_;
  std::vector<std::uint8_t> pattern_ = std::vector<std::uint8_t>(2 * kAppBuffer);
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kAppBuffer);
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

// Bulk: Gbit of payload per second of CPU time of both ends.
template <World W>
Row bulk(W& world, const WorldConfig& config, const MeasureOptions& options) {
  Stream<W> stream(world);
  stream.run(16 << 20, true);
  const unsigned mss = config.mtu - 40;
  const Sample sample = measure(options, (8 << 20) / mss,
                                [&](std::uint64_t segments) { stream.run(segments * mss, false); });
  const double bytes = static_cast<double>(sample.units) * mss;
  return {.name = "bulk mtu=" + std::to_string(config.mtu) +
                  (config.checksums ? " checksums" : " no-checksums"),
          .contestant = {},
          .value = bytes * 8 / sample.ns,
          .unit = "Gbit/s",
          .unit_of_work = "segment",
          .work = static_cast<double>(sample.units),
          .sample = sample};
}

// 64 bytes there and 64 bytes back on one connection.
template <World W>
Row round_trips(W& world, const MeasureOptions& options) {
  const Ends<W> ends = open(world, kFirstPort);
  const Sample sample = measure(options, 10'000, [&](std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) round_trip(world, ends);
  });
  return {.name = "round trip",
          .contestant = {},
          .value = sample.ns_per_unit(),
          .unit = "ns",
          .unit_of_work = "round trip",
          .work = static_cast<double>(sample.units),
          .sample = sample};
}

// connect, request, response, close; the client closes first and keeps the TIME_WAIT.
template <World W>
void one_connection(W& world, std::uint16_t port) {
  const Ends<W> ends = open(world, port);
  round_trip(world, ends);
  world.client().close(ends.client);
  turn_until(world, "the end", [&] { return world.server().at_end(ends.server); });
  world.server().close(ends.server);
  world.turn();
}

// `time_wait` connections go through first and are still in TIME_WAIT while measuring.
template <World W>
Row connections(W& world, const WorldConfig& config, const MeasureOptions& options,
                unsigned time_wait) {
  std::uint64_t next = 0;
  const auto run = [&](std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i, ++next) {
      one_connection(world, static_cast<std::uint16_t>(kFirstPort + next % config.ports));
    }
  };
  run(time_wait);
  const Sample sample = measure(options, 1000, run);
  return {.name = "connection time-wait=" + std::to_string(time_wait),
          .contestant = {},
          .value = sample.ns_per_unit() / 1000,
          .unit = "us",
          .unit_of_work = "connection",
          .work = static_cast<double>(sample.units),
          .sample = sample};
}

// Opens `n` connections and leaves them idle.
template <World W>
std::vector<Ends<W>> open_many(W& world, const WorldConfig& config, unsigned n) {
  std::vector<Ends<W>> all;
  all.reserve(n);
  for (unsigned i = 0; i < n; ++i) {
    all.push_back(open(world, static_cast<std::uint16_t>(kFirstPort + i % config.ports)));
  }
  return all;
}

// A round trip on a random one of many idle connections.
template <World W>
Row idle_round_trips(W& world, const WorldConfig& config, const MeasureOptions& options,
                     unsigned n) {
  const std::vector<Ends<W>> all = open_many(world, config, n);
  std::mt19937 random(1);
  const Sample sample = measure(options, 1000, [&](std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) round_trip(world, all[random() % n]);
  });
  return {.name = "round trip idle=" + std::to_string(n),
          .contestant = {},
          .value = sample.ns_per_unit(),
          .unit = "ns",
          .unit_of_work = "round trip",
          .work = static_cast<double>(sample.units),
          .sample = sample};
}

// What an established idle connection costs at each of its ends.
template <World W>
Row idle_memory(W& world, const WorldConfig& config, unsigned n) {
  std::vector<Ends<W>> all = open_many(world, config, n);
  round_trip(world, all.front());
  return {.name = "memory per idle connection",
          .contestant = {},
          .value = world.bytes_per_connection(),
          .unit = "bytes"};
}

// What arrives over a bad line, in virtual time.
template <World W>
Row goodput(W& world, double virtual_seconds, double loss) {
  Stream<W> stream(world);
  const std::int64_t start = world.now_ns();
  const auto span = static_cast<std::int64_t>(virtual_seconds * 1e9);
  while (world.now_ns() - start < span) stream.run(1, true);
  const auto took = static_cast<double>(world.now_ns() - start);
  char name[64];
  std::snprintf(name, sizeof name, "goodput loss=%g", loss);
  return {.name = name,
          .contestant = {},
          .value = static_cast<double>(stream.received()) * 8e3 / took,
          .unit = "Mbit/s"};
}

}  // namespace naru::bench
