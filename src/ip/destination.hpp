// Destination: everything needed to send to one remote address, worked out once.
#pragma once

#include <array>
#include <cstdint>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru::ip {

// How somebody outside names a destination: 8 bytes, checked with Ip::is_current().
struct DestinationRef {
  std::uint32_t index = 0xffffffffU;
  std::uint32_t generation = 0;
};

struct alignas(64) Destination {
  static constexpr std::size_t kTemplate = 34;  // Ethernet and IPv4

  IpAddr remote;
  IpAddr source;       // that packets get
  IpAddr asked_local;  // what the caller bound to: part of the key
  // Ethernet + IPv4 header with everything filled in but length, id, flags, ttl,
  // protocol, tos and checksum.
  std::array<std::uint8_t, kTemplate> header;
  std::uint8_t asked_interface;  // part of the key
  std::uint8_t interface;        // that packets leave by
  std::uint64_t address_sum;     // both addresses, for header and pseudo header checksums
  std::uint32_t generation;      // changes whenever anything below or above did
  std::uint32_t epoch;           // of the routes and addresses it was made from
  std::uint32_t neighbour;       // index, kNoIndex for group addresses and ourselves
  std::uint32_t neighbour_version;
  std::uint32_t next;  // in the hash chain
  std::uint16_t mtu;   // of the path
  std::uint16_t id;    // next IPv4 identification
  Time path_mtu_expires;
  std::uint8_t referenced : 1;  // since the clock hand passed (eviction)
  std::uint8_t is_broadcast : 1;
  std::uint8_t is_multicast : 1;
  std::uint8_t is_local : 1;
  std::uint8_t loops_back : 1;  // a group that we belong to
};
static_assert(sizeof(Destination) <= 192);

}  // namespace naru::ip
