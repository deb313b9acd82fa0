#include "packetdrill/world.hpp"

#include <algorithm>

namespace naru::packetdrill {
namespace {

// A call that waits longer than this waits for nothing.
constexpr Duration kPatience = std::chrono::hours(24);
// The virtual clock starts here, so that it looks like a time of day.
constexpr std::int64_t kEpochSeconds = 1'700'000'000;

Status set_up(Stack& stack, link::Link& link, const Settings& settings) {
  const Result<std::uint8_t> interface = stack.add_interface("net0", link);
  if (!interface) return std::unexpected(interface.error());
  const Prefix local{settings.local, settings.prefix_length};
  if (const Status s = stack.add_address(*interface, local); !s) return s;
  return stack.add_route({IpAddr::any_v4(), 0}, settings.gateway, *interface);
}

}  // namespace

Result<std::unique_ptr<World>> World::create(const Settings& settings) {
  StackConfig config;
  config.options = settings.options;
  Result<ArenaMapping> arena = ArenaMapping::map_private(arena_size(config));
  if (!arena) return std::unexpected(arena.error());
  std::unique_ptr<World> world(new World(settings.mtu, std::move(*arena)));
  auto stack = Stack::create(world->arena_.arena(), config, world->now_);
  if (!stack) return std::unexpected(stack.error());
  world->stack_ = std::move(*stack);
  if (const Status s = set_up(*world->stack_, world->link_, settings); !s) {
    return std::unexpected(s.error());
  }
  return world;
}

Stack& World::stack() {
  stack_->set_now(now_);
  return *stack_;
}

void World::settle(Lock& lock) {
  bool more = true;
  while (more) more = stack_->poll(now_) || link_.has_waiting();
  while (const auto event = stack_->next_event()) {
    if (on_event) on_event(*event);
  }
  let_waiter_run(lock);
}

// --- waiting -----------------------------------------------------------------

bool World::wait(Lock& lock, const std::function<bool()>& attempt, Duration timeout) {
  const Time until = timeout < Duration::zero() ? kTimeNever : now_ + timeout;
  return is_main() ? wait_here(lock, attempt, until) : wait_asleep(lock, attempt, until);
}

// On the main thread nobody else moves the clock.
bool World::wait_here(Lock& lock, const std::function<bool()>& attempt, Time until) {
  const Time limit = std::min(until, now_ + kPatience);
  while (!attempt()) {
    if (step(lock, limit)) continue;
    now_ = until == kTimeNever ? now_ : std::max(now_, until);
    settle(lock);
    return attempt();
  }
  return true;
}

bool World::wait_asleep(Lock& lock, const std::function<bool()>& attempt, Time until) {
  waiter_.inside = true;
  waiter_.until = until;
  bool done = attempt();
  while (!done && now_ < until) {
    waiter_.asleep = true;
    settled_.notify_all();
    wake_.wait(lock, [&] { return waiter_.woken; });
    waiter_.woken = waiter_.asleep = false;
    done = attempt();
  }
  waiter_.inside = false;
  waiter_.until = kTimeNever;
  waiter_.done_at = now_;
  settled_.notify_all();
  return done;
}

void World::let_waiter_run(Lock& lock) {
  if (!waiter_.asleep) return;
  waiter_.woken = true;
  wake_.notify_all();
  settled_.wait(lock, [&] { return !waiter_.woken && (waiter_.asleep || !waiter_.inside); });
}

// --- the wire ------------------------------------------------------------------

void World::inject(Lock& lock, Bytes packet) {
  link_.send(packet);
  settle(lock);
}

std::optional<IpLink::Sent> World::next_sent(Lock& lock) {
  const Time limit = now_ + kPatience;
  settle(lock);
  while (link_.sent().empty()) {
    if (!step(lock, limit)) return std::nullopt;
  }
  IpLink::Sent sent = std::move(link_.sent().front());
  link_.sent().pop_front();
  return sent;
}

// --- the clock -----------------------------------------------------------------

bool World::step(Lock& lock, Time limit) {
  const Time next = next_deadline();
  if (next == kTimeNever || next > limit) return false;
  now_ = std::max(now_, next);
  settle(lock);
  return true;
}

void World::sleep(Lock& lock, Duration duration) {
  const Time until = now_ + duration;
  while (step(lock, until)) continue;
  now_ = std::max(now_, until);
  settle(lock);
}

timeval World::time_of_day(Lock& lock) {
  if (!is_main() && waiter_.done_at) {
    const Time done_at = *std::exchange(waiter_.done_at, std::nullopt);
    return to_timeval(done_at);
  }
  if (is_main()) sleep(lock, 1us);
  return to_timeval(now_);
}

timeval World::to_timeval(Time time) {
  const std::int64_t us = nanoseconds(time) / 1000;
  return {kEpochSeconds + us / 1'000'000, us % 1'000'000};
}

}  // namespace naru::packetdrill
