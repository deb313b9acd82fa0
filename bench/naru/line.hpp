// A long, bad line between two naru hosts: a memory wire at each end, and the two
// directions of bench's Path between their far ends, as lwIP's hosts have it.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include <naru/base/arena.hpp>
#include <naru/buf/packet.hpp>
#include <naru/link/memory.hpp>

#include "path.hpp"

namespace naru::bench {

class Line {
 public:
  Line(const PathConfig& config, const link::MemoryWireOptions& options);

  link::Link& client_end() { return client_wire_.a(); }
  link::Link& server_end() { return server_wire_.b(); }  // the ends of a wire differ in MAC
  // Takes what the hosts have sent, and gives them what has arrived by now.
  void carry(Time now);
  // When the next frame arrives.
  Time next_arrival() const;

 private:
  void collect(link::Link& from, Path& path, Time now);
  void deliver(Path& path, link::Link& to, Time now);

  link::MemoryWire client_wire_;
  link::MemoryWire server_wire_;
  Path to_server_;
  Path to_client_;
  ArenaMapping memory_;
  PacketPool pool_;
};

}  // namespace naru::bench
