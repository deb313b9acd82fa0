#include "link/layout.hpp"

#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::link {

namespace {

// What the IP header says; gives the transport header and what follows.
std::optional<Bytes> open_ipv4(Bytes packet, Layout& layout) {
  const auto ip = wire::Ipv4View::parse(packet);
  if (!ip || ip->is_fragment()) return std::nullopt;
  layout.ipv4 = true;
  layout.protocol = ip->protocol();
  layout.src = ip->src();
  layout.dst = ip->dst();
  return ip->payload();
}

// Only without extension headers.
std::optional<Bytes> open_ipv6(Bytes packet, Layout& layout) {
  const auto ip = wire::Ipv6View::parse(packet);
  if (!ip) return std::nullopt;
  layout.protocol = ip->next_header();
  layout.src = ip->src();
  layout.dst = ip->dst();
  return ip->payload();
}

}  // namespace

std::optional<Layout> find_layout(Bytes frame) {
  const auto ethernet = wire::EthernetHeader::parse(frame);
  if (!ethernet) return std::nullopt;
  Layout layout;
  const Bytes packet = frame.subspan(ethernet->payload_offset);
  std::optional<Bytes> transport;
  if (ethernet->ether_type == wire::kEtherTypeIpv4) transport = open_ipv4(packet, layout);
  if (ethernet->ether_type == wire::kEtherTypeIpv6) transport = open_ipv6(packet, layout);
  if (!transport) return std::nullopt;

  std::size_t header = 0;
  if (layout.protocol == Protocol::tcp) {
    const auto tcp = wire::TcpView::parse(*transport);
    if (!tcp) return std::nullopt;
    header = tcp->header_size();
    layout.checksum_offset = wire::Tcp::kChecksumOffset;
  } else if (layout.protocol == Protocol::udp && transport->size() >= wire::Udp::kHeaderSize) {
    header = wire::Udp::kHeaderSize;
    layout.checksum_offset = wire::Udp::kChecksumOffset;
  } else {
    return std::nullopt;
  }
  layout.transport_offset = static_cast<std::uint32_t>(transport->data() - frame.data());
  layout.transport_length = static_cast<std::uint32_t>(transport->size());
  layout.header_length = layout.transport_offset + static_cast<std::uint32_t>(header);
  return layout;
}

void fill_checksum(MutableBytes frame) {
  const auto layout = find_layout(frame);
  if (!layout) return;
  std::uint8_t* transport = frame.data() + layout->transport_offset;
  std::uint8_t* field = transport + layout->checksum_offset;
  const bool udp = layout->protocol == Protocol::udp;
  if (udp && layout->ipv4 && wire::load_checksum(field) == 0) return;
  wire::store_checksum(field, 0);
  const std::uint64_t pseudo =
      wire::pseudo_header_sum(layout->src, layout->dst, layout->protocol, layout->transport_length);
  const std::uint16_t checksum =
      wire::finish(wire::sum_bytes(transport, layout->transport_length, pseudo));
  wire::store_checksum(field, udp ? wire::Udp::nonzero(checksum) : checksum);
}

}  // namespace naru::link
