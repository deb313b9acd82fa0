#include "ip/groups/igmp.hpp"

#include <array>

#include "wire/ethernet.hpp"
#include "wire/ipv4_options.hpp"

namespace naru::ip {
namespace {

using wire::IgmpType;

constexpr std::array<std::uint8_t, 4> kRouterAlert{wire::Ipv4Option::kRouterAlert, 4, 0, 0};
constexpr std::uint8_t kInternetworkControl = 0xc0;  // RFC 3376 4

// RFC 3376 9.1. Queries never come from further than the link.
Drop input_query(const Packet& packet, const wire::IgmpView& query, GroupReporter& reporter,
                 Time now) {
  const unsigned version = query.version();
  const IpAddr group = query.group();
  const bool is_general = group.is_any();
  if (version == 0 || (!is_general && !group.is_multicast())) return Drop::igmp_malformed;
  if (packet.ttl != 1 || (is_general && packet.destination != InterfaceTable::kAllHosts)) {
    return Drop::igmp_ignored;
  }
  constexpr std::array kDialects{Dialect::joins, Dialect::groups, Dialect::records};
  reporter.on_query(packet.interface,
                    {.dialect = kDialects[version - 1],
                     .group = group,
                     .router = packet.source,
                     .longest = query.max_response()},
                    now);
  return Drop::none;
}

}  // namespace

Drop input_igmp(const Packet& packet, GroupReporter& reporter, Time now) {
  const auto view = wire::IgmpView::parse(packet.bytes());
  if (!view) return Drop::igmp_malformed;
  if (!view->checksum_ok()) return Drop::igmp_bad_checksum;
  switch (view->type()) {
    case IgmpType::query:
      return input_query(packet, *view, reporter, now);
    case IgmpType::report_v1:
    case IgmpType::report_v2:
      reporter.on_report(packet.interface, view->group(), packet.source, now);
      return Drop::none;
    default:
      return Drop::igmp_ignored;  // of routers
  }
}

// RFC 3376 4: to the link only, with Router Alert, from an address where there is one.
void IgmpWire::send(Context& context, InterfaceTable& interfaces, Packet* message, const IpAddr& to,
                    Time now) {
  static_assert(kIpHeader == wire::Ipv4::kHeaderSize + kRouterAlert.size());
  Message::seal(message->mutable_bytes());
  const Address* source = interfaces.select_source(message->interface, to);
  wire::Ipv4 header{.src = source == nullptr ? IpAddr::any_v4() : source->addr,
                    .dst = to,
                    .protocol = Protocol::igmp,
                    .ttl = 1,
                    .tos = kInternetworkControl};
  header.total_length = static_cast<std::uint16_t>(kIpHeader + message->length);
  header.emit_with_options(message->push(kIpHeader), kRouterAlert);
  wire::Ethernet{wire::group_mac_v4(to), interfaces.at(message->interface).mac,
                 wire::kEtherTypeIpv4}
      .emit(message->push(wire::Ethernet::kHeaderSize));
  context.counters->add(Counter::igmp_out);
  context.send(message, now);
}

}  // namespace naru::ip
