#include "ip/source_selection.hpp"

#include <algorithm>

#include "wire/address_policy.hpp"

namespace naru::ip {
namespace {

// One destination, and what its rules say of two candidates.
class Selection {
 public:
  Selection(std::uint8_t interface, const IpAddr& destination)
      : interface_(interface),
        destination_(destination),
        scope_(wire::scope_of(destination)),
        label_(wire::policy_of(destination).label) {}

  // RFC 6724 4: towards a link or a group only addresses of the interface; a link-local one
  // never speaks for another link.
  bool is_candidate(const Address& a) const {
    if (a.state != AddressState::valid || a.addr.is_v4()) return false;
    if (a.interface == interface_) return true;
    const bool stays_on_link = destination_.is_multicast() || destination_.is_link_local();
    return !stays_on_link && !a.addr.is_link_local() && !a.addr.is_loopback();
  }

  // The rules in their order; the first that tells the two apart decides.
  bool is_better(const Address& a, const Address& b) const {
    // 1: the address itself.
    if ((a.addr == destination_) != (b.addr == destination_)) return a.addr == destination_;
    // 2: the smallest scope that reaches, else the largest.
    const unsigned scope_a = wire::scope_of(a.addr);
    const unsigned scope_b = wire::scope_of(b.addr);
    if (scope_a < scope_b) return scope_a >= scope_;
    if (scope_b < scope_a) return scope_b < scope_;
    // 3: one that is not deprecated.
    if (a.is_deprecated != b.is_deprecated) return b.is_deprecated;
    // 5: one of the interface.
    if ((a.interface == interface_) != (b.interface == interface_)) {
      return a.interface == interface_;
    }
    // 6: one with the same label.
    const bool label_a = wire::policy_of(a.addr).label == label_;
    const bool label_b = wire::policy_of(b.addr).label == label_;
    if (label_a != label_b) return label_a;
    // 7: a temporary one, where there are any.
    const bool temporary_a = a.origin == AddressOrigin::temporary;
    const bool temporary_b = b.origin == AddressOrigin::temporary;
    if (temporary_a != temporary_b) return temporary_a;
    // 8: the longest matching prefix, within the length of its own.
    return matching(a) > matching(b);
  }

 private:
  unsigned matching(const Address& a) const {
    return std::min<unsigned>(wire::common_prefix_length(a.addr, destination_), a.prefix.length);
  }

  std::uint8_t interface_;
  const IpAddr& destination_;
  unsigned scope_;
  unsigned label_;
};

}  // namespace

const Address* select_source6(InterfaceTable& interfaces, std::uint8_t interface,
                              const IpAddr& destination) {
  const Selection selection(interface, destination);
  const Address* best = nullptr;
  interfaces.for_each_address([&](const Address& a) {
    if (!selection.is_candidate(a)) return;
    if (best == nullptr || selection.is_better(a, *best)) best = &a;
  });
  return best;
}

}  // namespace naru::ip
