// Listener: a listening socket's queues. And BindRecord: who holds which port.
#pragma once

#include <cstdint>

#include <naru/wire/address.hpp>

#include "base/slab.hpp"

namespace naru::tcp {

// Found by its local port through a hash chain. The SYN queue is a count (its
// members are connections in SYN-RECEIVED); the accept queue is a list through
// Connection::ready_next.
struct Listener {
  std::uint32_t next = kNoIndex;        // same hash bucket
  std::uint32_t connection = kNoIndex;  // the listening socket
  std::uint32_t backlog = 0;            // bound of the accept queue
  std::uint32_t syn_count = 0;
  std::uint32_t accept_count = 0;
  std::uint32_t accept_head = kNoIndex;
  std::uint32_t accept_tail = kNoIndex;
};

// A port held by bind() or connect(), until the socket is closed.
struct BindRecord {
  std::uint32_t next = kNoIndex;  // same hash bucket
  std::uint32_t connection = kNoIndex;
};

// Buckets of both chains, by port.
inline constexpr std::uint32_t kPortBuckets = 4096;
constexpr std::uint32_t port_bucket(std::uint16_t port) { return port % kPortBuckets; }

}  // namespace naru::tcp
