#include "simulation/network.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include <naru/link/capture.hpp>

#include "simulation/memory_file.hpp"
#include "simulation/noisy_cable.hpp"
#include "simulation/program.hpp"

namespace naru::test {
namespace {

constexpr std::uint16_t kPort = 80;
constexpr Time kStart = Time(1s);
// A run that takes longer than this has stalled.
constexpr Duration kTooLong = 24h;
constexpr std::uint64_t kTooManySteps = 5'000'000;
constexpr int kTooManyTurns = 1'000'000;

Prefix address_of(std::size_t host, bool ipv6) {
  const auto number = static_cast<std::uint8_t>(1 + host);
  if (!ipv6) return {IpAddr::v4(10, 0, 0, number), 24};
  return {IpAddr::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number}), 64};
}

std::string in_use(const Stack::Usage& u) {
  std::string out;
  const auto add = [&out](const char* what, std::uint32_t n) {
    if (n != 0) out += " " + std::to_string(n) + " " + what;
  };
  add("connections", u.connections);
  add("in TIME-WAIT", u.time_wait);
  add("listeners", u.listeners);
  add("UDP sockets", u.udp_sockets);
  add("flows", u.flows);
  add("packets", u.packets);
  add("send blocks", u.send_blocks);
  add("timers", u.timers);
  return out;
}

// A stack in memory of its own.
class Host {
 public:
  Host(const StackConfig& config, const Prefix& address, link::Link& card)
      : mapping_(ArenaMapping::map_private(arena_size(config)).value()),
        stack_(Stack::create(mapping_.arena(), config, kStart).value()) {
    const std::uint8_t interface = stack_->add_interface("eth0", card).value();
    stack_->add_address(interface, address).value();
    listener = stack_->open_tcp().value();
    stack_->bind(listener, {address.addr, kPort}).value();
    stack_->listen(listener, 16).value();
  }

  Stack& operator*() { return *stack_; }
  Stack* operator->() { return stack_.get(); }

  SocketId listener;

 private:
  ArenaMapping mapping_;
  std::unique_ptr<Stack> stack_;
};

struct Connection {
  const ConnectionPlan* plan;
  std::optional<Program> client;
  std::optional<Program> server;

  bool done() const { return client && client->done() && server && server->done(); }
};

class World {
 public:
  explicit World(const Scenario& scenario);

  // Carries every transfer, and then everything comes to rest.
  void run();
  Outcome outcome();

 private:
  using Condition = bool (World::*)();

  void run_until(Condition condition);
  void settle();
  bool run_programs();
  bool run_program(std::optional<Program>& program);
  void connect(Connection& connection);
  bool accept(std::size_t host);
  bool all_done();
  bool at_rest();
  void go_on();
  void fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }

  MemoryFile file_;
  link::CaptureFile capture_file_;
  link::MemoryWire wire_;
  std::array<NoisyCable, 2> cables_;
  link::CaptureLink capture_;
  std::array<link::FaultLink, 2> faults_;
  std::array<Prefix, 2> addresses_;
  std::array<Host, 2> hosts_;

  Time now_ = kStart;
  std::uint64_t steps_ = 0;
  bool rang_ = false;
  std::deque<Connection> connections_;
  // Who connects from that port of that host.
  std::map<std::pair<std::size_t, std::uint16_t>, Connection*> by_client_;
  std::uint64_t bytes_ = 0;
  std::string failure_;
};

World::World(const Scenario& s)
    : capture_file_(link::CaptureFile::open(file_.path()).value()),
      wire_(s.wire),
      cables_{NoisyCable(wire_, wire_.a(), wire_.b(), s.cable_damage, s.seed),
              NoisyCable(wire_, wire_.b(), wire_.a(), s.cable_damage, ~s.seed)},
      capture_(cables_[0], capture_file_, "wire"),
      faults_{link::FaultLink(capture_, s.faults[0]), link::FaultLink(cables_[1], s.faults[1])},
      addresses_{address_of(0, s.ipv6), address_of(1, s.ipv6)},
      hosts_{Host(s.hosts[0], addresses_[0], faults_[0]),
             Host(s.hosts[1], addresses_[1], faults_[1])} {
  for (link::FaultLink& link : faults_) link.set_interrupt([this] { rang_ = true; });
  for (const ConnectionPlan& plan : s.connections) connections_.push_back({&plan, {}, {}});
}

void World::run() {
  run_until(&World::all_done);
  for (Host& host : hosts_) {
    host->set_now(now_);
    if (!host->close(host.listener)) fail("a listener could not be closed");
  }
  if (failure_.empty()) run_until(&World::at_rest);
}

void World::run_until(Condition condition) {
  for (;;) {
    settle();
    if (!failure_.empty() || (this->*condition)()) return;
    go_on();
  }
}

// Lets programs and hosts do what can be done now.
void World::settle() {
  for (int turns = 0; turns < kTooManyTurns; ++turns) {
    rang_ = false;
    bool more = false;
    for (Host& host : hosts_) {
      more |= host->poll(now_);
      host->check_invariants();
    }
    more |= run_programs();
    if (!more && !rang_) return;
  }
  fail("the hosts find work without end");
}

// To the next time at which anything happens.
void World::go_on() {
  Time next = kTimeNever;
  for (Host& host : hosts_) next = std::min(next, host->next_deadline());
  for (const Connection& c : connections_) {
    if (!c.client) next = std::min(next, kStart + c.plan->start);
    if (c.client && !c.client->done()) next = std::min(next, c.client->wakes());
    if (c.server && !c.server->done()) next = std::min(next, c.server->wakes());
  }
  now_ = std::max(next, now_ + 1ns);
  if (next == kTimeNever || now_ > kStart + kTooLong || ++steps_ > kTooManySteps) {
    std::string who;
    for (const Connection& c : connections_) {
      who += "\n  client: " + (c.client ? c.client->to_string() : "none");
      who += "\n  server: " + (c.server ? c.server->to_string() : "none");
    }
    for (Host& host : hosts_) who += "\n  in use:" + in_use(host->usage());
    fail("stalled after " + std::to_string(steps_) + " steps, at " +
         std::to_string((now_ - kStart) / 1s) + " s" + who);
  }
}

bool World::run_programs() {
  bool did = false;
  for (Host& host : hosts_) host->set_now(now_);
  for (std::size_t i = 0; i < 2; ++i) did |= accept(i);
  for (Connection& c : connections_) {
    if (!c.client && now_ >= kStart + c.plan->start) {
      connect(c);
      did = true;
    }
    did |= run_program(c.client);
    did |= run_program(c.server);
  }
  return did;
}

bool World::run_program(std::optional<Program>& program) {
  if (!program || program->done()) return false;
  const bool did = program->run(now_);
  if (!program->failure().empty()) fail(program->failure());
  return did;
}

void World::connect(Connection& c) {
  const auto from = static_cast<std::size_t>(c.plan->client);
  Stack& stack = *hosts_[from];
  const SocketId socket = stack.open_tcp().value();
  const auto& [client, server] = c.plan->ends;
  c.client.emplace(stack, socket, client, server);
  const Status status = stack.connect(socket, {addresses_[1 - from].addr, kPort});
  if (status.error() != Error::in_progress) fail("connect");
  by_client_[{from, stack.local(socket)->port}] = &c;
}

bool World::accept(std::size_t host) {
  bool did = false;
  while (const auto accepted = hosts_[host]->accept(hosts_[host].listener)) {
    did = true;
    const auto known = by_client_.find({1 - host, accepted->peer.port});
    if (known == by_client_.end() || known->second->server) {
      fail("a connection that nobody opened");
      break;
    }
    Connection& c = *known->second;
    const auto& [client, server] = c.plan->ends;
    c.server.emplace(*hosts_[host], accepted->socket, server, client);
  }
  return did;
}

bool World::all_done() {
  return std::ranges::all_of(connections_, [](const Connection& c) { return c.done(); });
}

bool World::at_rest() {
  return std::ranges::all_of(hosts_, [](Host& h) { return in_use(h->usage()).empty(); }) &&
         std::ranges::all_of(faults_, [](link::FaultLink& f) { return f.waiting() == 0; });
}

Outcome World::outcome() {
  Outcome o;
  o.failure = failure_;
  for (std::size_t i = 0; i < 2; ++i) {
    const link::FaultStats& f = faults_[i].fault_stats();
    o.faults.lost += f.lost;
    o.faults.corrupted += f.corrupted;
    o.faults.duplicated += f.duplicated;
    o.faults.reordered += f.reordered;
    o.faults.queue_drops += f.queue_drops;
    o.cable_damage += cables_[i].damaged();
    o.bad_fcs += cables_[i].stats().rx_bad_fcs;
    const Counters& counters = hosts_[i]->counters();
    o.no_buffer += cables_[i].stats().rx_no_buffer + counters.get(Drop::tcp_no_memory);
    o.bad_checksum += counters.get(Drop::tcp_bad_checksum) + counters.get(Drop::ip_bad_checksum);
    o.resets += counters.get(Counter::tcp_resets_out);
  }
  for (const Connection& c : connections_) o.bytes += c.plan->ends[0].size + c.plan->ends[1].size;
  o.time = now_ - kStart;
  o.steps = steps_;
  capture_file_.flush();
  if (!capture_file_.error().empty()) o.failure += capture_file_.error();
  o.capture = file_.contents();
  return o;
}

}  // namespace

Outcome& Outcome::operator+=(const Outcome& other) {
  faults.lost += other.faults.lost;
  faults.corrupted += other.faults.corrupted;
  faults.duplicated += other.faults.duplicated;
  faults.reordered += other.faults.reordered;
  faults.queue_drops += other.faults.queue_drops;
  cable_damage += other.cable_damage;
  bad_fcs += other.bad_fcs;
  no_buffer += other.no_buffer;
  bad_checksum += other.bad_checksum;
  resets += other.resets;
  bytes += other.bytes;
  steps += other.steps;
  time += other.time;
  return *this;
}

Outcome run(const Scenario& scenario) {
  World world(scenario);
  world.run();
  return world.outcome();
}

}  // namespace naru::test
