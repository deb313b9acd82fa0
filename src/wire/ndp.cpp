#include "wire/ndp.hpp"

#include <cstring>

namespace naru::wire {
namespace {

constexpr std::size_t kTargetEnd = NeighbourSolicitation::kSize;
static_assert(kTargetEnd == NeighbourAdvertisement::kSize);

// RFC 4861 4.1 to 4.5; 0: no message of neighbour discovery.
std::size_t size_of_fields(Icmpv6Type type) {
  switch (type) {
    case Icmpv6Type::router_solicitation:
      return 8;
    case Icmpv6Type::router_advertisement:
      return 16;
    case Icmpv6Type::neighbour_solicitation:
    case Icmpv6Type::neighbour_advertisement:
      return 24;
    case Icmpv6Type::redirect:
      return 40;
    default:
      return 0;
  }
}

std::size_t emit_about_target(std::uint8_t* p, const Icmpv6& header, const IpAddr& target,
                              std::uint8_t option, const std::optional<MacAddr>& link_layer) {
  header.emit(p);
  store_ipv6(p + Icmpv6::kHeaderSize, target);
  if (!link_layer) return kTargetEnd;
  NdpOption::emit_link_layer(p + kTargetEnd, option, *link_layer);
  return kTargetEnd + NdpOption::kLinkLayerSize;
}

}  // namespace

bool NdpOptionWalker::next(NdpOption& option) {
  if (rest_.empty() || malformed_) return false;
  const std::size_t size = rest_.size() < 2 ? 0 : rest_[1] * std::size_t{8};
  // RFC 4861 4.6: an option of length zero makes the message invalid.
  if (size == 0 || size > rest_.size() || ++count_ > kMaxOptions) {
    malformed_ = true;
    return false;
  }
  option = {rest_[0], rest_.first(size)};
  rest_ = rest_.subspan(size);
  return true;
}

NdpOptions NdpOptions::of(Bytes options) {
  NdpOptions found;
  NdpOptionWalker walker(options);
  for (NdpOption option; walker.next(option);) {
    const bool is_mac = option.bytes.size() == NdpOption::kLinkLayerSize;
    if (option.type == NdpOption::kSourceLinkLayer && is_mac) {
      found.source_link_layer = load_mac(option.bytes.data() + 2);
    } else if (option.type == NdpOption::kTargetLinkLayer && is_mac) {
      found.target_link_layer = load_mac(option.bytes.data() + 2);
    } else if (option.type == NdpOption::kNonce && option.bytes.size() == NdpOption::kNonceSize) {
      NdpNonce& nonce = found.nonce.emplace();
      std::memcpy(nonce.data(), option.bytes.data() + 2, nonce.size());
    }
  }
  found.malformed = walker.malformed();
  return found;
}

std::size_t NeighbourSolicitation::emit(std::uint8_t* p) const {
  const std::size_t size = emit_about_target(p, {Icmpv6Type::neighbour_solicitation, 0, 0}, target,
                                             NdpOption::kSourceLinkLayer, source_link_layer);
  if (!nonce) return size;
  p[size] = NdpOption::kNonce;
  p[size + 1] = 1;
  std::memcpy(p + size + 2, nonce->data(), nonce->size());
  return size + NdpOption::kNonceSize;
}

std::size_t NeighbourAdvertisement::emit(std::uint8_t* p) const {
  const std::uint32_t flags =
      (is_router ? kRouter : 0) | (solicited ? kSolicited : 0) | (does_override ? kOverride : 0);
  return emit_about_target(p, {Icmpv6Type::neighbour_advertisement, 0, flags}, target,
                           NdpOption::kTargetLinkLayer, target_link_layer);
}

std::optional<NdpView> NdpView::parse(Bytes message) {
  if (message.size() < Icmpv6::kHeaderSize) return std::nullopt;
  const std::size_t fields = size_of_fields(static_cast<Icmpv6Type>(message[0]));
  const bool has_code_0 = message[1] == 0;
  if (fields == 0 || message.size() < fields || !has_code_0) return std::nullopt;
  return NdpView(message, fields);
}

}  // namespace naru::wire
