#include "wire/address_policy.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include <naru/base/bytes.hpp>

namespace naru::wire {
namespace {

constexpr IpAddr net(std::uint16_t first, std::uint16_t second = 0) {
  return IpAddr::v6({static_cast<std::uint8_t>(first >> 8U), static_cast<std::uint8_t>(first),
                     static_cast<std::uint8_t>(second >> 8U), static_cast<std::uint8_t>(second), 0,
                     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

// The longest prefixes first. Those of IPv4 count from the 32-bit address (see Prefix).
constexpr std::array<AddressPolicy, 9> kPolicies{{
    {{IpAddr::loopback_v6(), 128}, 50, 0},
    {{IpAddr::any_v4(), 0}, 35, 4},
    {{IpAddr::any_v6(), 96}, 1, 3},  // IPv4-compatible
    {{net(0x2001), 32}, 5, 5},       // Teredo
    {{net(0x2002), 16}, 30, 2},      // 6to4
    {{net(0x3ffe), 16}, 1, 12},      // 6bone
    {{net(0xfec0), 10}, 1, 11},      // site-local
    {{net(0xfc00), 7}, 3, 13},       // unique local (RFC 4193)
    {{IpAddr::any_v6(), 0}, 40, 1},
}};

}  // namespace

std::uint8_t scope_of(const IpAddr& addr) {
  if (addr.is_multicast() && addr.is_v6()) {
    return static_cast<std::uint8_t>(addr.bytes()[1] & 0x0fU);
  }
  if (addr.is_link_local() || addr.is_loopback()) return kScopeLinkLocal;
  const bool is_site_local = addr.bytes()[0] == 0xfe && (addr.bytes()[1] & 0xc0U) == 0xc0U;
  return is_site_local ? kScopeSiteLocal : kScopeGlobal;
}

const AddressPolicy& policy_of(const IpAddr& addr) {
  return *std::find_if(kPolicies.begin(), kPolicies.end() - 1,
                       [&](const AddressPolicy& p) { return p.prefix.contains(addr); });
}

unsigned common_prefix_length(const IpAddr& a, const IpAddr& b) {
  const std::uint64_t difference = load_be64(a.bytes().data()) ^ load_be64(b.bytes().data());
  return static_cast<unsigned>(std::countl_zero(difference));
}

}  // namespace naru::wire
