// Switch: passes each frame to the port where its destination is (IEEE 802.1Q 8).
//
//   frame ─► VLAN of the port or the tag ─► learn where the source is
//                                          ├─ destination known:  to its port
//                                          └─ unknown, or a group: to all ports of the VLAN
//
// It learns from source addresses and forgets after five minutes. What it learns is
// bounded by port: whoever floods it with addresses displaces only what was learned at
// the same port. What goes to everybody is bounded in rate, by the port that it comes
// from. It speaks no spanning tree: a ring of switches keeps a broadcast for ever, and
// the bound is all that stops it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <naru/device/device.hpp>
#include <naru/random/random.hpp>

namespace naru::device {

struct SwitchOptions {
  DeviceOptions device{};
  // How long an address is known that sends nothing (802.1Q 8.8.3).
  Duration ageing = 300s;
  // Addresses learned at each port; a new one takes the place of the oldest.
  std::uint32_t max_addresses = 1'024;
  // Frames per second that a port may have passed to everybody (broadcast, multicast,
  // unknown destination), and how many at once. Rate 0: no bound.
  std::uint32_t flood_rate = 10'000;
  std::uint32_t flood_burst = 1'000;
  // The key of the address table.
  Random random = Random::seeded(0);
};

// The VLANs of a port. An access port has one, without tags; a trunk has many, with tags,
// and possibly one without.
struct PortVlans {
  std::uint16_t untagged = 1;           // what frames without a tag belong to; 0: none are taken
  std::vector<std::uint16_t> tagged{};  // 1 to 4094; none of them is `untagged`

  static PortVlans access(std::uint16_t vlan) { return {vlan, {}}; }
  static PortVlans trunk(std::vector<std::uint16_t> vlans) { return {0, std::move(vlans)}; }
};

class Switch final : public Device {
 public:
  static Result<std::unique_ptr<Switch>> create(const SwitchOptions& options = {});
  ~Switch() override;

  // The link outlives the switch. Error::no_memory beyond kMaxPorts, Error::invalid for
  // VLANs that are none.
  Result<std::uint8_t> add_port(std::string_view name, link::Link& link,
                                const PortVlans& vlans = {});

  // From now on whatever comes and goes at `watched` goes to `to` as well, as it is on the
  // wire at `watched`. The port `to` has no other use any more: what comes there is lost.
  Status mirror(std::uint8_t watched, std::uint8_t to);

  // Where an address is.
  std::optional<std::uint8_t> find(const MacAddr& mac, std::uint16_t vlan = 1) const;
  // Addresses known at a port.
  std::uint32_t address_count(std::uint8_t port) const;

 private:
  struct Table;
  Switch(std::unique_ptr<State> state, std::unique_ptr<Table> table);

  void take(Packet& frame, std::uint8_t port) override;
  void begin_turn() override;
  void on_down(std::uint8_t port) override;
  std::uint16_t vlan_of(const Packet& frame, std::uint8_t port) const;
  void pass(const Packet& frame, std::uint16_t vlan, std::uint8_t to);
  void flood(const Packet& frame, std::uint16_t vlan, std::uint8_t from);

  std::unique_ptr<Table> table_;
};

}  // namespace naru::device
