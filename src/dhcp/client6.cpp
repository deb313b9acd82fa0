#include <array>

#include "dhcp/machine6.hpp"

namespace naru::dhcp {

std::string_view to_string(State6 state) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 12> kNames{
      "WAITING",   "SOLICITING", "REQUESTING", "PROBING",   "BOUND",    "RENEWING",
      "REBINDING", "DECLINING",  "RELEASING",  "INFORMING", "INFORMED", "STOPPED"};
  return kNames[static_cast<std::size_t>(state)];
}

Client6::Client6(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}

Client6::~Client6() = default;

Result<std::unique_ptr<Client6>> Client6::create(Stack& stack, const Client6Config& config,
                                                 const Random& random, OnChange on_change) {
  auto machine = std::make_unique<Machine>(stack, config, random, std::move(on_change));
  if (const Status opened = machine->open(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<Client6>(new Client6(std::move(machine)));
}

void Client6::poll(Time now) { machine_->poll(now); }

Time Client6::next_deadline() const { return machine_->next_deadline(); }

State6 Client6::state() const { return machine_->state; }

const std::optional<Lease6>& Client6::lease() const { return machine_->lease; }

const std::optional<Names6>& Client6::names() const { return machine_->names; }

void Client6::release(Time now) { machine_->release(now); }

}  // namespace naru::dhcp
