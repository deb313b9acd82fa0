#include "ip/nat/nat_packet.hpp"

#include "wire/checksum.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::ip {
namespace {

constexpr std::size_t kSourceOffset = 12;
constexpr std::size_t kDestinationOffset = 16;
constexpr std::size_t kIdentifierOffset = 4;  // of an ICMP query

// What the sum of words changes by when some of them are replaced (RFC 1624 eq. 3).
class ChecksumChange {
 public:
  // The word at `field`, in memory order.
  void replace(std::uint8_t* field, std::uint16_t word) {
    const std::uint16_t old = wire::load_checksum(field);
    sum_ += static_cast<std::uint16_t>(~old) + std::uint64_t{word};
    wire::store_checksum(field, word);
  }
  void replace_port(std::uint8_t* field, std::uint16_t port) {
    replace(field, __builtin_bswap16(port));
  }
  void replace_address(std::uint8_t* field, std::uint32_t addr) {
    replace_port(field, static_cast<std::uint16_t>(addr >> 16U));
    replace_port(field + 2, static_cast<std::uint16_t>(addr));
  }
  std::uint16_t apply(std::uint16_t checksum) const {
    return wire::finish(static_cast<std::uint16_t>(~checksum) + sum_);
  }
  void apply_to(std::uint8_t* field) const {
    wire::store_checksum(field, apply(wire::load_checksum(field)));
  }

 private:
  std::uint64_t sum_ = 0;
};

std::optional<NatFlow::Kind> kind_of(std::uint8_t icmp_type) {
  switch (icmp_type) {
    case 8:   // echo
    case 13:  // timestamp
      return NatFlow::Kind::query;
    case 0:
    case 14:
      return NatFlow::Kind::reply;
    default:
      return std::nullopt;
  }
}

std::optional<NatFlow> flow_of(const wire::Ipv4View& packet) {
  constexpr std::size_t kLeast = 8;  // what an ICMP error quotes (RFC 792)
  const Bytes unit = packet.payload();
  if (packet.fragment_offset() != 0 || unit.size() < kLeast) return std::nullopt;
  NatFlow flow;
  flow.protocol = packet.protocol();
  flow.source.addr = packet.src().to_v4();
  flow.destination.addr = packet.dst().to_v4();
  if (flow.protocol == Protocol::tcp || flow.protocol == Protocol::udp) {
    flow.source.port = load_be16(unit.data());
    flow.destination.port = load_be16(unit.data() + 2);
    return flow;
  }
  const auto kind = flow.protocol == Protocol::icmp ? kind_of(unit[0]) : std::nullopt;
  if (!kind) return std::nullopt;
  flow.kind = *kind;
  NatEndpoint& asks = flow.kind == NatFlow::Kind::query ? flow.source : flow.destination;
  asks.port = load_be16(unit.data() + kIdentifierOffset);
  return flow;
}

std::size_t header_size(Bytes packet) { return (packet[0] & 0x0fU) * 4U; }

// Addresses are of the pseudo header of TCP and UDP, so their checksums follow too.
ChecksumChange replace_address(MutableBytes packet, NatSide side, std::uint32_t addr) {
  ChecksumChange change;
  const std::size_t at = side == NatSide::source ? kSourceOffset : kDestinationOffset;
  change.replace_address(packet.data() + at, addr);
  change.apply_to(packet.data() + wire::Ipv4::kChecksumOffset);
  return change;
}

void rewrite_udp(MutableBytes unit, ChecksumChange change) {
  std::uint8_t* field = unit.data() + wire::Udp::kChecksumOffset;
  const std::uint16_t old = wire::load_checksum(field);
  // None stays none (RFC 768), and none is never made of one.
  if (old != 0) wire::store_checksum(field, wire::Udp::nonzero(change.apply(old)));
}

}  // namespace

std::optional<NatFlow> NatFlow::of(const wire::Ipv4View& packet) {
  const auto flow = flow_of(packet);
  if (!flow || packet.is_fragment()) return std::nullopt;
  if (flow->protocol == Protocol::tcp && !wire::TcpView::parse(packet.payload())) {
    return std::nullopt;
  }
  return flow;
}

std::optional<NatFlow> NatFlow::of_quote(Bytes quote) {
  const auto packet = wire::Ipv4View::parse_quote(quote);
  return packet ? flow_of(*packet) : std::nullopt;
}

bool is_translatable_error(wire::Icmpv4Type type) {
  return type == wire::Icmpv4Type::unreachable || type == wire::Icmpv4Type::time_exceeded ||
         type == wire::Icmpv4Type::parameter_problem;
}

void rewrite_address(MutableBytes packet, NatSide side, std::uint32_t addr) {
  replace_address(packet, side, addr);
}

void rewrite(MutableBytes packet, NatSide side, const NatEndpoint& to, bool is_vouched) {
  ChecksumChange change = replace_address(packet, side, to.addr);
  const MutableBytes unit = packet.subspan(header_size(packet));
  const auto protocol = static_cast<Protocol>(packet[9]);
  if (protocol == Protocol::icmp) {
    ChecksumChange of_message;
    of_message.replace_port(unit.data() + kIdentifierOffset, to.port);
    std::uint8_t* field = unit.data() + wire::Icmpv4::kChecksumOffset;
    const std::uint16_t checksum = of_message.apply(wire::load_checksum(field));
    // The same value twice, of which only this one is right for nothing but zeros.
    wire::store_checksum(field, checksum == 0 ? std::uint16_t{0xffff} : checksum);
    return;
  }
  change.replace_port(unit.data() + (side == NatSide::source ? 0 : 2), to.port);
  if (is_vouched) return;
  if (protocol == Protocol::udp) return rewrite_udp(unit, change);
  constexpr std::size_t kEnd = wire::Tcp::kChecksumOffset + 2;  // beyond what must be quoted
  if (unit.size() >= kEnd) change.apply_to(unit.data() + wire::Tcp::kChecksumOffset);
}

void renew_icmp_checksum(MutableBytes message) {
  std::uint8_t* field = message.data() + wire::Icmpv4::kChecksumOffset;
  wire::store_checksum(field, 0);
  wire::store_checksum(field, wire::finish(wire::sum_bytes(message)));
}

}  // namespace naru::ip
