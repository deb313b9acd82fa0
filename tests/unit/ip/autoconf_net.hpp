// A host that configures itself, and routers that say what they like.
#pragma once

#include <algorithm>

#include "host6.hpp"
#include "wire/ndp_router.hpp"

namespace naru::ip::test {

inline const IpAddr kRouter = ip("fe80::a");
inline const IpAddr kOtherRouter = ip("fe80::b");
inline const MacAddr kRouterMac = mac(0xa);
inline const MacAddr kOtherRouterMac = mac(0xb);

class AutoconfNet {
 public:
  using Options = std::vector<std::pair<Option, std::int64_t>>;

  explicit AutoconfNet(Options options = {}) : host({.options = std::move(options)}) {
    EXPECT_TRUE(host.ip.set_autoconf(1, true, host.now));
    host.collect();
  }

  static wire::RouterAdvertisement says(std::uint16_t lifetime = 1800) {
    wire::RouterAdvertisement ra;
    ra.fields.lifetime = lifetime;
    ra.source_link_layer = kRouterMac;
    return ra;
  }
  static wire::RouterAdvertisement says_prefix(std::string_view prefix,
                                               std::uint32_t valid = 86'400,
                                               std::uint32_t preferred = 14'400,
                                               bool is_on_link = true, bool is_autonomous = true) {
    auto ra = says();
    const Prefix p = *Prefix::parse(prefix);
    ra.prefixes[0] = {p, is_on_link, is_autonomous, valid, preferred};
    ra.prefix_count = 1;
    return ra;
  }
  Input receive(const wire::RouterAdvertisement& ra, const IpAddr& from = kRouter) {
    return receive(ndp(from, wire::kAllNodes, ra));
  }
  Input receive(const Buffer& packet) {
    return host.receive(
        ethernet(wire::group_mac_v6(wire::kAllNodes), kRouterMac, wire::kEtherTypeIpv6, packet));
  }
  Input receive_unicast(const Buffer& packet) {
    return host.receive(ethernet(kOurMac, kPeerMac, wire::kEtherTypeIpv6, packet));
  }
  // An advertisement with options as bytes.
  Input receive_options(const Buffer& options, std::uint16_t lifetime = 1800) {
    wire::Ipv6 header = header6(Protocol::icmpv6, kRouter, wire::kAllNodes);
    header.hop_limit = wire::kNdpHopLimit;
    Buffer message(wire::RouterFields::kSize);
    wire::RouterFields fields;
    fields.lifetime = lifetime;
    fields.emit(message.data());
    return receive(icmpv6(header, message + options));
  }

  std::vector<AddressInfo> addresses(AddressOrigin origin = AddressOrigin::stable) {
    std::vector<AddressInfo> found;
    host.ip.for_each_address([&](const AddressInfo& a) {
      const bool is_made = a.origin == origin && !a.prefix.addr.is_link_local();
      if (a.prefix.addr.is_v6() && is_made) found.push_back(a);
    });
    return found;
  }
  // The only one; :: where there is none.
  IpAddr address(AddressOrigin origin = AddressOrigin::stable) {
    const auto found = addresses(origin);
    EXPECT_LE(found.size(), 1U);
    return found.empty() ? IpAddr() : found[0].prefix.addr;
  }
  std::size_t count(Learned::Kind what) {
    std::size_t n = 0;
    host.ip.for_each_learned(1, [&](const Learned& l) { n += l.what == what ? 1U : 0U; });
    return n;
  }
  // The first hop to an address; :: where there is no way.
  IpAddr next_hop(std::string_view to) {
    const auto d = host.ip.destination(ip(to), IpAddr(), host.now);
    return d ? host.ip.at(*d).next_hop.without_zone() : IpAddr();
  }
  IpAddr source_for(std::string_view to) {
    const auto d = host.ip.destination(ip(to), IpAddr(), host.now);
    return d ? host.ip.at(*d).source : IpAddr();
  }
  // Of what was sent, those of a type.
  std::vector<Sent> sent(wire::Icmpv6Type type) {
    std::vector<Sent> found;
    for (Sent& s : host.take_sent()) {
      const auto icmp = icmpv6_of(s);
      if (icmp && icmp->type() == type) found.push_back(std::move(s));
    }
    return found;
  }

  Host host;
};

}  // namespace naru::ip::test
