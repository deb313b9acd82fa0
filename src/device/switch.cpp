#include <algorithm>
#include <bitset>

#include <naru/device/switch.hpp>

#include "device/address_table.hpp"
#include "device/rate_bound.hpp"
#include "device/state.hpp"
#include "wire/ethernet.hpp"

namespace naru::device {
namespace {

constexpr std::uint16_t kMaxVlan = 4'094;    // 4095 is reserved (802.1Q 9.6)
constexpr std::uint16_t kVlanBits = 0x0fff;  // of a tag; the others are the priority
constexpr std::uint16_t kPriorityBits = 0xf000;
constexpr std::uint8_t kNoPort = 0xff;

// 01-80-C2-00-00-00 to -0F: not passed on by any bridge (802.1Q 8.6.3).
bool is_reserved(const MacAddr& mac) {
  constexpr std::array<std::uint8_t, 5> kStart{0x01, 0x80, 0xc2, 0x00, 0x00};
  return std::equal(kStart.begin(), kStart.end(), mac.bytes.begin()) && mac.bytes[5] < 0x10;
}

bool is_tag(std::uint16_t type) {
  return type == wire::kEtherTypeVlan || type == wire::kEtherTypeServiceVlan;
}

}  // namespace

struct Switch::Table {
  struct PortState {
    std::uint16_t untagged = 0;
    std::bitset<kMaxVlan + 1> tagged;
    RateBound floods;
    std::uint8_t mirror = kNoPort;
    bool is_mirror = false;  // others are mirrored here
  };

  Table(ArenaMapping mapping, const SwitchOptions& switch_options)
      : arena(std::move(mapping)), options(switch_options) {}

  ArenaMapping arena;
  SwitchOptions options;
  AddressTable addresses;
  std::array<PortState, kMaxPorts> ports;
};

Result<std::unique_ptr<Switch>> Switch::create(const SwitchOptions& options) {
  auto state = make_state(options.device);
  auto mapping = ArenaMapping::map_private(AddressTable::memory(options.max_addresses));
  if (!state || !mapping) return std::unexpected(Error::no_memory);
  auto table = std::make_unique<Table>(std::move(*mapping), options);
  Random random = options.random;
  const SipKey key{random.next_u64(), random.next_u64()};
  if (!table->addresses.init(table->arena.arena(), key, options.max_addresses)) {
    return std::unexpected(Error::no_memory);
  }
  return std::unique_ptr<Switch>(new Switch(std::move(*state), std::move(table)));
}

Switch::Switch(std::unique_ptr<State> state, std::unique_ptr<Table> table)
    : Device(std::move(state)), table_(std::move(table)) {}
Switch::~Switch() = default;

Result<std::uint8_t> Switch::add_port(std::string_view name, link::Link& link,
                                      const PortVlans& vlans) {
  const bool is_valid = std::ranges::all_of(vlans.tagged, [&](std::uint16_t vlan) {
    return vlan != 0 && vlan <= kMaxVlan && vlan != vlans.untagged;
  });
  if (!is_valid || vlans.untagged > kMaxVlan) return std::unexpected(Error::invalid);
  const auto port = plug(name, link);
  if (!port) return port;
  Table::PortState& p = table_->ports[*port];
  p.untagged = vlans.untagged;
  for (const std::uint16_t vlan : vlans.tagged) p.tagged.set(vlan);
  p.floods = RateBound(table_->options.flood_rate, table_->options.flood_burst);
  return port;
}

Status Switch::mirror(std::uint8_t watched, std::uint8_t to) {
  const bool is_valid = watched < port_count() && to < port_count() && watched != to;
  if (!is_valid || table_->ports[watched].is_mirror || table_->ports[to].mirror != kNoPort) {
    return std::unexpected(Error::invalid);
  }
  table_->ports[watched].mirror = to;
  table_->ports[to].is_mirror = true;
  table_->addresses.forget_port(to);
  return {};
}

std::optional<std::uint8_t> Switch::find(const MacAddr& mac, std::uint16_t vlan) const {
  const AddressEntry* entry = table_->addresses.find(mac, vlan);
  return entry == nullptr ? std::nullopt : std::optional(entry->port);
}

std::uint32_t Switch::address_count(std::uint8_t port) const {
  return table_->addresses.count(port);
}

void Switch::begin_turn() { table_->addresses.expire(state().now - table_->options.ageing); }

// Whoever was there may turn up elsewhere.
void Switch::on_down(std::uint8_t port) { table_->addresses.forget_port(port); }

// The VLAN of a frame, or 0 for one that the port does not take. An access port takes no
// tag, not even that of its own VLAN: what stood behind it might be another.
std::uint16_t Switch::vlan_of(const Packet& frame, std::uint8_t port) const {
  const Table::PortState& p = table_->ports[port];
  const auto tag = State::tag_of(frame);
  const std::uint16_t vlan = tag ? *tag & kVlanBits : 0;
  if (vlan == 0) return p.untagged;  // no tag, or one for its priority only
  return vlan <= kMaxVlan && p.tagged[vlan] ? vlan : 0;
}

void Switch::take(Packet& frame, std::uint8_t port) {
  State& s = state();
  Table::PortState& p = table_->ports[port];
  PortStats& stats = s.ports[port].stats;
  if (p.is_mirror) {
    ++stats.reserved;
    return;
  }
  if (p.mirror != kNoPort) s.send(frame, State::tag_of(frame), p.mirror);
  const std::uint16_t vlan = vlan_of(frame, port);
  if (vlan == 0) {
    ++stats.bad_vlan;
    return;
  }
  const MacAddr source = wire::load_mac(frame.data + 6);
  const MacAddr destination = wire::load_mac(frame.data);
  if (source.is_multicast() || source.is_zero()) {
    ++stats.malformed;
    return;
  }
  if (is_reserved(destination)) {
    ++stats.reserved;
    return;
  }
  if (table_->addresses.learn(source, vlan, port, s.now)) {
    s.emit(trace::Kind::address_learned, frame, port, vlan, source);
  }
  const AddressEntry* known = table_->addresses.find(destination, vlan);
  if (known == nullptr) {
    flood(frame, vlan, port);
  } else if (known->port == port) {
    ++stats.filtered;
  } else {
    s.emit(trace::Kind::frame_switched, frame, port, known->port, destination);
    pass(frame, vlan, known->port);
  }
}

// To a port of the VLAN, and to who watches it.
void Switch::pass(const Packet& frame, std::uint16_t vlan, std::uint8_t to) {
  State& s = state();
  const Table::PortState& p = table_->ports[to];
  std::optional<std::uint16_t> tag;
  if (p.untagged != vlan) {
    const std::uint16_t priority = State::tag_of(frame).value_or(0) & kPriorityBits;
    tag = static_cast<std::uint16_t>(priority | vlan);
  } else if (is_tag(load_be16(frame.data + 12))) {
    // Without a tag of ours the next one would say what VLAN it is of.
    ++s.ports[to].stats.tx_dropped;
    return;
  }
  s.send(frame, tag, to);
  if (p.mirror != kNoPort) s.send(frame, tag, p.mirror);
}

void Switch::flood(const Packet& frame, std::uint16_t vlan, std::uint8_t from) {
  State& s = state();
  if (!table_->ports[from].floods.allow(s.now)) {
    ++s.ports[from].stats.storm_bound;
    return;
  }
  std::uint32_t copies = 0;
  for (std::uint8_t port = 0; port < s.count; ++port) {
    const Table::PortState& p = table_->ports[port];
    if (port == from || p.is_mirror || (p.untagged != vlan && !p.tagged[vlan])) continue;
    pass(frame, vlan, port);
    ++copies;
  }
  s.emit(trace::Kind::frame_flooded, frame, from, copies, wire::load_mac(frame.data));
}

}  // namespace naru::device
