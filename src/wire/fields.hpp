// Addresses as fields of a header.
#pragma once

#include <cstdint>
#include <cstring>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru::wire {

inline MacAddr load_mac(const std::uint8_t* p) {
  MacAddr mac;
  std::memcpy(mac.bytes.data(), p, 6);
  return mac;
}
inline void store_mac(std::uint8_t* p, const MacAddr& mac) { std::memcpy(p, mac.bytes.data(), 6); }

inline IpAddr load_ipv4(const std::uint8_t* p) { return IpAddr::v4(load_be32(p)); }
inline void store_ipv4(std::uint8_t* p, const IpAddr& addr) {
  std::memcpy(p, addr.bytes().data() + 12, 4);
}

}  // namespace naru::wire
