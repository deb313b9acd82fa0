// The extension headers of IPv6 (RFC 8200 4): walked in their order, each once.
//
//   base header ─> hop-by-hop ─> destination options ─> routing ─> fragment ─> upper layer
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>

#include "wire/ipv6.hpp"

namespace naru::wire {

namespace ipv6_header {
inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kFragment = 44;
inline constexpr std::uint8_t kDestinationOptions = 60;
}  // namespace ipv6_header

// Whether a value of a Next Header field names an extension header that hosts know.
constexpr bool is_ipv6_extension(std::uint8_t next_header) {
  using namespace ipv6_header;
  return next_header == kHopByHop || next_header == kRouting || next_header == kFragment ||
         next_header == kDestinationOptions;
}

// A hop-by-hop header with the router alert option and nothing else (RFC 2711).
struct RouterAlert {
  static constexpr std::size_t kSize = 8;
  static constexpr std::uint8_t kOption = 5;
  static constexpr std::uint16_t kMld = 0;

  // Writes kSize bytes.
  static void emit(std::uint8_t* p, Protocol next_header, std::uint16_t value) {
    p[0] = static_cast<std::uint8_t>(next_header);
    p[1] = 0;
    p[2] = kOption;
    p[3] = sizeof value;
    store_be16(p + 4, value);
    store_be16(p + 6, kPadN);
  }

 private:
  static constexpr std::uint16_t kPadN = 0x0100;  // of two bytes
};

// The header of a fragment (RFC 8200 4.5).
struct Ipv6Fragment {
  static constexpr std::size_t kSize = 8;

  std::uint32_t at = 0;                  // where the header is, from the start of the packet
  std::uint32_t next_header_offset = 0;  // of the field that names it
  std::uint8_t next_header = 0;
  std::uint16_t offset = 0;  // in bytes
  bool more = false;
  std::uint32_t id = 0;

  // A packet in one piece that carries the header all the same (RFC 6946).
  bool is_atomic() const { return offset == 0 && !more; }

  // Writes kSize bytes.
  void emit(std::uint8_t* p) const {
    p[0] = next_header;
    p[1] = 0;
    store_be16(p + 2, static_cast<std::uint16_t>(offset | (more ? 1U : 0U)));
    store_be32(p + 4, id);
  }
};

// What is to be done with a packet, from its headers up to the upper layer's.
struct Ipv6Chain {
  // Bounds of RFC 8504 5.3: who needs more wants to keep us busy.
  static constexpr unsigned kMaxHeaders = 8;
  static constexpr unsigned kMaxOptions = 8;  // of one header, without padding
  static constexpr unsigned kMaxPadding = 7;  // bytes one after the other

  enum class Fault : std::uint8_t {
    none,
    malformed,     // dropped without a word
    option,        // one with action 01: dropped without a word
    header_field,  // answered by a parameter problem: code 0
    next_header,   // code 1
    bad_option,    // code 2
  };

  Fault fault = Fault::none;
  std::uint32_t pointer = 0;  // to what is at fault
  // Where there is no fault: the protocol above, unless a fragment is only a part of it.
  std::uint8_t upper = 0;
  std::uint32_t upper_at = 0;            // from the start of the packet
  std::uint32_t next_header_offset = 0;  // of the field that names it
  std::optional<Ipv6Fragment> fragment;
  // What routers are to look at it for (RFC 2711 2.1).
  std::optional<std::uint16_t> router_alert;

  // `is_to_group`: options with action 11 are then dropped without a word. `is_whole`: the
  // packet was put together, so that it has no fragment header (any more).
  static Ipv6Chain of(const Ipv6View& packet, bool is_to_group, bool is_whole);
};

}  // namespace naru::wire
