#include <algorithm>
#include <array>

#include <naru/device/device.hpp>

#include "device/state.hpp"

namespace naru::device {
namespace {

// While a link has no room nobody rings when it has some again.
constexpr Duration kRetryBlocked = 1ms;

}  // namespace

Result<std::unique_ptr<Device::State>> Device::make_state(const DeviceOptions& options) {
  // Address space, which costs nothing until it is touched: twice what the frames take.
  const std::size_t frames = std::size_t{options.small_frames} * 2 * PacketPool::kSmallCapacity +
                             std::size_t{options.large_frames} * 3 * PacketPool::kLargeCapacity;
  const std::size_t events = std::size_t{options.trace_events} * sizeof(trace::Event);
  auto mapping = ArenaMapping::map_private(frames + events + (std::size_t{1} << 20U));
  if (!mapping) return std::unexpected(mapping.error());
  auto state = std::make_unique<State>(std::move(*mapping), options);
  Arena& arena = state->arena.arena();
  if (!state->packets.init(arena, options.small_frames, options.large_frames) ||
      (options.trace_events != 0 && !state->trace.init(arena, options.trace_events))) {
    return std::unexpected(Error::no_memory);
  }
  return state;
}

Device::Device(std::unique_ptr<State> state) : state_(std::move(state)) {}
Device::~Device() = default;

Result<std::uint8_t> Device::plug(std::string_view name, link::Link& link) {
  State& s = *state_;
  if (s.count == kMaxPorts) return std::unexpected(Error::no_memory);
  State::Port& port = s.ports[s.count];
  port.link = &link;
  port.name = name;
  link.attach(&s.packets);
  return s.count++;
}

std::uint8_t Device::port_count() const { return state_->count; }
std::string_view Device::port_name(std::uint8_t port) const { return state_->ports[port].name; }
const PortStats& Device::stats(std::uint8_t port) const { return state_->ports[port].stats; }
std::uint32_t Device::frames_in_use() const { return state_->packets.in_use(); }

bool Device::poll(Time now) {
  State& s = *state_;
  s.now = now;
  for (std::uint8_t i = 0; i < s.count; ++i) {
    State::Port& port = s.ports[i];
    const bool is_up = port.link->is_up();
    if (port.is_up && !is_up) on_down(i);
    port.is_up = is_up;
    s.release_waiting(i);
  }
  begin_turn();
  bool more = false;
  for (std::uint8_t i = 0; i < s.count; ++i) more |= receive(i);
  return more;
}

// A burst of one port. True when it may have more.
bool Device::receive(std::uint8_t number) {
  State& s = *state_;
  State::Port& port = s.ports[number];
  std::array<Packet*, link::kBurst> burst;
  const std::size_t n = port.link->receive(burst, s.now);
  port.stats.rx_frames += n;
  for (std::size_t i = 0; i < n; ++i) {
    Packet* frame = burst[i];
    if (frame->more != nullptr) frame = s.packets.linearize(frame);
    if (frame == nullptr) continue;  // no buffer; the packet was given back
    if (State::take_tag_off(*frame)) {
      take(*frame, number);
    } else {
      ++port.stats.malformed;
    }
    s.packets.give_back(frame);
  }
  return n == burst.size();
}

Time Device::next_deadline() const {
  const State& s = *state_;
  Time next = kTimeNever;
  for (std::uint8_t i = 0; i < s.count; ++i) {
    const State::Port& port = s.ports[i];
    next = std::min(next, port.link->next_deadline());
    if (!port.waiting.empty()) next = std::min(next, s.now + kRetryBlocked);
  }
  return next;
}

bool Device::arm() {
  bool quiet = true;
  for (std::uint8_t i = 0; i < state_->count; ++i) {
    if (!state_->ports[i].link->arm()) quiet = false;
  }
  return quiet;
}

void Device::set_trace(bool on) { state_->trace.set_on(on); }
const trace::Event* Device::next_trace() { return state_->trace.pop(); }

}  // namespace naru::device
