// What the workloads ask of a contestant: a World of two hosts on an in-memory wire
// under a virtual clock. naru and its in-process peers each provide one, so that all of
// them run the same loops.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "path.hpp"

namespace naru::bench {

struct WorldConfig {
  unsigned mtu = 1500;
  bool checksums = true;
  bool ipv6 = false;
  // How many connections one host must hold, those in TIME_WAIT included.
  unsigned connections = 64;
  // And no more, so that the number in TIME_WAIT stays what it is.
  bool bounded = false;
  // How many ports the server listens on, from kFirstPort.
  unsigned ports = 1;
  // A line between the hosts in place of the immediate wire; its seed + 1 serves the way back.
  std::optional<PathConfig> path;
};

inline constexpr std::uint16_t kFirstPort = 1000;

// A socket is a small handle that may be copied. Calls never block.
template <class H>
concept Host = requires(H host, typename H::Socket s, const std::uint8_t* from, std::uint8_t* to,
                        std::size_t size) {
  { host.accept() } -> std::same_as<std::optional<typename H::Socket>>;
  { host.established(s) } -> std::same_as<bool>;
  // Bytes taken into the send queue, copied; 0 when it is full.
  { host.send(s, from, size) } -> std::same_as<std::size_t>;
  // Bytes copied out of the receive queue; 0 when there is nothing.
  { host.recv(s, to, size) } -> std::same_as<std::size_t>;
  // The peer has finished and all was read.
  { host.at_end(s) } -> std::same_as<bool>;
  host.close(s);
};

template <class W>
concept World = requires(W world, std::uint16_t port) {
  requires Host<typename W::HostType>;
  { world.client() } -> std::same_as<typename W::HostType&>;
  { world.server() } -> std::same_as<typename W::HostType&>;
  // Starts a connection from the client to the server.
  { world.connect(port) } -> std::same_as<typename W::HostType::Socket>;
  // Everything sent so far reaches the server, what the server sends reaches the client;
  // the clock goes on by a microsecond, or over a path to the next thing that happens.
  world.turn();
  { world.now_ns() } -> std::same_as<std::int64_t>;
  // Memory that the hosts hold for their connections, per endpoint, in bytes.
  { world.bytes_per_connection() } -> std::same_as<double>;
};

}  // namespace naru::bench
