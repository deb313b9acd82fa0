// AddressTable: where a switch has last seen an address, by VLAN (802.1Q 8.8).
#pragma once

#include <array>
#include <cstdint>

#include <naru/base/arena.hpp>
#include <naru/device/device.hpp>

#include "base/hash_chains.hpp"
#include "base/list.hpp"
#include "base/siphash.hpp"

namespace naru::device {

struct ByAge;

struct AddressEntry : ListHook<ByAge> {
  MacAddr mac;
  std::uint16_t vlan = 0;
  std::uint8_t port = 0;
  std::uint32_t chain = 0;
  Time seen{};
};

// Every port has room for as many addresses as any other: what one learns displaces
// nothing that others have learned.
class AddressTable {
 public:
  static std::size_t memory(std::uint32_t per_port);
  [[nodiscard]] bool init(Arena& arena, const SipKey& key, std::uint32_t per_port);

  const AddressEntry* find(const MacAddr& mac, std::uint16_t vlan) const {
    return look_up(mac, vlan);
  }
  // True when it was not known, or known at another port.
  bool learn(const MacAddr& mac, std::uint16_t vlan, std::uint8_t port, Time now);
  // What was not seen since `last`.
  void expire(Time last);
  void forget_port(std::uint8_t port);
  std::uint32_t count(std::uint8_t port) const {
    return static_cast<std::uint32_t>(by_age_[port].size());
  }

 private:
  std::uint64_t hash(const MacAddr& mac, std::uint16_t vlan) const;
  AddressEntry* look_up(const MacAddr& mac, std::uint16_t vlan) const;
  void forget(AddressEntry* entry);

  SipKey key_;
  std::uint32_t per_port_ = 0;
  Slab<AddressEntry> entries_;
  HashChains<AddressEntry, &AddressEntry::chain> table_;
  std::array<List<AddressEntry, ByAge>, kMaxPorts> by_age_;  // the oldest in front
};

}  // namespace naru::device
