#include "dsl/wire.hpp"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "dsl/peer.hpp"
#include "dsl/socket.hpp"

namespace naru::test {
namespace {

constexpr std::size_t kHistory = 16;
constexpr std::size_t kMaxEvents = 10'000;
// More turns of poll() than this without an end are a loop.
constexpr int kMaxTurns = 10'000;

constexpr Prefix kNetwork{Wire::kHost, 24};

void make_small(Options& options) {
  using enum Option;
  const std::pair<Option, std::int64_t> sizes[] = {
      {max_connections, 256}, {max_time_wait, 64},      {max_listeners, 16},
      {max_udp_sockets, 64},  {max_small_packets, 512}, {max_large_packets, 16},
      {max_send_blocks, 512}, {max_flows, 256},         {max_neighbours, 64},
      {max_routes, 16},       {max_destinations, 64},   {arp_announce_count, 0},
  };
  for (const auto& [option, value] : sizes) EXPECT_TRUE(options.set(option, value).has_value());
}

}  // namespace

void fail(const Where& where, const std::string& message) {
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << message;
  throw ::testing::AssertionException({::testing::TestPartResult::kFatalFailure, where.file_name(),
                                       static_cast<int>(where.line()), message.c_str()});
}

MacAddr Wire::mac_of(const IpAddr& addr) {
  const std::uint32_t v = addr.to_v4();
  return {{0x02, 0x00, static_cast<std::uint8_t>(v >> 24U), static_cast<std::uint8_t>(v >> 16U),
           static_cast<std::uint8_t>(v >> 8U), static_cast<std::uint8_t>(v)}};
}

Path Wire::path_from(const IpAddr& from) {
  const MacAddr mac = mac_of(kNetwork.contains(from) ? from : kGateway);
  return {mac, mac_of(kHost), from, kHost};
}

Wire::Wire() {
  make_small(config.options);
  config.random = Random::seeded(1);
  link.address = mac_of(kHost);
}

Wire::~Wire() = default;

void Wire::set(Option option, std::int64_t value) {
  const Status status =
      stack_ ? stack_->set_option(option, value) : config.options.set(option, value);
  ASSERT_TRUE(status.has_value()) << option_specs()[static_cast<std::size_t>(option)].name << " = "
                                  << value << ": " << naru::to_string(status.error());
}

Stack& Wire::stack() {
  if (!stack_) start();
  return *stack_;
}

void Wire::start() {
  arena_ = ArenaMapping::map_private(arena_size(config)).value();
  stack_ = Stack::create(arena_->arena(), config, now_).value();
  interface_ = stack_->add_interface("eth0", link).value();
  EXPECT_TRUE(stack_->add_address(interface_, kNetwork).has_value());
  EXPECT_TRUE(stack_->add_route({IpAddr::any_v4(), 0}, kGateway, interface_).has_value());
  settle();
}

// --- events --------------------------------------------------------------------

void Wire::inject(Buffer frame) {
  std::vector<Buffer> one;
  one.push_back(std::move(frame));
  inject_all(std::move(one));
}

void Wire::inject_all(std::vector<Buffer> frames) {
  stack();
  for (Buffer& frame : frames) {
    past_.push_back({false, {now_, frame}});
    link.waiting.push_back(std::move(frame));
  }
  settle();
}

void Wire::settle() {
  int turns = 0;
  do {
    settle_once();
    if (++turns > kMaxTurns) fail(Where::current(), "the stack never settles" + history());
  } while (!link.waiting.empty());
}

void Wire::settle_once() {
  Stack& s = stack();
  for (int turns = 0; s.poll(now_); ++turns) {
    if (turns > kMaxTurns) fail(Where::current(), "poll() finds work without end" + history());
  }
  s.check_invariants();
  while (const std::optional<SocketEvent> event = s.next_event()) {
    if (events_.size() < kMaxEvents) events_.push_back(*event);
  }
  collect();
}

void Wire::collect() {
  while (!link.sent.empty()) {
    Frame frame = std::move(link.sent.front());
    link.sent.pop_front();
    past_.push_back({true, frame});
    while (past_.size() > kHistory) past_.pop_front();
    const std::string wrong = flaw(frame);
    if (!wrong.empty()) fail(Where::current(), wrong + " in " + frame.to_string(start_));
    if (frame.bytes.size() > link.card.mtu + wire::Ethernet::kHeaderSize) {
      fail(Where::current(), "larger than the MTU: " + frame.to_string(start_));
    }
    file(std::move(frame));
  }
}

void Wire::file(Frame frame) {
  if (frame.is_arp() && take_arp(frame)) return;
  for (Peer* peer : peers_) {
    if (peer->is_for(frame)) return peer->receive(std::move(frame));
  }
  frames_.push_back(std::move(frame));
}

// Answers a request in everybody's name. Announcements need no answer.
bool Wire::take_arp(const Frame& frame) {
  if (!answer_arp) return false;
  const wire::ArpView request = *wire::ArpView::parse(frame.ethernet().payload());
  const IpAddr target = request.tpa();
  const bool asks = request.op() == wire::Arp::kRequest && target != request.spa();
  if (asks && target != kHost && !silent.contains(target)) {
    const Path path{mac_of(target), request.sha(), target, request.spa()};
    link.waiting.push_back(arp().is_at(target, mac_of(target)).render(path));
  }
  return true;
}

bool Wire::step(Time limit) {
  const Time next = stack().next_deadline();
  if (next > limit) return false;
  now_ = std::max(now_, next);
  settle();
  return true;
}

void Wire::advance_to(Time time) {
  Time last = now_;
  for (int repeats = 0; step(time);) {
    repeats = now_ == last ? repeats + 1 : 0;
    if (repeats > 100) fail(Where::current(), "next_deadline() does not move" + history());
    last = now_;
  }
  now_ = std::max(now_, time);
  settle();
}

// --- what the stack sent ---------------------------------------------------------

void Wire::run_until_sent(Time limit, const std::deque<Frame>& queue) {
  int steps = 0;
  while (queue.empty() && step(limit)) {
    if (++steps > kMaxTurns) fail(Where::current(), "deadlines without end" + history());
  }
  if (queue.empty()) advance_to(limit);
}

Frame Wire::take(const std::string& expected, const Where& where) {
  if (frames_.empty()) fail(where, "nothing was sent; expected " + expected + history());
  Frame frame = std::move(frames_.front());
  frames_.pop_front();
  return frame;
}

void Wire::check_time(const Frame& frame, Time start, Duration min, const Where& where) const {
  if (frame.at - start >= min) return;
  const auto ms = [](Duration d) { return std::to_string(d / 1.0ms) + " ms"; };
  fail(where, "too early: after " + ms(frame.at - start) + ", not before " + ms(min) + history());
}

void Wire::mismatch(const Frame& frame, const std::string& expected, const std::string& differences,
                    const Where& where) const {
  fail(where, differences + "\n  expected " + expected + "\n  got      " + frame.to_string(start_) +
                  history());
}

void Wire::expect_silence(Where where) {
  const std::string left = leftovers();
  if (!left.empty()) fail(where, "expected silence, but the stack sent" + left + history());
}

void Wire::expect_silence(Duration duration, Where where) {
  advance(duration);
  expect_silence(where);
}

std::string Wire::leftovers() const {
  std::string out;
  const auto list = [&](const std::deque<Frame>& frames) {
    for (const Frame& frame : frames) out += "\n  " + frame.to_string(start_);
  };
  list(frames_);
  for (const Peer* peer : peers_) list(peer->waiting());
  return out;
}

void Wire::forget_frames() {
  frames_.clear();
  for (Peer* peer : peers_) peer->drain();
}

std::string Wire::history() const {
  std::string out = "\nthe wire so far:";
  for (const Past& past : past_) {
    out += past.out ? "\n  > " : "\n  < ";
    out += past.frame.to_string(start_);
  }
  return out;
}

// --- sockets -----------------------------------------------------------------------

Socket Wire::tcp_socket() {
  sockets_.push_back(stack().open_tcp().value());
  return {*this, sockets_.back()};
}

Socket Wire::udp_socket() {
  sockets_.push_back(stack().open_udp().value());
  return {*this, sockets_.back()};
}

Socket Wire::listener(std::uint16_t port, int backlog) {
  const auto known = std::ranges::find(listeners_, port, [](const auto& l) { return l.first; });
  if (known != listeners_.end()) return {*this, known->second};
  Socket socket = tcp_socket();
  socket.must(stack().set_option(socket.id(), SocketOption::reuse_address, 1));
  socket.must(socket.bind({IpAddr::any_v4(), port}));
  socket.must(socket.listen(backlog));
  listeners_.emplace_back(port, socket.id());
  return socket;
}

void Wire::close_listener(std::uint16_t port) {
  Socket::must(listener(port).close());
  std::erase_if(listeners_, [&](const auto& l) { return l.first == port; });
}

// --- the end -----------------------------------------------------------------------

void Wire::abort_sockets() {
  for (const SocketId socket : sockets_) (void)stack().abort(socket);
  sockets_.clear();
  listeners_.clear();
  settle();
}

void Wire::expect_nothing_in_use(const Where& where) {
  const Stack::Usage u = stack().usage();
  std::ostringstream left;
  const auto name = [&](const char* what, std::uint32_t n) {
    if (n != 0) left << ' ' << n << ' ' << what;
  };
  name("connections", u.connections);
  name("in TIME-WAIT", u.time_wait);
  name("listeners", u.listeners);
  name("UDP sockets", u.udp_sockets);
  name("flows", u.flows);
  name("packets", u.packets);
  name("send blocks", u.send_blocks);
  name("timers", u.timers);
  if (!left.str().empty()) fail(where, "still in use:" + left.str() + history());
}

void Wire::finish(Where where) {
  if (!stack_) return;
  const std::string left = leftovers();
  if (!left.empty()) fail(where, "sent, and not expected by the test:" + left + history());
  abort_sockets();
  // What the program has closed lives on until its peer or its timers let it go.
  const Time limit = now_ + std::chrono::hours(1);
  for (int steps = 0; steps < kMaxTurns && step(limit); ++steps) forget_frames();
  forget_frames();
  expect_nothing_in_use(where);
  advance(10s);
  expect_silence(where);
}

}  // namespace naru::test
