// Fields of a header, and headers as words.
//
// A header is put together in registers and stored in words, and its checksum
// is taken from those registers: reading back what has just been stored in
// narrower pieces would wait until the stores have reached the cache.
#pragma once

#include <array>
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

// A big-endian field at the bottom of a word; to be shifted to its place.
constexpr std::uint64_t be16(std::uint16_t v) { return __builtin_bswap16(v); }
constexpr std::uint64_t be32(std::uint32_t v) { return __builtin_bswap32(v); }

// Words as they lie in memory.
inline std::uint64_t load_word64(const std::uint8_t* p) {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline std::uint32_t load_word32(const std::uint8_t* p) {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_word64(std::uint8_t* p, std::uint64_t v) { std::memcpy(p, &v, sizeof v); }
inline void store_word32(std::uint8_t* p, std::uint32_t v) { std::memcpy(p, &v, sizeof v); }

// Compared where they lie.
inline bool is_mac(const std::uint8_t* p, const MacAddr& mac) {
  const std::uint8_t* m = mac.bytes.data();
  std::uint16_t tail[2];
  std::memcpy(&tail[0], p + 4, 2);
  std::memcpy(&tail[1], m + 4, 2);
  return load_word32(p) == load_word32(m) && tail[0] == tail[1];
}

inline IpAddr load_ipv4(const std::uint8_t* p) { return IpAddr::v4(load_be32(p)); }
// The four bytes of an IPv4 address as they lie in memory.
inline std::uint32_t ipv4_word(const IpAddr& addr) { return load_word32(addr.bytes().data() + 12); }
inline void store_ipv4(std::uint8_t* p, const IpAddr& addr) { store_word32(p, ipv4_word(addr)); }

inline IpAddr load_ipv6(const std::uint8_t* p) {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), p, bytes.size());
  return IpAddr::v6(bytes);
}
// A zone stays behind.
inline void store_ipv6(std::uint8_t* p, const IpAddr& addr) {
  const IpAddr on_wire = addr.without_zone();
  std::memcpy(p, on_wire.bytes().data(), 16);
}

}  // namespace naru::wire
