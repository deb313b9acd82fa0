// NeighbourTable: what neighbour discovery says of a neighbour (RFC 4861 7.2).
#include "ip/neighbour/ndp.hpp"
#include "ip/neighbour/neighbour.hpp"
#include "ip/source_selection.hpp"

namespace naru::ip {

// From an address of the interface itself: by that the answer finds back.
void NeighbourTable::solicit(Neighbour& n, Time now) {
  const Address* source = select_source6(*interfaces_, n.interface, n.addr);
  if (source == nullptr || source->interface != n.interface) {
    source = interfaces_->link_local(n.interface);
  }
  if (source == nullptr || source->state != AddressState::valid) return;
  send_solicitation(*context_, interfaces_->at(n.interface), n.interface, source->addr, n.addr,
                    n.has_mac() ? std::optional(n.mac) : std::nullopt, now);
}

void NeighbourTable::become_stale(Neighbour& n, const MacAddr& mac, Time now) {
  set_mac(n, mac);
  n.state = NeighbourState::stale;
  n.fresh_until = Time::min();
  n.confirmed = now;
  context_->wheel.cancel(n);
  on_resolved(n, now);
}

// It asked for us and said where it is (RFC 4861 7.2.3): that it hears us is not shown.
void NeighbourTable::on_solicitation(Neighbour& n, const MacAddr& mac, Time now) {
  if (n.state == NeighbourState::permanent || (n.has_mac() && n.mac == mac)) return;
  become_stale(n, mac, now);
}

void NeighbourTable::on_advertisement(Neighbour& n, const Advertised& said, Time now) {
  if (n.state == NeighbourState::permanent) return;
  if (!n.has_mac()) {
    if (!said.mac) return;
    if (!said.solicited) return become_stale(n, *said.mac, now);
    set_mac(n, *said.mac);
    become_reachable(n, now);
    return on_resolved(n, now);
  }
  const bool differs = said.mac && *said.mac != n.mac;
  if (differs && !said.does_override) {
    doubt(n);
    return;
  }
  if (said.solicited) {
    if (differs) set_mac(n, *said.mac);
    become_reachable(n, now);
  } else if (differs) {
    become_stale(n, *said.mac, now);
  }
}

}  // namespace naru::ip
