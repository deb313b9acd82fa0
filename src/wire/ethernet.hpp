// Ethernet II frames (RFC 894) with IEEE 802.1Q and 802.1ad tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/fields.hpp"

namespace naru::wire {

// Values of the type field (IANA).
inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeArp = 0x0806;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;         // 802.1Q customer tag
inline constexpr std::uint16_t kEtherTypeServiceVlan = 0x88a8;  // 802.1ad service tag
inline constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
// Below this the field is the length of an IEEE 802.3 frame (RFC 1042), which
// naru does not speak.
inline constexpr std::uint16_t kMinEtherType = 0x0600;

// Where packets to an IPv4 group go: the low 23 bits behind 01:00:5e (RFC 1112 6.4).
inline MacAddr group_mac_v4(const IpAddr& group) {
  const auto& b = group.bytes();
  return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(b[13] & 0x7fU), b[14], b[15]}};
}

// The header to be sent.
struct Ethernet {
  static constexpr std::size_t kHeaderSize = 14;
  static constexpr std::size_t kMinFrame = 60;  // without the FCS; shorter ones are padded
  static constexpr std::size_t kFcsSize = 4;
  static constexpr std::size_t kTagSize = 4;

  MacAddr dst;
  MacAddr src;
  std::uint16_t type = 0;

  // Writes kHeaderSize bytes.
  void emit(std::uint8_t* p) const {
    store_mac(p, dst);
    store_mac(p + 6, src);
    store_be16(p + 12, type);
  }
};

// A frame of at least a header. Trailing padding is still in the payload: only
// the layer above knows its own length.
class EthernetView {
 public:
  static std::optional<EthernetView> parse(Bytes frame) {
    if (frame.size() < Ethernet::kHeaderSize) return std::nullopt;
    return EthernetView(frame);
  }

  MacAddr dst() const { return load_mac(frame_.data()); }
  MacAddr src() const { return load_mac(frame_.data() + 6); }
  bool is_to_group() const { return (frame_[0] & 1U) != 0; }
  bool is_to(const MacAddr& mac) const { return is_mac(frame_.data(), mac); }
  // The type field, whatever it is: a tag's type where the frame is tagged.
  std::uint16_t type() const { return load_be16(frame_.data() + 12); }
  Bytes payload() const { return frame_.subspan(Ethernet::kHeaderSize); }
  Bytes bytes() const { return frame_; }

 private:
  explicit EthernetView(Bytes frame) : frame_(frame) {}

  Bytes frame_;
};

// A VLAN tag: 802.1Q 9.6.
struct VlanTag {
  std::uint16_t id = 0;  // 0: the frame carries only a priority
  std::uint8_t priority = 0;
  bool drop_eligible = false;

  constexpr bool operator==(const VlanTag&) const = default;
};

// A header together with its tags.
struct EthernetHeader {
  static constexpr std::size_t kMaxTags = 2;

  MacAddr dst;
  MacAddr src;
  std::optional<VlanTag> tag;        // the only or the outer one
  std::optional<VlanTag> inner_tag;  // only with two
  std::uint16_t ether_type = 0;      // behind the tags; never below kMinEtherType
  std::uint8_t payload_offset = 0;

  // Belongs to no VLAN: priority tags (id 0) do not count (802.1Q 6.9).
  bool is_untagged() const { return (!tag || tag->id == 0) && (!inner_tag || inner_tag->id == 0); }
  std::uint8_t priority() const { return tag ? tag->priority : std::uint8_t{0}; }

  // None for a frame that is too short for its header and tags, that has more
  // than kMaxTags tags, or whose type field is an 802.3 length.
  static std::optional<EthernetHeader> parse(Bytes frame);
};

}  // namespace naru::wire
