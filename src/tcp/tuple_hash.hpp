// A connection's addresses under a secret key: one form for ISNs, cookies and ports.
#pragma once

#include <cstdint>
#include <cstring>

#include <naru/wire/address.hpp>

#include "base/siphash.hpp"

namespace naru::tcp {

// SipHash of both addresses, the ports (0 where they do not matter) and one more
// value. Two IPv4 addresses share a word; the length is part of the hash, so the
// short form never meets the long one.
inline std::uint64_t tuple_hash(const SipKey& key, const Endpoint& local, const Endpoint& remote,
                                std::uint64_t extra = 0) {
  const std::uint64_t ports = std::uint64_t{local.port} << 16U | remote.port;
  if (local.addr.is_v4() && remote.addr.is_v4()) {
    const std::uint64_t addresses = std::uint64_t{local.addr.to_v4()} << 32U | remote.addr.to_v4();
    return siphash(key, {addresses, ports, extra});
  }
  std::uint64_t l[2];
  std::uint64_t r[2];
  std::memcpy(l, local.addr.bytes().data(), sizeof l);
  std::memcpy(r, remote.addr.bytes().data(), sizeof r);
  return siphash(key, {l[0], l[1], r[0], r[1], ports, extra});
}

}  // namespace naru::tcp
