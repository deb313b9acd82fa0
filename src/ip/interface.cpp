#include "ip/interface.hpp"

#include "wire/ipv6.hpp"

namespace naru::ip {
bool InterfaceTable::init(Arena& arena, Context& context) {
  context_ = &context;
  return addresses_.init(arena, kMaxAddresses) && by_addr_.init(arena, addresses_, kMaxAddresses) &&
         by_broadcast_.init(arena, addresses_, kMaxAddresses) &&
         memberships_.init(arena, kMaxMemberships) &&
         by_group_.init(arena, memberships_, kMaxMemberships);
}

Result<std::uint8_t> InterfaceTable::add(std::string_view name, const MacAddr& mac,
                                         std::uint32_t mtu) {
  if (count_ == kMaxInterfaces) return std::unexpected(Error::no_memory);
  if (!is_mtu(mtu) || mac.is_multicast()) return std::unexpected(Error::invalid);
  Interface& interface = interfaces_[count_];
  name.copy(interface.name.data(), Interface::kMaxName);
  interface.mac = mac;
  interface.mtu = static_cast<std::uint16_t>(mtu);
  interface.up = true;
  return count_++;
}

Result<Address*> InterfaceTable::add_address(std::uint8_t interface, const Prefix& prefix) {
  if (find_address(prefix.addr) != nullptr) return std::unexpected(Error::address_in_use);
  Address* address = addresses_.take();
  if (address == nullptr) return std::unexpected(Error::no_memory);
  address->addr = prefix.addr;
  address->prefix = prefix;
  address->interface = interface;
  by_addr_.insert(context_->hash(prefix.addr), address);
  if (const auto broadcast = prefix.broadcast()) {
    address->broadcast = *broadcast;
    by_broadcast_.insert(context_->hash(*broadcast), address);
  }
  interfaces_[interface].addresses.push_back(address);
  return address;
}

void InterfaceTable::remove_address(Address* address) {
  context_->wheel.cancel(*address);
  by_addr_.remove(context_->hash(address->addr), address);
  if (address->broadcast != IpAddr()) {
    by_broadcast_.remove(context_->hash(address->broadcast), address);
  }
  interfaces_[address->interface].addresses.remove(address);
  addresses_.give_back(address);
}

Address* InterfaceTable::find_address(const IpAddr& addr) const {
  return by_addr_.find(context_->hash(addr), [&](const Address& a) { return a.addr == addr; });
}

Address* InterfaceTable::find_broadcast(const IpAddr& addr, std::uint8_t interface) const {
  return by_broadcast_.find(context_->hash(addr), [&](const Address& a) {
    return a.broadcast == addr && (interface == kAnyInterface || interface == a.interface);
  });
}

bool InterfaceTable::is_on_link(std::uint8_t interface, const IpAddr& addr) {
  auto& addresses = interfaces_[interface].addresses;
  for (Address* a = addresses.front(); a != nullptr; a = addresses.next(a)) {
    if (a->is_network_on_link && a->prefix.contains(addr)) return true;
  }
  return false;
}

bool InterfaceTable::share_network(std::uint8_t interface, const IpAddr& a, const IpAddr& b) {
  auto& addresses = interfaces_[interface].addresses;
  for (Address* own = addresses.front(); own != nullptr; own = addresses.next(own)) {
    if (own->prefix.contains(a) && own->prefix.contains(b)) return true;
  }
  return false;
}

const Address* InterfaceTable::first_valid_v4(std::uint8_t interface) {
  auto& addresses = interfaces_[interface].addresses;
  for (Address* a = addresses.front(); a != nullptr; a = addresses.next(a)) {
    if (a->state == AddressState::valid && a->addr.is_v4()) return a;
  }
  return nullptr;
}

const Address* InterfaceTable::select_source(std::uint8_t interface, const IpAddr& next_hop) {
  auto& addresses = interfaces_[interface].addresses;
  for (Address* a = addresses.front(); a != nullptr; a = addresses.next(a)) {
    if (a->state == AddressState::valid && a->prefix.contains(next_hop)) return a;
  }
  if (const Address* primary = first_valid_v4(interface)) return primary;
  for (std::uint8_t i = kLoopback + 1; i < count_; ++i) {
    if (const Address* other = first_valid_v4(i)) return other;
  }
  return nullptr;
}

Duration InterfaceTable::retransmit_time(std::uint8_t interface) const {
  const Duration said = interfaces_[interface].retransmit_time;
  return said != Duration{} ? said : context_->options->duration(Option::arp_retransmit_interval);
}

Duration InterfaceTable::reachable_time(std::uint8_t interface) const {
  const Duration said = interfaces_[interface].reachable_time;
  return said != Duration{} ? said : context_->options->duration(Option::arp_reachable_time);
}

const Address* InterfaceTable::link_local(std::uint8_t interface) {
  auto& addresses = interfaces_[interface].addresses;
  for (Address* a = addresses.front(); a != nullptr; a = addresses.next(a)) {
    if (a->addr.is_v6() && a->addr.is_link_local()) return a;
  }
  return nullptr;
}

Membership* InterfaceTable::find_membership(std::uint8_t interface, const IpAddr& group) const {
  return by_group_.find(context_->hash(group, interface), [&](const Membership& m) {
    return m.group == group && m.interface == interface;
  });
}

Result<Membership*> InterfaceTable::join(std::uint8_t interface, const IpAddr& group) {
  Membership* membership = find_membership(interface, group);
  if (membership == nullptr) {
    membership = memberships_.take();
    if (membership == nullptr) return std::unexpected(Error::no_buffers);
    membership->group = group;
    membership->interface = interface;
    by_group_.insert(context_->hash(group, interface), membership);
  }
  return membership->users++ == 0 ? membership : nullptr;
}

Membership* InterfaceTable::leave(std::uint8_t interface, const IpAddr& group) {
  Membership* membership = find_membership(interface, group);
  if (membership == nullptr || membership->users == 0) return nullptr;
  return --membership->users == 0 ? membership : nullptr;
}

void InterfaceTable::remove_membership(Membership& membership) {
  by_group_.remove(context_->hash(membership.group, membership.interface), &membership);
  memberships_.give_back(&membership);
}

bool InterfaceTable::is_member(std::uint8_t interface, const IpAddr& group) const {
  if (group == kAllHosts || group == wire::kAllNodes) return true;
  const Membership* membership = find_membership(interface, group);
  return membership != nullptr && membership->users != 0;
}

}  // namespace naru::ip
