// What a NAT reads of a packet, and what it changes.
#pragma once

#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "ip/nat/nat_table.hpp"
#include "wire/icmpv4.hpp"
#include "wire/ipv4.hpp"

namespace naru::ip {

// Who talks to whom, by what a packet says of itself. Of an ICMP query the identifier is
// the port of who asks, and of its reply of who is answered; the other has port 0.
struct NatFlow {
  enum class Kind : std::uint8_t { data, query, reply };  // the latter two of ICMP

  Protocol protocol{};
  Kind kind = Kind::data;
  NatEndpoint source;
  NatEndpoint destination;

  // Of the session on its way outside.
  NatKey key() const { return NatKey::of(protocol, source, destination); }

  // None for what a NAT cannot translate: other protocols and messages (RFC 5508 REQ-10),
  // later fragments, and units that are shorter than their headers.
  static std::optional<NatFlow> of(const wire::Ipv4View& packet);
  // Of the start of a packet, as an ICMP error quotes it.
  static std::optional<NatFlow> of_quote(Bytes quote);
};

// An ICMP error that a NAT passes on: unreachable, time exceeded, parameter problem.
bool is_translatable_error(wire::Icmpv4Type type);

enum class NatSide : std::uint8_t { source, destination };

// Gives one side of a packet, or of the start of one, another address, or address and
// port. All checksums that are there follow (RFC 1624); `is_vouched`: that of layer 4 is
// still to be made.
void rewrite_address(MutableBytes packet, NatSide side, std::uint32_t addr);
void rewrite(MutableBytes packet, NatSide side, const NatEndpoint& to, bool is_vouched);
// Of an ICMP message in which anything was changed.
void renew_icmp_checksum(MutableBytes message);

}  // namespace naru::ip
