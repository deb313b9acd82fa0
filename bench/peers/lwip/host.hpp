// One lwIP host behind a table of functions.
//
// lwIP keeps its state in global variables, so a process that wants two hosts needs two
// copies of its code: core.c and host.cpp are linked into one relocatable object, and
// `twin` makes two of it whose symbols begin with a_ and b_. Inside a copy all calls are
// direct; only the benchmark goes through this table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "frame_pieces.hpp"

namespace naru::bench::lwip {

// One end of a TCP connection; belongs to its host.
struct Connection;

struct HostConfig {
  std::uint8_t number = 1;   // 10.0.0.<number>, 02:00:00:00:00:<number>
  unsigned connections = 0;  // above 0: no more than these, TIME_WAIT included
};

// Where a host's frames go.
using Transmit = void (*)(void* context, Pieces frame);

struct HostApi {
  void (*start)(const HostConfig& config, Transmit transmit, void* context);
  // A frame from the wire: copied into a buffer of this host's pool, as a NIC does it,
  // and queued for poll(). A full queue drops it. The context is unused.
  void (*receive)(void* context, Pieces frame);
  // Timers that are due at now, then the frames that were queued.
  void (*poll)(std::int64_t now_ns);
  // When poll() has something to do even if no frame comes.
  std::int64_t (*next_deadline_ns)();

  void (*listen)(std::uint16_t port);
  Connection* (*accept)();
  Connection* (*connect)(std::uint8_t number, std::uint16_t port);
  bool (*established)(const Connection* c);
  // Copies into the send queue and sends what may be sent; how many bytes were taken.
  std::size_t (*send)(Connection* c, const std::uint8_t* data, std::size_t size);
  // Copies out of the receive queue; 0 when nothing is there.
  std::size_t (*recv)(Connection* c, std::uint8_t* data, std::size_t size);
  // The peer has finished and everything was read.
  bool (*at_end)(const Connection* c);
  void (*close)(Connection* c);
  // What lwIP holds for one idle connection: an element of its PCB pool.
  std::size_t (*idle_bytes)();

  // How it was compiled.
  unsigned mtu;
  bool checksums;
  bool real_clock;  // poll()'s time is ignored
};

}  // namespace naru::bench::lwip
