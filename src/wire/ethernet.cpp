#include "wire/ethernet.hpp"

namespace naru::wire {
namespace {

VlanTag to_tag(std::uint16_t control) {
  return {.id = static_cast<std::uint16_t>(control & 0x0fffU),
          .priority = static_cast<std::uint8_t>(control >> 13U),
          .drop_eligible = (control & 0x1000U) != 0};
}

bool is_tag_type(std::uint16_t type) {
  return type == kEtherTypeVlan || type == kEtherTypeServiceVlan;
}

}  // namespace

std::optional<EthernetHeader> EthernetHeader::parse(Bytes frame) {
  const auto view = EthernetView::parse(frame);
  if (!view) return std::nullopt;
  EthernetHeader header;
  header.dst = view->dst();
  header.src = view->src();
  std::uint16_t type = view->type();
  std::size_t offset = Ethernet::kHeaderSize;
  // Each tag stands where the type was: its control word, then the next type.
  for (auto* tag : {&header.tag, &header.inner_tag}) {
    if (!is_tag_type(type)) break;
    if (frame.size() < offset + Ethernet::kTagSize) return std::nullopt;
    *tag = to_tag(load_be16(frame.data() + offset));
    type = load_be16(frame.data() + offset + 2);
    offset += Ethernet::kTagSize;
  }
  if (is_tag_type(type) || type < kMinEtherType) return std::nullopt;
  header.ether_type = type;
  header.payload_offset = static_cast<std::uint8_t>(offset);
  return header;
}

}  // namespace naru::wire
