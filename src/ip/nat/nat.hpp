// Nat: what a router translates, and into what (RFC 3022).
#pragma once

#include <cstdint>

#include "ip/nat/nat_packet.hpp"
#include "ip/nat/nat_table.hpp"
#include "ip/types.hpp"

namespace naru::ip {

struct Nat {
  NatTable table;
  std::uint8_t outside = kAnyInterface;  // the interface
  std::uint32_t address = 0;             // its address, in host order; 0: it has none now

  bool is_on() const { return outside != kAnyInterface; }
};

// In Packet::flags, beside kForwarded: the packet's destination was translated.
inline constexpr std::uint16_t kForInside = 4;

// What is to become of one packet.
struct NatPlan {
  bool applies = false;
  bool is_error = false;  // an ICMP error: `flow` is that of what it quotes
  bool from_inside = false;
  NatFlow flow{};
  NatSession* own = nullptr;      // of who sends, where it is known already
  NatMapping* inside = nullptr;   // whose inside endpoint it goes to
  NatMapping* outward = nullptr;  // of an error: whose outside endpoint is to be seen in the quote
};

}  // namespace naru::ip
