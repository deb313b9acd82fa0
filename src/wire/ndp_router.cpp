#include "wire/ndp_router.hpp"

#include <algorithm>
#include <cstring>

namespace naru::wire {
namespace {

// Bits of the byte behind the hop limit (RFC 4861 4.2, RFC 4191 2.2).
constexpr std::uint8_t kManaged = 0x80;
constexpr std::uint8_t kOther = 0x40;
constexpr unsigned kPreferenceShift = 3;
constexpr std::uint8_t kPreferenceMask = 3;
// Of a prefix information option.
constexpr std::uint8_t kOnLink = 0x80;
constexpr std::uint8_t kAutonomous = 0x40;

std::size_t emit_mtu(std::uint8_t* p, std::uint32_t mtu) {
  std::memset(p, 0, 8);
  p[0] = NdpOption::kMtu;
  p[1] = 1;
  store_be32(p + 4, mtu);
  return 8;
}

std::size_t emit_servers(std::uint8_t* p, const RouterAdvertisement& a) {
  p[0] = NdpOption::kRecursiveServers;
  p[1] = static_cast<std::uint8_t>(1 + 2 * a.name_server_count);
  store_be16(p + 2, 0);
  store_be32(p + 4, a.name_server_lifetime);
  for (std::size_t i = 0; i < a.name_server_count; ++i) {
    store_ipv6(p + 8 + 16 * i, a.name_servers[i]);
  }
  return 8 + 16 * a.name_server_count;
}

}  // namespace

std::size_t RouterSolicitation::emit(std::uint8_t* p) const {
  Icmpv6{Icmpv6Type::router_solicitation, 0, 0}.emit(p);
  if (!source_link_layer) return kSize;
  NdpOption::emit_link_layer(p + kSize, NdpOption::kSourceLinkLayer, *source_link_layer);
  return kMaxSize;
}

std::optional<PrefixInformation> PrefixInformation::parse(const NdpOption& option) {
  if (option.type != NdpOption::kPrefixInformation || option.bytes.size() != kSize) {
    return std::nullopt;
  }
  const std::uint8_t* p = option.bytes.data();
  const std::uint8_t length = p[2];
  const Prefix said{load_ipv6(p + 16).without_zone(), length};
  // A mapped prefix is one of IPv4, with lengths of its own, and on no wire.
  if (length > 128 || said.addr.is_v4()) return std::nullopt;
  return PrefixInformation{.prefix = {said.network(), length},
                           .is_on_link = (p[3] & kOnLink) != 0,
                           .is_autonomous = (p[3] & kAutonomous) != 0,
                           .valid_lifetime = load_be32(p + 4),
                           .preferred_lifetime = load_be32(p + 8)};
}

void PrefixInformation::emit(std::uint8_t* p) const {
  p[0] = NdpOption::kPrefixInformation;
  p[1] = kSize / 8;
  p[2] = prefix.length;
  p[3] = static_cast<std::uint8_t>((is_on_link ? kOnLink : 0) | (is_autonomous ? kAutonomous : 0));
  store_be32(p + 4, valid_lifetime);
  store_be32(p + 8, preferred_lifetime);
  store_be32(p + 12, 0);
  store_ipv6(p + 16, prefix.network());
}

RouterFields RouterFields::of(const NdpView& view) {
  const std::uint8_t* p = view.fields().data();
  RouterFields fields;
  fields.hop_limit = p[4];
  fields.is_managed = (p[5] & kManaged) != 0;
  fields.has_other_config = (p[5] & kOther) != 0;
  // RFC 4191 2.2: the reserved value is medium.
  switch (p[5] >> kPreferenceShift & kPreferenceMask) {
    case 1:
      fields.preference = RouterPreference::high;
      break;
    case 3:
      fields.preference = RouterPreference::low;
      break;
    default:
      break;
  }
  fields.lifetime = load_be16(p + 6);
  fields.reachable_time = load_be32(p + 8);
  fields.retransmit_time = load_be32(p + 12);
  return fields;
}

void RouterFields::emit(std::uint8_t* p) const {
  constexpr std::array<std::uint8_t, 3> kPreferences{3, 0, 1};  // low, medium, high
  Icmpv6{Icmpv6Type::router_advertisement, 0, 0}.emit(p);
  p[4] = hop_limit;
  const auto said = static_cast<std::uint8_t>(kPreferences[static_cast<std::size_t>(preference)]
                                              << kPreferenceShift);
  p[5] = static_cast<std::uint8_t>((is_managed ? kManaged : 0) | (has_other_config ? kOther : 0) |
                                   said);
  store_be16(p + 6, lifetime);
  store_be32(p + 8, reachable_time);
  store_be32(p + 12, retransmit_time);
}

std::optional<std::uint32_t> parse_mtu(const NdpOption& option) {
  if (option.type != NdpOption::kMtu || option.bytes.size() != 8) return std::nullopt;
  return load_be32(option.bytes.data() + 4);
}

std::optional<RecursiveServers> RecursiveServers::parse(const NdpOption& option) {
  const std::size_t size = option.bytes.size();
  const bool is_whole = size >= kHeader + 16 && (size - kHeader) % 16 == 0;
  if (option.type != NdpOption::kRecursiveServers || !is_whole) return std::nullopt;
  return RecursiveServers(option.bytes);
}

// RFC 8106 5.2: what is behind the names is zeros. No name refers to another one.
std::optional<DnsName> SearchDomains::next() {
  if (at_ >= bytes_.size() || bytes_[at_] == 0) return std::nullopt;
  return DnsName::read(bytes_, at_, bytes_.size());
}

std::optional<SearchDomains> SearchDomains::parse(const NdpOption& option) {
  if (option.type != NdpOption::kSearchDomains || option.bytes.size() <= kHeader) {
    return std::nullopt;
  }
  SearchDomains walk(option.bytes);
  bool any = false;
  while (walk.next()) any = true;
  const auto rest = option.bytes.subspan(walk.at_);
  const bool ends = std::all_of(rest.begin(), rest.end(), [](std::uint8_t b) { return b == 0; });
  if (!any || !ends) return std::nullopt;
  return SearchDomains(option.bytes);
}

std::size_t RouterAdvertisement::emit(std::uint8_t* p) const {
  fields.emit(p);
  std::size_t size = RouterFields::kSize;
  if (source_link_layer) {
    NdpOption::emit_link_layer(p + size, NdpOption::kSourceLinkLayer, *source_link_layer);
    size += NdpOption::kLinkLayerSize;
  }
  if (mtu != 0) size += emit_mtu(p + size, mtu);
  for (std::size_t i = 0; i < prefix_count; ++i) {
    prefixes[i].emit(p + size);
    size += PrefixInformation::kSize;
  }
  if (name_server_count != 0) size += emit_servers(p + size, *this);
  return size;
}

std::size_t Redirect::emit(std::uint8_t* p) const {
  Icmpv6{Icmpv6Type::redirect, 0, 0}.emit(p);
  store_ipv6(p + 8, target);
  store_ipv6(p + 24, destination);
  std::size_t size = kSize;
  if (target_link_layer) {
    NdpOption::emit_link_layer(p + size, NdpOption::kTargetLinkLayer, *target_link_layer);
    size += NdpOption::kLinkLayerSize;
  }
  constexpr std::size_t kOptionHeader = 8;
  const std::size_t room = (kMaxSize - size - kOptionHeader) / 8 * 8;
  const std::size_t quoted = std::min(packet.size() / 8 * 8, room);
  if (quoted == 0) return size;
  std::memset(p + size, 0, kOptionHeader);
  p[size] = NdpOption::kRedirectedHeader;
  p[size + 1] = static_cast<std::uint8_t>((kOptionHeader + quoted) / 8);
  std::memcpy(p + size + kOptionHeader, packet.data(), quoted);
  return size + kOptionHeader + quoted;
}

}  // namespace naru::wire
