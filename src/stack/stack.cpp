// Making, configuring and driving a stack.

#include <algorithm>

#include <naru/stack/stack.hpp>

#include "stack/state.hpp"
#include "tcp/user.hpp"

namespace naru {
namespace {

// While a link has no room nobody rings when it has some again.
constexpr Duration kRetryBlocked = 1ms;

}  // namespace

bool StackState::init(Arena& arena, std::uint32_t trace_events) {
  if (trace_events != 0 && !trace.init(arena, trace_events)) return false;
  return packets.init(arena, options.u32(Option::max_small_packets),
                      options.u32(Option::max_large_packets)) &&
         ip.init(arena, options, counters, trace, random, packets) &&
         tcp.init(arena, options, counters, trace, random, packets) &&
         udp.init(arena, options, counters, trace, random, packets) &&
         icmp.init(arena, options, counters, random, packets);
}

std::size_t arena_size(const StackConfig& config) {
  // Found by making one: address space is free until it is touched.
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kMost = std::size_t{1} << 44U;
  for (std::size_t size = std::size_t{1} << 32U; size < kMost; size *= 4) {
    const auto trial = ArenaMapping::map_private(size);
    if (!trial || !Stack::create(trial->arena(), config, Time{})) continue;
    return (trial->arena().used() + kPage - 1) / kPage * kPage;
  }
  return kMost;
}

Stack::Stack(StackState& state, std::unique_ptr<StackPorts> ports)
    : state_(&state), ports_(std::move(ports)) {}

Stack::~Stack() {
  for (link::Link* link : ports_->links) {
    if (link != nullptr) link->attach(nullptr);
  }
}

Result<std::unique_ptr<Stack>> Stack::create(Arena& arena, const StackConfig& config, Time now) {
  auto* state = arena.make<StackState>(config);
  if (state == nullptr || !state->init(arena, config.trace_events)) {
    return std::unexpected(Error::no_memory);
  }
  if (const auto& secret = config.stable_secret) {
    state->ip.set_stable_secret({(*secret)[0], (*secret)[1]});
  }
  arena.set_root(state);
  std::unique_ptr<Stack> stack(new Stack(*state, std::make_unique<StackPorts>()));
  stack->set_now(now);
  return stack;
}

Result<std::unique_ptr<Stack>> Stack::attach(Arena& arena) {
  auto* state = static_cast<StackState*>(arena.root());
  if (state == nullptr) return std::unexpected(Error::invalid);
  return std::unique_ptr<Stack>(new Stack(*state, std::make_unique<StackPorts>()));
}

// --- configuration -----------------------------------------------------------------

Result<std::uint8_t> Stack::add_interface(std::string_view name, link::Link& link) {
  StackState& s = *state_;
  const Configuring configuring(s);
  const auto index = s.ip.add_interface(name, link.mac(), link.caps().mtu, s.now);
  if (!index) return index;
  replace_link(*index, &link);
  return index;
}

void Stack::replace_link(std::uint8_t interface, link::Link* link) {
  if (link::Link* old = ports_->links[interface]; old != nullptr) old->attach(nullptr);
  ports_->links[interface] = link;
  if (link == nullptr) return;
  ports_->caps[interface] = link->caps();
  link->attach(&state_->packets);
}

Status Stack::add_address(std::uint8_t interface, const Prefix& address) {
  const Configuring configuring(*state_);
  return state_->ip.add_address(interface, address, state_->now);
}

Status Stack::remove_address(std::uint8_t interface, const IpAddr& address) {
  const Configuring configuring(*state_);
  return state_->ip.remove_address(interface, address);
}

Status Stack::set_mtu(std::uint8_t interface, std::uint32_t mtu) {
  const Configuring configuring(*state_);
  return state_->ip.set_mtu(interface, mtu);
}

Status Stack::add_route(const Prefix& destination, std::optional<IpAddr> gateway,
                        std::uint8_t interface) {
  ip::Route route;
  route.prefix = destination;
  if (gateway) route.gateway = *gateway;
  route.interface = interface;
  const Configuring configuring(*state_);
  return state_->ip.add_route(route);
}

Status Stack::remove_route(const Prefix& destination) {
  std::optional<ip::Route> found;
  state_->ip.for_each_route([&](const ip::Route& r) {
    if (r.prefix == destination) found = r;
  });
  const Configuring configuring(*state_);
  return found ? state_->ip.remove_route(*found) : std::unexpected(Error::not_found);
}

Status Stack::set_nat(std::uint8_t outside) {
  const Configuring configuring(*state_);
  return state_->ip.set_nat(outside);
}

Status Stack::add_port_forward(Protocol protocol, std::uint16_t outside_port,
                               const Endpoint& inside) {
  const Configuring configuring(*state_);
  return state_->ip.add_port_forward(protocol, outside_port, inside, state_->now);
}

Status Stack::remove_port_forward(Protocol protocol, std::uint16_t outside_port) {
  const Configuring configuring(*state_);
  return state_->ip.remove_port_forward(protocol, outside_port);
}

Status Stack::set_option(Option option, std::int64_t value) {
  return state_->options.set(option, value);
}

std::int64_t Stack::option(Option option) const { return state_->options.get(option); }

// --- driving -----------------------------------------------------------------------

void Stack::set_now(Time now) {
  StackState& s = *state_;
  s.now = now;
  s.tcp.set_now(now);
  s.tcp.change.clear();
  s.udp.rest();
}

Time Stack::now() const { return state_->now; }

bool Stack::poll(Time now) {
  StackState& s = *state_;
  set_now(now);
  Turn turn{s, *ports_};
  // What receiving makes due at once (an ACK that could ride on the program's answer)
  // waits for the next turn.
  const bool tcp_is_due = s.tcp.next_deadline() <= now;
  const bool more = turn.receive();
  if (s.ip.next_deadline() <= now) [[unlikely]]
    s.ip.on_timer(now);
  if (tcp_is_due) [[unlikely]]
    s.tcp.on_timer();
  if (s.ip.has_error()) [[unlikely]]
    turn.pass_errors();
  if (s.ip.has_icmp()) [[unlikely]]
    turn.pass_icmp();
  if (ports_->blocked || has_output()) {
    turn.flush();
    if (!s.loopback.empty()) [[unlikely]]
      turn.carry_loopback();
  }
  if (s.tcp.ready_gone != 0) s.tcp.sweep_ready();
  s.tcp.change.clear();
  s.udp.rest();
  return more || !s.loopback.empty() || s.tcp.next_deadline() <= now;
}

void Stack::flush(Time now) {
  set_now(now);
  if (ports_->blocked || has_output()) Turn{*state_, *ports_}.flush();
}

Time Stack::next_deadline() const {
  const StackState& s = *state_;
  Time next = std::min(s.ip.next_deadline(), s.tcp.next_deadline());
  for (std::uint8_t i = 1; i < s.ip.interface_count(); ++i) {
    const link::Link* link = ports_->links[i];
    if (link != nullptr) next = std::min(next, link->next_deadline());
  }
  if (ports_->blocked) next = std::min(next, s.now + kRetryBlocked);
  return next;
}

bool Stack::has_output() const {
  const StackState& s = *state_;
  return s.tcp.has_output() || s.udp.has_output() || s.icmp.has_output() || s.ip.has_output() ||
         !s.loopback.empty();
}

bool Stack::arm() {
  bool quiet = true;
  for (link::Link* link : ports_->links) {
    if (link != nullptr && !link->arm()) quiet = false;
  }
  return quiet;
}

unsigned Stack::runnable() const {
  unsigned most = 0;
  for (const link::Link* link : ports_->links) {
    if (link != nullptr) most = std::max(most, link->runnable());
  }
  return most;
}

std::optional<SocketEvent> Stack::next_event() {
  StackState& s = *state_;
  if (const tcp::Connection* c = s.tcp.pop_ready(); c != nullptr) {
    return SocketEvent{id_of(*c), c->cookie, tcp::readiness(s.tcp, *c)};
  }
  if (const icmp::IcmpSocket* i = s.icmp.pop_ready(); i != nullptr) {
    return SocketEvent{id_of(s.icmp.handle_of(*i)), i->cookie, icmp_readiness(*i)};
  }
  udp::ReadyEvent event;
  if (!s.udp.pop_ready(event)) return std::nullopt;
  const SocketId id = id_of(event.handle);
  return SocketEvent{id, event.cookie, readiness(id)};
}

// --- watching ----------------------------------------------------------------------

const Counters& Stack::counters() const { return state_->counters; }
void Stack::set_trace(bool on) { state_->trace.set_on(on); }
const trace::Event* Stack::next_trace() { return state_->trace.pop(); }

Stack::Usage Stack::usage() const {
  const StackState& s = *state_;
  return {.connections = s.tcp.connections.in_use(),
          .orphans = s.tcp.orphans,
          .time_wait = s.tcp.time_wait.size(),
          .listeners = s.tcp.listeners.in_use(),
          .icmp_sockets = s.icmp.sockets_in_use(),
          .udp_sockets = s.udp.sockets_in_use(),
          .flows = s.tcp.flows.in_use(),
          .packets = s.packets.in_use(),
          .send_blocks = s.tcp.blocks.in_use(),
          .timers = s.tcp.wheel.armed()};
}

void Stack::check_invariants() const { tcp::check_invariants(state_->tcp); }

}  // namespace naru
