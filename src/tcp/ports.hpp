// Ephemeral ports (RFC 6056): which local port a connection gets.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include <naru/base/arena.hpp>
#include <naru/base/result.hpp>
#include <naru/random/random.hpp>
#include <naru/wire/address.hpp>

#include "base/siphash.hpp"
#include "tcp/tuple_hash.hpp"

namespace naru::tcp {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;  // inclusive

  std::uint32_t size() const {
    return last < first ? 0 : static_cast<std::uint32_t>(last - first) + 1;
  }
};

// How many connections and TIME-WAIT records have a local port.
class PortUse {
 public:
  [[nodiscard]] bool init(Arena& arena) {
    count_ = static_cast<std::uint32_t*>(arena.take(kPorts * sizeof(std::uint32_t)));
    return count_ != nullptr;  // the arena is new: all are zero, and cost nothing
  }
  void add(std::uint16_t port) { ++count_[port]; }
  void remove(std::uint16_t port) { --count_[port]; }
  bool any(std::uint16_t port) const { return count_[port] != 0; }
  void clear() { std::fill_n(count_, kPorts, 0U); }

 private:
  static constexpr std::size_t kPorts = 65'536;

  std::uint32_t* count_ = nullptr;
};

// Double-hash port selection (RFC 6056 3.3.4) with random increments (3.3.5): a
// keyed hash of the destination says where its walk through the range begins and
// with which stride it goes; a counter, shared by the destinations that hash to
// it, says how far it is. So ports of one destination come back late (after
// TIME-WAIT), and those of one destination tell nothing of another's.
//
// The stride has no divisor in common with the size of the range: a walk meets
// every port once, also past long runs of ports in use.
class EphemeralPorts {
 public:
  void start(const SipKey& key) { key_ = key; }

  // A port for which `in_use(port)` is false; Error::address_not_available only
  // when it is true for all of the range.
  template <class InUse>
  Result<std::uint16_t> choose(PortRange range, const IpAddr& local, const Endpoint& remote,
                               Random& random, InUse&& in_use) {
    const std::uint32_t size = range.size();
    if (size == 0) return std::unexpected(Error::address_not_available);
    const std::uint64_t hash = tuple_hash(key_, {local, 0}, remote);
    std::uint32_t& counter = counters_[hash % kCounters];
    const std::uint32_t stride = coprime(static_cast<std::uint32_t>(hash >> 8U & 0xffffffU), size);
    const std::uint32_t begin = static_cast<std::uint32_t>(hash >> 32U) % size;
    counter += 1 + random.below(kMaxIncrement);
    std::uint64_t at = (begin + std::uint64_t{counter} * stride) % size;
    for (std::uint32_t i = 0; i < size; ++i, at = (at + stride) % size) {
      const auto port = static_cast<std::uint16_t>(range.first + at);
      if (in_use(port)) continue;
      counter += i;
      return port;
    }
    return std::unexpected(Error::address_not_available);
  }

 private:
  static constexpr std::size_t kCounters = 256;
  static constexpr std::uint32_t kMaxIncrement = 8;

  // The first number from `wish` on that shares no divisor with `size`.
  static std::uint32_t coprime(std::uint32_t wish, std::uint32_t size) {
    std::uint32_t n = wish % size;
    while (std::gcd(n, size) != 1) ++n;
    return n;
  }

  SipKey key_;
  std::array<std::uint32_t, kCounters> counters_{};
};

}  // namespace naru::tcp
