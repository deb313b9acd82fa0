// Who a client or server of DHCPv6 is, however often it starts (RFC 9915 11.4): its link's
// address.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <naru/wire/address.hpp>

namespace naru::dhcp {

using Duid = std::array<std::uint8_t, 10>;

inline Duid duid_of(const MacAddr& mac) {
  Duid duid{0, 3, 0, 1};  // DUID-LL, Ethernet
  std::ranges::copy(mac.bytes, duid.begin() + 4);
  return duid;
}

}  // namespace naru::dhcp
