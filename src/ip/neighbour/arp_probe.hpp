// Address conflict detection (RFC 5227), and what IPv6 has of it (RFC 4862 5.4): probing
// before an address is used; for IPv4 also announcing it, and defending it.
#pragma once

#include "ip/context.hpp"
#include "ip/interface.hpp"
#include "wire/arp.hpp"

namespace naru::ip {

// An address that another host takes is defended with one announcement in DEFEND_INTERVAL
// and never given up (RFC 5227 2.4 (c)): connections should not die of two forged frames.
class AddressProber {
 public:
  void init(Context& context, InterfaceTable& interfaces) {
    context_ = &context;
    interfaces_ = &interfaces;
  }

  // A new address: tentative where arp.probe_count says so, else valid and announced.
  void start(Address& address, Time now);
  // True when the address has become valid.
  bool on_timer(Address& address, Time now);
  // The interface has a new MAC address.
  void announce_again(Address& address, Time now);

  // No timer runs any more: probes and announcements that are due begin again.
  void recover(Address& address, Time now);

  // Looks at a received ARP packet with a foreign sender on the address' interface;
  // true when it claims the address.
  bool on_arp(Address& address, const wire::Arp& arp, Time now);

  // Another host has a tentative IPv6 address, or wants it, too.
  void on_duplicate(Address& address);

 private:
  void announce(Address& address, Time now);
  void probe(Address& address, Time now);
  Duration wait_after_probe(const Address& address);
  void send(const Address& address, const IpAddr& sender, Time now);
  bool is_used_on_wire(const Address& address) const;
  std::uint8_t probe_count(const Address& address) const;

  Context* context_ = nullptr;
  InterfaceTable* interfaces_ = nullptr;
};

}  // namespace naru::ip
