// Destination: everything needed to send to one remote address, worked out once.
#pragma once

#include <array>
#include <cstdint>

#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "base/list.hpp"

namespace naru::ip {

// How somebody outside names a destination: 8 bytes, checked with Ip::is_current().
struct DestinationRef {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0: never current
};

struct PathMtuOrder;

// Sending touches its second and third cache line.
struct alignas(64) Destination : ListHook<PathMtuOrder> {
  static constexpr std::size_t kTemplate = 34;  // Ethernet and IPv4

  IpAddr remote;
  IpAddr asked_local;  // what the caller bound to: :: or an address of ours
  IpAddr source;       // that packets get
  IpAddr next_hop;     // the gateway or the remote itself

  // Ethernet and IPv4 header with everything filled in that all packets share: no
  // tos, length, id, flags, ttl, protocol, checksum.
  std::array<std::uint8_t, kTemplate> header{};
  std::uint16_t mtu = 0;                // of the path
  std::uint64_t address_sum = 0;        // of both addresses, folded: for header and pseudo header
  std::uint32_t neighbour = 0;          // index; kNoIndex for groups and ourselves
  std::uint32_t neighbour_version = 0;  // that the header's MAC is from
  std::uint32_t generation = 0;
  std::uint32_t epoch = 0;     // of the routes and addresses that it was made from
  std::uint16_t id = 0;        // counts the identifications (see identification.hpp)
  std::uint8_t interface = 0;  // that packets leave by
  bool referenced = false;     // since the clock hand passed
  bool is_broadcast = false;
  bool is_multicast = false;
  bool is_local = false;
  bool loops_back = false;  // a group that we belong to ourselves

  std::uint32_t next = 0;  // in the hash chain
  std::uint8_t asked_interface = 0;
  std::uint16_t path_mtu = 0;  // 0: not lowered
  Time path_mtu_expires = kTimeNever;
};
static_assert(sizeof(Destination) == 192);

}  // namespace naru::ip
