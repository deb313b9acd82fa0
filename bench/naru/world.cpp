#include "naru/world.hpp"

#include <algorithm>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.hpp"
#include "naru/must.hpp"

namespace naru::bench {
namespace {

constexpr std::int64_t kKiB = 1024;
// Turns of the hosts in a row; more means that they never come to rest.
constexpr unsigned kRestless = 1'000'000;

// The defaults, but for what the rows name: the size of the tables, no timestamps (lwIP
// sends none, and a segment is then MTU - 40), and on the short wire the windows that
// are best there, as for lwIP.
Options options_of(const WorldConfig& config) {
  Options options;
  const auto set = [&](Option o, std::int64_t v) { must(options.set(o, v), "an option"); };
  const std::int64_t n = config.connections + config.ports;
  set(Option::max_connections, n);
  set(Option::max_time_wait, n);
  set(Option::tcp_timestamps, 0);
  if (!config.path) {
    const std::int64_t window = config.mtu > 9000 ? 256 * kKiB : 64 * kKiB;
    set(Option::tcp_send_buffer, window);
    set(Option::tcp_send_buffer_max, window);
    set(Option::tcp_receive_buffer, window);
    set(Option::tcp_receive_buffer_max, window);
  }
  return options;
}

// A "64 KiB segment" crosses an Ethernet of ordinary MTU as one frame, as on a tap.
link::MemoryWireOptions wire_of(const WorldConfig& config) {
  const bool large = config.mtu > 9000;
  return {.mtu = large ? 1500 : config.mtu, .carries_large = large, .checksums = config.checksums};
}

StackConfig stack_config(const WorldConfig& config, std::uint8_t number) {
  return {.options = options_of(config), .random = Random::seeded(number), .trace_events = 0};
}

// 10.0.0.n/24, or fd00::n/64.
Prefix address(bool ipv6, std::uint8_t number) {
  if (!ipv6) return {IpAddr::v4(10, 0, 0, number), 24};
  return {IpAddr::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number}), 64};
}

}  // namespace

NaruHost::NaruHost(const WorldConfig& config, std::uint8_t number, link::Link& link)
    : memory_(must(ArenaMapping::map_private(arena_size(stack_config(config, number))), "arena")),
      stack_(must(Stack::create(memory_.arena(), stack_config(config, number), Time{}), "stack")),
      ipv6_(config.ipv6) {
  const std::uint8_t interface = must(stack_->add_interface("eth0", link), "interface");
  must(stack_->add_address(interface, address(ipv6_, number)), "address");
  link.set_interrupt([this] { mark(); });
}

void NaruHost::listen(std::uint16_t port) {
  const SocketId s = must(stack_->open_tcp(), "socket");
  must(stack_->bind(s, {ipv6_ ? IpAddr::any_v6() : IpAddr::any_v4(), port}), "bind");
  must(stack_->listen(s, 1024), "listen");
  listeners_.push_back(s);
}

SocketId NaruHost::connect(std::uint8_t number, std::uint16_t port) {
  const SocketId s = must(stack_->open_tcp(), "socket");
  const Status started = stack_->connect(s, {address(ipv6_, number).addr, port});
  if (!started && started.error() != Error::in_progress) must(started, "connect");
  mark();
  return s;
}

std::optional<SocketId> NaruHost::accept() {
  const auto accepted = stack_->accept(expected_);
  if (!accepted) return std::nullopt;
  return accepted->socket;
}

std::size_t NaruHost::send(SocketId s, const std::uint8_t* data, std::size_t size) {
  const auto sent = stack_->send(s, {data, size});
  mark();
  if (sent) return *sent;
  if (sent.error() != Error::would_block) fail(to_string(sent.error()));
  return 0;
}

std::size_t NaruHost::recv(SocketId s, std::uint8_t* data, std::size_t size) {
  const auto got = stack_->recv(s, {data, size});
  if (stack_->has_output()) mark();
  if (got) return *got;
  if (got.error() != Error::would_block) fail(to_string(got.error()));
  return 0;
}

bool NaruHost::at_end(SocketId s) {
  std::uint8_t byte;
  const auto got = stack_->recv(s, {&byte, 1}, msg::kPeek);
  return got && *got == 0;
}

void NaruHost::close(SocketId s) {
  must(stack_->close(s), "close");
  mark();
}

bool NaruHost::work(Time now) {
  work_ = false;
  // Another turn comes after the programs have had theirs, as with every driver.
  const bool more = stack_->poll(now);
  deadline_ = more ? now : stack_->next_deadline();
  return true;
}

std::size_t NaruHost::resident_bytes() const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((memory_.arena().size() + page - 1) / page);
  if (mincore(&memory_.arena(), memory_.arena().size(), resident.data()) != 0) fail("mincore");
  const auto in_memory = [](unsigned char p) { return (p & 1U) != 0; };
  return page * static_cast<std::size_t>(std::ranges::count_if(resident, in_memory));
}

NaruWorld::NaruWorld(const WorldConfig& config)
    : wire_(wire_of(config)),
      line_(config.path ? std::make_unique<Line>(*config.path, wire_of(config)) : nullptr),
      client_(config, 1, line_ ? line_->client_end() : wire_.a()),
      server_(config, 2, line_ ? line_->server_end() : wire_.b()) {
  for (unsigned i = 0; i < config.ports; ++i) {
    server_.listen(static_cast<std::uint16_t>(kFirstPort + i));
  }
  settle();
  resident_at_start_ = client_.resident_bytes() + server_.resident_bytes();
}

SocketId NaruWorld::connect(std::uint16_t port) {
  server_.expect(port);
  ++connections_;
  return client_.connect(2, port);
}

void NaruWorld::turn() {
  if (line_) return turn_over_line();
  now_ += std::chrono::microseconds(1);
  settle();
}

// Until no frame waits for either host.
void NaruWorld::settle() {
  client_.wake(now_);
  server_.wake(now_);
  for (unsigned i = 0; client_.run(now_) | server_.run(now_); ++i) {
    if (i == kRestless) fail("the hosts never come to rest");
  }
}

// To the next arrival or timer, whichever comes first.
void NaruWorld::turn_over_line() {
  settle();
  line_->carry(now_);
  const Time timer = std::min(client_.next_deadline(), server_.next_deadline());
  const Time next = std::min(timer, line_->next_arrival());
  if (next == kTimeNever) fail("no frame is under way and no timer runs");
  now_ = std::max(now_, next);
  line_->carry(now_);
  settle();
  line_->carry(now_);
}

double NaruWorld::bytes_per_connection() const {
  const std::size_t now = client_.resident_bytes() + server_.resident_bytes();
  return static_cast<double>(now - resident_at_start_) / (2.0 * static_cast<double>(connections_));
}

}  // namespace naru::bench
