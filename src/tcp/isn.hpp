// Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 7.1): the
// two numbers of a connection that an outsider must not guess.
#pragma once

#include <cstdint>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "base/siphash.hpp"
#include "tcp/tuple_hash.hpp"

namespace naru::tcp {

// ISN = M + F(4-tuple, secret): M counts every 4 microseconds, so a tuple that is
// used again starts above the sequence numbers of its last life.
inline std::uint32_t initial_sequence(const SipKey& secret, const Endpoint& local,
                                      const Endpoint& remote, Time now) {
  const auto m = static_cast<std::uint64_t>(nanoseconds(now)) / 4'000U;
  return static_cast<std::uint32_t>(m + tuple_hash(secret, local, remote));
}

// What is added to the millisecond clock in TSval. It depends on the addresses
// alone, so that timestamps go on rising when a tuple is used again (PAWS and
// TIME-WAIT compare them) while the host's uptime stays its secret. The key is
// not that of the sequence numbers.
inline std::uint32_t timestamp_offset(const SipKey& key, const IpAddr& local,
                                      const IpAddr& remote) {
  return static_cast<std::uint32_t>(tuple_hash(key, {local, 0}, {remote, 0}));
}

}  // namespace naru::tcp
