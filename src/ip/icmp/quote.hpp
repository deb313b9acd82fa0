// Quote: what an ICMP message repeats of a packet of ours.
#pragma once

#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "ip/types.hpp"

namespace naru::ip {

struct Quote {
  // Enough to know whose packet it was (RFC 792; RFC 4443 2.4 (c) has more).
  static constexpr std::size_t kLeastTransport = 8;

  Protocol protocol{};
  IpAddr source;
  IpAddr destination;
  Bytes transport;  // at least kLeastTransport
};

// Nothing, unless the first kLeastTransport bytes of the layer above are there. An address of
// IPv6 is in the zone of the interface.
std::optional<Quote> parse_quote4(Bytes packet);
std::optional<Quote> parse_quote6(Bytes packet, std::uint8_t interface);

// For whoever sent it: what is quoted, without what the message says of it.
ErrorReport report_of(const Quote& quote);

}  // namespace naru::ip
