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
  static constexpr std::uint8_t kTemplateV4 = 34;  // Ethernet and IPv4
  static constexpr std::uint8_t kTemplateV6 = 54;  // Ethernet and IPv6

  IpAddr remote;
  IpAddr asked_local;  // what the caller bound to: :: or an address of ours
  IpAddr source;       // that packets get
  IpAddr next_hop;     // the gateway or the remote itself

  // Ethernet and IP header with everything filled in that all packets share: no tos, flow
  // label, length, id, flags, ttl, protocol, checksum. A hop limit where routers have said one.
  std::array<std::uint8_t, kTemplateV6> header{};
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
  std::uint8_t header_size = kTemplateV4;
  std::uint16_t path_mtu = 0;  // 0: not lowered
  Time path_mtu_expires = kTimeNever;
  std::uint64_t flow_key = 0;  // of IPv6 flow labels (RFC 6437)

  bool is_v6() const { return header_size == kTemplateV6; }
};
static_assert(sizeof(Destination) == 192);

}  // namespace naru::ip
