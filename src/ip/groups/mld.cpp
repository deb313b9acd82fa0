#include "ip/groups/mld.hpp"

#include "wire/ethernet.hpp"
#include "wire/icmpv6.hpp"

namespace naru::ip {
namespace {

using wire::Icmpv6Type;

// RFC 3810 5.1.14, RFC 2710 3: hop limit 1, and marked for routers to look at. (No message is
// so long that it would have to be cut.)
bool is_from_link(const Packet& packet) {
  if (packet.ttl != 1 || packet.interface == kLoopback || packet.fragmented) return false;
  const Bytes whole{packet.buffer() + packet.network_offset, packet.data + packet.length};
  const auto view = wire::Ipv6View::parse(whole);
  return view && wire::Ipv6Chain::of(*view, true, false).router_alert == wire::RouterAlert::kMld;
}

Drop input_query(const Packet& packet, const wire::MldView& query, GroupReporter& reporter,
                 Time now) {
  const unsigned version = query.version();
  const IpAddr group = query.group();
  const bool is_of_v6 = group.is_v6() && (group.is_any() || group.is_multicast());
  if (version == 0 || !is_of_v6) return Drop::mld_malformed;
  if (!packet.source.is_link_local()) return Drop::mld_ignored;
  reporter.on_query(packet.interface,
                    {.dialect = version == 1 ? Dialect::groups : Dialect::records,
                     .group = group,
                     .router = packet.source,
                     .longest = query.max_response()},
                    now);
  return Drop::none;
}

// Who asks for his link-local address has none yet (RFC 3590 4).
Drop input_report(const Packet& packet, const wire::MldView& report, GroupReporter& reporter,
                  Time now) {
  const IpAddr& source = packet.source;
  if (report.group() != packet.destination) return Drop::mld_malformed;
  if (!source.is_link_local() && !source.is_any()) return Drop::mld_ignored;
  reporter.on_report(packet.interface, report.group(), source, now);
  return Drop::none;
}

}  // namespace

Drop input_mld(const Packet& packet, GroupReporter& reporter, Time now) {
  const auto view = wire::MldView::parse(packet.bytes());
  if (!view) return Drop::mld_malformed;
  if (!is_from_link(packet)) return Drop::mld_ignored;
  switch (view->type()) {
    case Icmpv6Type::mld_query:
      return input_query(packet, *view, reporter, now);
    case Icmpv6Type::mld_report:
      return input_report(packet, *view, reporter, now);
    default:
      return Drop::mld_ignored;  // of routers
  }
}

// RFC 3810 5: to the link only, with Router Alert, from the link-local address. As long as that
// is not ours to use, from nobody (5.2.13).
void MldWire::send(Context& context, InterfaceTable& interfaces, Packet* message, const IpAddr& to,
                   Time now) {
  const std::uint8_t index = message->interface;
  const Address* own = interfaces.link_local(index);
  const bool is_usable = own != nullptr && own->state == AddressState::valid;
  const IpAddr source = is_usable ? own->addr : IpAddr::any_v6();
  wire::fill_icmpv6_checksum(message->mutable_bytes(), source, to);
  wire::RouterAlert::emit(message->push(wire::RouterAlert::kSize), Protocol::icmpv6,
                          wire::RouterAlert::kMld);
  wire::Ipv6 header{.src = source,
                    .dst = to,
                    .next_header = Protocol{wire::ipv6_header::kHopByHop},
                    .hop_limit = 1};
  header.payload_length = static_cast<std::uint16_t>(message->length);
  header.emit(message->push(wire::Ipv6::kHeaderSize));
  wire::Ethernet{wire::group_mac_v6(to), interfaces.at(index).mac, wire::kEtherTypeIpv6}.emit(
      message->push(wire::Ethernet::kHeaderSize));
  context.counters->add(Counter::mld_out);
  context.send(message, now);
}

}  // namespace naru::ip
