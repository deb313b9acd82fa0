// Internet Protocol version 6 (RFC 8200): the base header; and its groups (RFC 4291 2.7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/fields.hpp"

namespace naru::wire {

// The header to be sent. `traffic_class` is DSCP and ECN (RFC 2474, RFC 3168).
struct Ipv6 {
  static constexpr std::size_t kHeaderSize = 40;
  static constexpr std::size_t kMaxPayload = 65535;
  static constexpr std::size_t kMinMtu = 1280;  // RFC 8200 5
  static constexpr std::size_t kPayloadLengthOffset = 4;
  static constexpr std::uint32_t kNextHeaderOffset = 6;
  static constexpr std::size_t kHopLimitOffset = 7;
  static constexpr std::uint8_t kNoNextHeader = 59;  // RFC 8200 4.7

  IpAddr src;
  IpAddr dst;
  Protocol next_header = Protocol::tcp;
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;      // 20 bits (RFC 6437)
  std::uint16_t payload_length = 0;  // everything behind the header

  // The first eight bytes.
  constexpr std::uint64_t first_word() const {
    const std::uint32_t version = 6U << 28U | std::uint32_t{traffic_class} << 20U | flow_label;
    return be32(version) | be16(payload_length) << 32U |
           std::uint64_t{static_cast<std::uint8_t>(next_header)} << 48U |
           std::uint64_t{hop_limit} << 56U;
  }

  // Writes kHeaderSize bytes.
  void emit(std::uint8_t* p) const {
    store_word64(p, first_word());
    store_ipv6(p + 8, src);
    store_ipv6(p + 24, dst);
  }
};

// A packet whose length agrees with the bytes there are. The length is read once, so that
// bytes which change afterwards cannot lead a view outside.
class Ipv6View {
 public:
  // None where the version is not 6 or the packet is longer than the bytes. Bytes behind
  // the payload (Ethernet padding) are no part of the view.
  static std::optional<Ipv6View> parse(Bytes packet) {
    if (packet.size() < Ipv6::kHeaderSize || packet[0] >> 4U != 6) return std::nullopt;
    const std::size_t payload = load_be16(packet.data() + Ipv6::kPayloadLengthOffset);
    if (payload > packet.size() - Ipv6::kHeaderSize) return std::nullopt;
    return Ipv6View(packet.first(Ipv6::kHeaderSize + payload));
  }

  // Of the start of a packet, as an ICMP error quotes it: the same, but the packet may be
  // longer than the bytes; payload() is then what is there.
  static std::optional<Ipv6View> parse_quote(Bytes quote) {
    if (quote.size() < Ipv6::kHeaderSize || quote[0] >> 4U != 6) return std::nullopt;
    const std::size_t total =
        Ipv6::kHeaderSize + load_be16(quote.data() + Ipv6::kPayloadLengthOffset);
    return Ipv6View(quote.first(total < quote.size() ? total : quote.size()));
  }

  std::uint32_t total_length() const { return static_cast<std::uint32_t>(packet_.size()); }
  std::uint8_t traffic_class() const {
    return static_cast<std::uint8_t>(load_be16(packet_.data()) >> 4U);
  }
  std::uint32_t flow_label() const { return load_be32(packet_.data()) & 0xfffffU; }
  Protocol next_header() const { return static_cast<Protocol>(packet_[6]); }
  std::uint8_t hop_limit() const { return packet_[7]; }
  IpAddr src() const { return load_ipv6(packet_.data() + 8); }
  IpAddr dst() const { return load_ipv6(packet_.data() + 24); }

  Bytes payload() const { return packet_.subspan(Ipv6::kHeaderSize); }
  // Header and payload without what lay behind them.
  Bytes bytes() const { return packet_; }

 private:
  explicit Ipv6View(Bytes packet) : packet_(packet) {}

  Bytes packet_;
};

// ff02::n, a group on one link.
constexpr IpAddr link_group(std::uint8_t n) {
  return IpAddr::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n});
}
inline constexpr IpAddr kAllNodes = link_group(1);
inline constexpr IpAddr kAllRouters = link_group(2);

// The group of all nodes with an address that ends like this one (RFC 4291 2.7.1).
constexpr IpAddr solicited_node(const IpAddr& addr) {
  const auto& b = addr.bytes();
  return IpAddr::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff, b[13], b[14], b[15]});
}

// How far a group reaches (RFC 7346); only for multicast addresses.
inline constexpr std::uint8_t kInterfaceScope = 1;
inline constexpr std::uint8_t kLinkScope = 2;
constexpr std::uint8_t group_scope(const IpAddr& group) {
  return static_cast<std::uint8_t>(group.bytes()[1] & 0x0fU);
}

// The Ethernet address of a group (RFC 2464 7).
constexpr MacAddr group_mac_v6(const IpAddr& group) {
  const auto& b = group.bytes();
  return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

}  // namespace naru::wire
