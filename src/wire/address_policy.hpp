// What the choice among addresses rests on (RFC 6724): scopes, labels and precedences.
#pragma once

#include <cstdint>

#include <naru/wire/address.hpp>

namespace naru::wire {

// RFC 6724 3.1: how far an address of either family reaches, as a multicast scope.
inline constexpr std::uint8_t kScopeLinkLocal = 0x2;
inline constexpr std::uint8_t kScopeSiteLocal = 0x5;
inline constexpr std::uint8_t kScopeGlobal = 0xe;
std::uint8_t scope_of(const IpAddr& addr);

// A row of the policy table (RFC 6724 2.1).
struct AddressPolicy {
  Prefix prefix;
  std::uint8_t precedence = 0;
  std::uint8_t label = 0;
};
// The row with the longest prefix that an address of either family lies in.
const AddressPolicy& policy_of(const IpAddr& addr);

// How many bits from the first on are the same, of at most 64 (RFC 6724 2.2).
unsigned common_prefix_length(const IpAddr& a, const IpAddr& b);

}  // namespace naru::wire
