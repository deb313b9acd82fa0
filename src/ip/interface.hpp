// The interfaces of a host, their addresses and the groups that they listen to.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/base/result.hpp>
#include <naru/wire/address.hpp>

#include "base/hash_chains.hpp"
#include "base/list.hpp"
#include "ip/context.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/ndp.hpp"

namespace naru::ip {

struct AddressOrder;

// Until when an address is used, and until when for new connections, too (RFC 4862 5.5.4).
struct Lifetimes {
  Time valid = kTimeNever;
  Time preferred = kTimeNever;

  bool operator==(const Lifetimes&) const = default;
};

// One of our unicast addresses; a link-local IPv6 one with its zone.
struct Address : Timer, ListHook<AddressOrder> {
  Address() : Timer(TimerKind::address) {}

  IpAddr addr;
  IpAddr broadcast;  // :: where the prefix has none
  Prefix prefix;
  std::uint8_t interface = 0;
  AddressState state = AddressState::valid;
  // Address conflict detection (RFC 5227), duplicate address detection (RFC 4862 5.4).
  std::uint8_t probes_left = 0;
  std::uint8_t announcements_left = 0;
  Time last_defence = Time::min();
  wire::NdpNonce nonce{};  // of the last probe
  AddressOrigin origin = AddressOrigin::given;
  std::uint8_t attempt = 0;  // how often it was made up anew because somebody had it
  bool is_network_on_link = true;
  bool is_deprecated = false;  // not for new connections (RFC 4862 5.5.4)
  bool has_successor = false;  // of a temporary one
  Lifetimes lifetimes;
  Lifetimes longest;  // whatever routers say (RFC 8981 3.4)
  std::uint32_t next_by_addr = 0;
  std::uint32_t next_by_broadcast = 0;
};

// What is known of an address before it is there.
struct AddressPlan {
  AddressOrigin origin = AddressOrigin::given;
  std::uint8_t attempt = 0;
  bool is_network_on_link = true;
  Lifetimes lifetimes = {};
  Lifetimes longest = {};

  void apply_to(Address& address) const {
    address.origin = origin;
    address.attempt = attempt;
    address.is_network_on_link = is_network_on_link;
    address.lifetimes = lifetimes;
    address.longest = longest;
  }
  static AddressPlan of(const Address& address) {
    return {address.origin, address.attempt, address.is_network_on_link, address.lifetimes,
            address.longest};
  }
};

struct Interface {
  static constexpr std::size_t kMaxName = 15;

  std::array<char, kMaxName + 1> name{};
  MacAddr mac;
  bool up = false;
  std::uint16_t mtu = 0;
  // RFC 5227 2.1.1: after MAX_CONFLICTS, one attempt in RATE_LIMIT_INTERVAL.
  std::uint8_t conflicts = 0;
  Time last_attempt = Time::min();
  // IPv6 only: it listens to routers, and what they have said (RFC 4861 6.3.2); 0: nothing.
  bool is_autoconfigured = false;
  bool is_managed = false;
  bool has_other_config = false;
  std::uint8_t hop_limit = 0;
  std::uint16_t link_mtu = 0;
  std::uint32_t base_reachable_time = 0;  // milliseconds
  Duration reachable_time{};
  Duration retransmit_time{};
  List<Address, AddressOrder> addresses;  // the first one is the primary address

  std::uint16_t mtu_of(bool is_v6) const {
    return is_v6 && link_mtu != 0 ? std::min(link_mtu, mtu) : mtu;
  }
};

// A group joined on an interface.
struct Membership : Timer {
  Membership() : Timer(TimerKind::group_report) {}

  IpAddr group;
  std::uint32_t users = 0;
  std::uint32_t next_in_chain = 0;
  std::uint8_t interface = 0;
  std::uint8_t changes_left = 0;  // reports that it has come, or (without users) gone
};

class InterfaceTable {
 public:
  // Everybody belongs to it, and nobody says so (RFC 3376 5, of wire::kAllNodes RFC 3810 6).
  static constexpr IpAddr kAllHosts = IpAddr::v4(224, 0, 0, 1);

  static constexpr std::uint32_t kMaxAddresses = 1'024;
  static constexpr std::uint32_t kMaxMemberships = 1'024;

  [[nodiscard]] bool init(Arena& arena, Context& context);

  static constexpr std::uint32_t kMinMtu = 68;  // RFC 791 3.2
  static bool is_mtu(std::uint32_t mtu) { return mtu >= kMinMtu && mtu <= wire::Ipv4::kMaxPacket; }

  Result<std::uint8_t> add(std::string_view name, const MacAddr& mac, std::uint32_t mtu);
  std::uint8_t count() const { return count_; }
  Interface& at(std::uint8_t index) { return interfaces_[index]; }
  const Interface& at(std::uint8_t index) const { return interfaces_[index]; }
  bool exists(std::uint8_t index) const { return index < count_; }

  // Error::address_in_use when it is ours already, Error::no_memory.
  Result<Address*> add_address(std::uint8_t interface, const Prefix& prefix);
  void remove_address(Address* address);
  // In any state.
  Address* find_address(const IpAddr& addr) const;
  // The address whose network has this directed broadcast address, on `interface` or any.
  Address* find_broadcast(const IpAddr& addr, std::uint8_t interface = kAnyInterface) const;
  // One of ours, in use; all of 127/8 is.
  bool is_local(const IpAddr& addr) const {
    if (addr.is_loopback()) return true;
    const Address* address = find_address(addr);
    return address != nullptr && address->state == AddressState::valid;
  }
  // On one of the interface's networks.
  bool is_on_link(std::uint8_t interface, const IpAddr& addr);
  // Both on the same one.
  bool share_network(std::uint8_t interface, const IpAddr& a, const IpAddr& b);
  // The source address for IPv4 packets to `next_hop` (RFC 1122 3.3.4.3): one of the same
  // network, else the interface's primary, else any; nullptr when there is none.
  const Address* select_source(std::uint8_t interface, const IpAddr& next_hop);
  // The first IPv4 address in use; nullptr when there is none.
  const Address* first_valid_v4(std::uint8_t interface);

  // What routers have said of IPv6 neighbours there, else the options (RFC 4861 6.3.2).
  Duration retransmit_time(std::uint8_t interface) const;
  Duration reachable_time(std::uint8_t interface) const;

  // The link-local IPv6 address of the interface, in any state; nullptr: it speaks no IPv6.
  const Address* link_local(std::uint8_t interface);

  // Group membership: the group when it is new on the interface, or when its last user has
  // gone (then it is the caller's to remove); nullptr when nothing changes.
  Result<Membership*> join(std::uint8_t interface, const IpAddr& group);
  Membership* leave(std::uint8_t interface, const IpAddr& group);
  void remove_membership(Membership& membership);
  // With or without users.
  Membership* find_membership(std::uint8_t interface, const IpAddr& group) const;
  // Routers are told of it, by IGMP or MLD.
  static bool is_reported(const Membership& m) {
    if (m.interface == kLoopback) return false;
    if (m.group.is_v4()) return m.group != kAllHosts;
    return m.group != wire::kAllNodes && wire::group_scope(m.group) > wire::kInterfaceScope;
  }
  template <class F>
  void for_each_membership(F&& f) {
    memberships_.for_each(f);
  }
  bool is_member(std::uint8_t interface, const IpAddr& group) const;

  template <class F>
  void for_each_address(F&& f) {
    addresses_.for_each(f);
  }

 private:
  Context* context_ = nullptr;
  std::uint8_t count_ = 0;
  std::array<Interface, kMaxInterfaces> interfaces_;
  Slab<Address> addresses_;
  HashChains<Address, &Address::next_by_addr> by_addr_;
  HashChains<Address, &Address::next_by_broadcast> by_broadcast_;
  Slab<Membership> memberships_;
  HashChains<Membership, &Membership::next_in_chain> by_group_;
};

}  // namespace naru::ip
