// Interface identifiers that stay the same on one link and tell nothing on another (RFC 7217).
#pragma once

#include <cstdint>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "base/siphash.hpp"

namespace naru::ip {

// RFC 5453: identifiers that mean something else to routers.
constexpr bool is_reserved_identifier(std::uint64_t identifier) {
  constexpr std::uint64_t kSubnetRouters = 0;
  constexpr std::uint64_t kProxyMobile = 0x0200'5eff'fe00'0000U;  // and its last 24 bits
  constexpr std::uint64_t kSubnetAnycast = 0xfdff'ffff'ffff'ff80U;
  return identifier == kSubnetRouters || identifier >> 24U == kProxyMobile >> 24U ||
         (identifier >= kSubnetAnycast && identifier <= (kSubnetAnycast | 0x7fU));
}

// The address of an interface on a network of 64 bits. `attempt` counts the addresses that
// somebody else turned out to have.
inline IpAddr stable_address(const SipKey& secret, const IpAddr& network, const MacAddr& mac,
                             std::uint8_t attempt) {
  const std::uint64_t prefix = load_be64(network.bytes().data());
  std::uint64_t hardware = 0;
  for (const std::uint8_t byte : mac.bytes) hardware = hardware << 8U | byte;
  std::uint64_t identifier = siphash(secret, {prefix, hardware, attempt});
  for (std::uint64_t again = 1; is_reserved_identifier(identifier); ++again) {
    identifier = siphash(secret, {prefix, hardware, attempt, again});
  }
  std::array<std::uint8_t, 16> bytes{};
  store_be64(bytes.data(), prefix);
  store_be64(bytes.data() + 8, identifier);
  return IpAddr::v6(bytes);
}

}  // namespace naru::ip
