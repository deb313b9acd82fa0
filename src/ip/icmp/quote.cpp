#include "ip/icmp/quote.hpp"

#include <algorithm>
#include <cstring>

namespace naru::ip {

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
