// Ip: ARP packets in (RFC 826, RFC 1122 2.3.2, RFC 5227).
#include "ip/ip.hpp"
#include "ip/neighbour/arp.hpp"

namespace naru::ip {

Input Ip::input_arp(Packet* packet, Time now) {
  context_.counters->add(Counter::arp_in);
  const auto view = wire::ArpView::parse(packet->bytes());
  if (!view || (view->op() != wire::Arp::kRequest && view->op() != wire::Arp::kReply)) {
    return drop(packet, Drop::arp_malformed, now);
  }
  const wire::Arp arp = view->value();
  const std::uint8_t index = packet->interface;
  if (const Drop bad = check_sender(interfaces_.at(index), arp); bad != Drop::none) {
    return drop(packet, bad, now);
  }
  for (const IpAddr& claimed : {arp.spa, arp.tpa}) {
    Address* ours = interfaces_.find_address(claimed);
    if (ours != nullptr && ours->interface == index && prober_.on_arp(*ours, arp, now)) {
      if (ours->state == AddressState::conflict) change_epoch();
      return drop(packet, Drop::arp_conflict, now);
    }
  }
  learn(index, arp, now);
  if (arp.op == wire::Arp::kRequest && is_ours_on(index, arp.tpa)) answer(index, arp, now);
  context_.pool->give_back(packet);
  return {.action = Input::Action::consumed};
}

// A sender that cannot be: such an entry would send our packets to nowhere or everywhere.
Drop Ip::check_sender(const Interface& interface, const wire::Arp& arp) const {
  if (arp.sha.is_multicast() || arp.sha.is_zero() || arp.sha == interface.mac) {
    return Drop::arp_bad_sender;
  }
  const IpAddr& spa = arp.spa;
  const std::uint32_t net = spa.to_v4() >> 24U;
  const bool never = net == 127 || net >= 224 || (net == 0 && !spa.is_any());
  return never || is_broadcast(spa) ? Drop::arp_bad_sender : Drop::none;
}

bool Ip::is_ours_on(std::uint8_t interface, const IpAddr& addr) const {
  const Address* address = interfaces_.find_address(addr);
  return address != nullptr && address->interface == interface &&
         address->state == AddressState::valid;
}

// A known sender is believed when it speaks to us, an unknown one only becomes known when it
// asks for us (RFC 826's merge flag, without letting strangers fill the table).
void Ip::learn(std::uint8_t interface, const wire::Arp& arp, Time now) {
  if (arp.spa.is_any() || !interfaces_.is_on_link(interface, arp.spa)) return;
  const bool is_to_us = is_ours_on(interface, arp.tpa);
  Neighbour* n = neighbours_.find(interface, arp.spa);
  if (n == nullptr) {
    if (!is_to_us || arp.op != wire::Arp::kRequest) return;
    n = neighbours_.find_or_add(interface, arp.spa, now);
    if (n == nullptr) return;
  }
  if (is_to_us) {
    const bool asked = n->is_armed() && arp.op == wire::Arp::kReply;
    neighbours_.on_answer(*n, arp.sha, asked, now);
  } else {
    neighbours_.on_rumour(*n, arp.sha, now);
  }
}

// To the asker alone; about link-local addresses to all, so that conflicts are noticed
// (RFC 3927 2.5).
void Ip::answer(std::uint8_t index, const wire::Arp& arp, Time now) {
  const Interface& interface = interfaces_.at(index);
  const MacAddr to = arp.tpa.is_link_local() ? MacAddr::broadcast() : arp.sha;
  send_arp(context_, interface, index, to,
           {.op = wire::Arp::kReply,
            .sha = interface.mac,
            .spa = arp.tpa,
            .tha = arp.sha,
            .tpa = arp.spa},
           now);
}

}  // namespace naru::ip
