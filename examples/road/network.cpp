#include "network.hpp"

#include <algorithm>

namespace naru::road {
namespace {

constexpr std::uint32_t kTraceEvents = 4'096;

MacAddr mac(std::uint8_t cable, std::uint8_t end) { return {{0x02, 0, 0, 0, cable, end}}; }

}  // namespace

Cable::Cable(std::uint8_t number, Duration delay)
    : wire({.mac_a = mac(number, 1), .mac_b = mac(number, 2)}),
      near(wire.a(), {.delay = delay}),
      far(wire.b(), {.delay = delay}) {}

Stack& Network::add_host(const Options& options) {
  const StackConfig config{.options = options,
                           .random = Random::seeded(stations_.size() + 1),
                           .trace_events = kTraceEvents};
  Station station;
  station.memory = std::make_unique<ArenaMapping>(
      must(ArenaMapping::map_private(arena_size(config)), "no memory for a host"));
  station.stack = must(Stack::create(station.memory->arena(), config, now_), "cannot make a host");
  station.stack->set_trace(true);
  stations_.push_back(std::move(station));
  return *stations_.back().stack;
}

device::Hub& Network::add_hub() {
  auto hub = must(device::Hub::create({.trace_events = kTraceEvents}), "cannot make a hub");
  device::Hub& added = *hub;
  add(std::move(hub));
  return added;
}

device::Switch& Network::add_switch() {
  auto made = must(device::Switch::create({.device = {.trace_events = kTraceEvents}}),
                   "cannot make a switch");
  device::Switch& added = *made;
  add(std::move(made));
  return added;
}

void Network::add(std::unique_ptr<device::Device> device) {
  device->set_trace(true);
  stations_.push_back({.memory = nullptr, .stack = nullptr, .device = std::move(device)});
}

Cable& Network::add_cable(Duration delay) {
  return cables_.emplace_back(static_cast<std::uint8_t>(cables_.size() + 1), delay);
}

bool Network::run(const std::function<bool()>& done, Duration limit) {
  const Time end = now_ + limit;
  for (settle(); !done(); settle()) {
    if (now_ >= end) return false;
    now_ = std::clamp(next_deadline(), now_ + 1ns, end);
  }
  return true;
}

// All that can happen at this instant.
void Network::settle() {
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < stations_.size(); ++i) more |= turn(i);
    for (const Program& program : programs_) program.poll(now_);
    for (const Station& station : stations_) more |= station.stack && station.stack->has_output();
    for (Cable& cable : cables_) {
      more |=
          cable.wire.waiting_count(cable.wire.a()) + cable.wire.waiting_count(cable.wire.b()) > 0;
    }
  }
}

bool Network::turn(std::size_t number) {
  Station& station = stations_[number];
  const auto report = [&](auto& source) {
    while (const trace::Event* event = source.next_trace()) on_event_(number, *event);
  };
  if (station.device != nullptr) {
    const bool more = station.device->poll(now_);
    report(*station.device);
    return more;
  }
  report(*station.stack);  // what programs have done, before what comes of it
  const bool more = station.stack->poll(now_);
  report(*station.stack);
  return more;
}

Time Network::next_deadline() const {
  Time next = kTimeNever;
  for (const Station& station : stations_) {
    next = std::min(next, station.device != nullptr ? station.device->next_deadline()
                                                    : station.stack->next_deadline());
  }
  for (const Program& program : programs_) next = std::min(next, program.next_deadline());
  return next;
}

}  // namespace naru::road
