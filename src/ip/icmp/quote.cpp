#include "ip/icmp/quote.hpp"

#include <algorithm>
#include <cstring>

#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"

namespace naru::ip {

// Cut off anywhere behind those bytes, so that an Ipv4View would refuse it.
std::optional<Quote> parse_quote4(Bytes packet) {
  if (packet.size() < wire::Ipv4::kHeaderSize) return std::nullopt;
  const std::uint8_t* p = packet.data();
  const unsigned version_ihl = p[0];
  const std::size_t header = (version_ihl & 0x0fU) * 4;
  if (version_ihl >> 4U != 4 || header < wire::Ipv4::kHeaderSize) return std::nullopt;
  if (packet.size() < header + Quote::kLeastTransport) return std::nullopt;
  const bool is_later_fragment = (load_be16(p + 6) & 0x1fffU) != 0;
  if (is_later_fragment) return std::nullopt;
  return Quote{.protocol = static_cast<Protocol>(p[9]),
               .source = wire::load_ipv4(p + 12),
               .destination = wire::load_ipv4(p + 16),
               .transport = packet.subspan(header)};
}

std::optional<Quote> parse_quote6(Bytes packet, std::uint8_t interface) {
  const auto view = wire::Ipv6View::parse_quote(packet);
  if (!view || view->payload().size() < Quote::kLeastTransport) return std::nullopt;
  return Quote{.protocol = view->next_header(),
               .source = view->src().with_zone(interface),
               .destination = view->dst().with_zone(interface),
               .transport = view->payload()};
}

ErrorReport report_of(const Quote& quote) {
  const std::uint8_t* t = quote.transport.data();
  ErrorReport report;
  report.protocol = quote.protocol;
  report.local = {.addr = quote.source, .port = load_be16(t)};
  report.remote = {.addr = quote.destination, .port = load_be16(t + 2)};
  report.quoted_seq = load_be32(t + 4);
  if (quote.protocol == Protocol::icmp || quote.protocol == Protocol::icmpv6) {
    report.local.port = load_be16(t + 4);  // the identifier of an echo
    report.remote.port = 0;
  }
  const std::size_t kept = std::min(quote.transport.size(), report.quote.size());
  report.quote_length = static_cast<std::uint16_t>(kept);
  std::memcpy(report.quote.data(), t, kept);
  return report;
}

}  // namespace naru::ip
