#include "device/address_table.hpp"

#include <cstring>

namespace naru::device {

std::size_t AddressTable::memory(std::uint32_t per_port) {
  // Entries, at most two heads for each, and what alignment takes.
  constexpr std::size_t kEach = sizeof(AddressEntry) + 2 * sizeof(std::uint32_t) + 1;
  return kEach * per_port * kMaxPorts + 4'096;
}

bool AddressTable::init(Arena& arena, const SipKey& key, std::uint32_t per_port) {
  key_ = key;
  per_port_ = per_port;
  const std::uint32_t all = per_port * kMaxPorts;
  return per_port != 0 && entries_.init(arena, all) && table_.init(arena, entries_, all);
}

std::uint64_t AddressTable::hash(const MacAddr& mac, std::uint16_t vlan) const {
  std::uint64_t word = vlan;
  std::memcpy(reinterpret_cast<std::uint8_t*>(&word) + 2, mac.bytes.data(), mac.bytes.size());
  return siphash(key_, {word});
}

AddressEntry* AddressTable::look_up(const MacAddr& mac, std::uint16_t vlan) const {
  return table_.find(hash(mac, vlan),
                     [&](const AddressEntry& e) { return e.mac == mac && e.vlan == vlan; });
}

bool AddressTable::learn(const MacAddr& mac, std::uint16_t vlan, std::uint8_t port, Time now) {
  AddressEntry* entry = look_up(mac, vlan);
  const bool is_news = entry == nullptr || entry->port != port;
  if (is_news && by_age_[port].size() == per_port_) forget(by_age_[port].front());
  if (entry == nullptr) {
    entry = entries_.take();  // never without: each port keeps within its part
    entry->mac = mac;
    entry->vlan = vlan;
    table_.insert(hash(mac, vlan), entry);
  } else {
    by_age_[entry->port].remove(entry);
  }
  entry->port = port;
  entry->seen = now;
  by_age_[port].push_back(entry);
  return is_news;
}

void AddressTable::expire(Time last) {
  for (auto& list : by_age_) {
    while (!list.empty() && list.front()->seen < last) forget(list.front());
  }
}

void AddressTable::forget_port(std::uint8_t port) {
  while (!by_age_[port].empty()) forget(by_age_[port].front());
}

void AddressTable::forget(AddressEntry* entry) {
  by_age_[entry->port].remove(entry);
  table_.remove(hash(entry->mac, entry->vlan), entry);
  entries_.give_back(entry);
}

}  // namespace naru::device
