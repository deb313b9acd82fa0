// What a server answers from its zones: bytes in, bytes out.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include <naru/dns/zone.hpp>

#include "wire/dns.hpp"

namespace naru::dns {

using Message = std::vector<std::uint8_t>;

enum class Transport : std::uint8_t { udp, tcp };

// A query that can be answered, or what is wrong with it.
struct Request {
  wire::DnsHeader header;
  wire::DnsQuestion question;
  bool has_edns = false;
  std::uint16_t udp_payload = 0;
  std::size_t limit = 0;  // of the response

  // How much of an answer may be sent over UDP, whatever the client offers (RFC 9715).
  static constexpr std::uint16_t kPayload = wire::kDnsUdpPayload;

  // None: nobody is to be answered. Else `refusal` is the response, where there is nothing
  // to be looked for.
  static std::optional<Request> parse(Bytes query, Transport transport,
                                      std::optional<Message>& refusal);
  // A response without records.
  Message fail(DnsRcode rcode, bool recursion_available = false) const;
};

// The zone that is nearest to the name; nullptr: none of them has it.
const Zone* zone_of(std::span<const Zone> zones, const wire::DnsName& name);

// What the zones say; `recursion_available` for the header.
Message answer_from(std::span<const Zone> zones, const Request& request,
                    bool recursion_available = false);

}  // namespace naru::dns
