#include "resolver/order.hpp"

#include <algorithm>
#include <optional>

#include "wire/address_policy.hpp"

namespace naru::resolver {
namespace {

constexpr std::uint16_t kAnyPort = 53;

struct Candidate {
  IpAddr destination;
  std::optional<IpAddr> source;  // that packets to it would have; none: there is no way
};

// As getaddrinfo(3) finds out: by a socket that is connected and sends nothing.
std::optional<IpAddr> source_for(const IpAddr& destination, Network& network) {
  const auto socket = network.open(Network::Kind::datagram, destination.is_v6());
  if (!socket) return std::nullopt;
  const Status connected = network.connect(*socket, {destination, kAnyPort});
  const auto local = connected ? network.local(*socket) : std::unexpected(connected.error());
  network.close(*socket);
  if (!local || local->addr.is_any()) return std::nullopt;
  return local->addr;
}

// True when `a` is to be tried before `b`: the rules of RFC 6724 6 that need nothing but
// addresses.
bool is_before(const Candidate& a, const Candidate& b) {
  // 1: avoid unusable destinations.
  if (a.source.has_value() != b.source.has_value()) return a.source.has_value();
  const auto& policy_a = wire::policy_of(a.destination);
  const auto& policy_b = wire::policy_of(b.destination);
  const std::uint8_t scope_a = wire::scope_of(a.destination);
  const std::uint8_t scope_b = wire::scope_of(b.destination);
  if (a.source) {
    // 2 and 5: prefer matching scope, and matching label.
    const bool fits_a = wire::scope_of(*a.source) == scope_a;
    const bool fits_b = wire::scope_of(*b.source) == scope_b;
    if (fits_a != fits_b) return fits_a;
    const bool is_like_a = wire::policy_of(*a.source).label == policy_a.label;
    const bool is_like_b = wire::policy_of(*b.source).label == policy_b.label;
    if (is_like_a != is_like_b) return is_like_a;
  }
  // 6 and 8: prefer higher precedence, and smaller scope.
  if (policy_a.precedence != policy_b.precedence) return policy_a.precedence > policy_b.precedence;
  if (scope_a != scope_b) return scope_a < scope_b;
  // 9: use the longest matching prefix, where both are of IPv6.
  if (!a.source || a.destination.is_v4() || b.destination.is_v4()) return false;
  return wire::common_prefix_length(*a.source, a.destination) >
         wire::common_prefix_length(*b.source, b.destination);
}

}  // namespace

void sort_by_destination(std::vector<IpAddr>& addresses, Network& network) {
  if (addresses.size() < 2) return;
  std::vector<Candidate> candidates;
  for (const IpAddr& address : addresses) {
    candidates.push_back({address, source_for(address, network)});
  }
  std::ranges::stable_sort(candidates, is_before);
  std::ranges::transform(candidates, addresses.begin(), &Candidate::destination);
}

}  // namespace naru::resolver
