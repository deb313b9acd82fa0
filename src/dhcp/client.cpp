#include <algorithm>
#include <array>

#include "dhcp/machine.hpp"

namespace naru::dhcp {

std::string_view to_string(State state) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 7> kNames{"INIT",  "SELECTING", "REQUESTING", "PROBING",
                                                   "BOUND", "RENEWING",  "REBINDING"};
  return kNames[static_cast<std::size_t>(state)];
}

Client::Client(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::create(Stack& stack, ClientConfig config,
                                               const Random& random, OnChange on_change) {
  auto machine = std::make_unique<Machine>(stack, std::move(config), random, std::move(on_change));
  if (const Status opened = machine->open(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<Client>(new Client(std::move(machine)));
}

void Client::poll(Time now) { machine_->poll(now); }

Time Client::next_deadline() const { return machine_->next_deadline(); }

State Client::state() const { return machine_->state; }

const std::optional<Lease>& Client::lease() const { return machine_->lease; }

void Client::release(Time now) { machine_->release(now); }

std::optional<std::uint32_t> take_mtu(Stack& stack, std::uint8_t interface, const Lease& lease,
                                      std::uint32_t link_mtu) {
  const std::uint32_t wanted =
      lease.mtu == 0 ? link_mtu : std::min<std::uint32_t>(lease.mtu, link_mtu);
  if (!stack.set_mtu(interface, wanted)) return std::nullopt;
  return wanted;
}

}  // namespace naru::dhcp
