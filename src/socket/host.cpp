#include <algorithm>
#include <sched.h>

#include <naru/socket/host.hpp>

namespace naru {
namespace {

// `from` + `timeout` without overflow: a long timeout means for ever.
Time after(Time from, Duration timeout) {
  return timeout > kTimeNever - from ? kTimeNever : from + timeout;
}

// How many threads of this process run at once.
unsigned usable_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) < 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&cores));
}

}  // namespace

Host::Host(Doorbell doorbell, ArenaMapping mapping, std::unique_ptr<Stack> stack)
    : doorbell_(std::move(doorbell)),
      spin_(usable_cores()),
      mapping_(std::move(mapping)),
      stack_(std::move(stack)) {}

Result<std::unique_ptr<Host>> Host::create(Config config) {
  if (config.secure_random) config.stack.random = Random::secure(entropy());
  auto doorbell = Doorbell::create();
  if (!doorbell) return std::unexpected(doorbell.error());
  auto mapping = ArenaMapping::map_private(arena_size(config.stack));
  if (!mapping) return std::unexpected(mapping.error());
  auto stack = Stack::create(mapping->arena(), config.stack, monotonic_now());
  if (!stack) return std::unexpected(stack.error());
  return std::unique_ptr<Host>(
      new Host(std::move(*doorbell), std::move(*mapping), std::move(*stack)));
}

Result<std::uint8_t> Host::add_link(std::string_view name, std::unique_ptr<link::Link> link,
                                    const std::optional<Prefix>& address) {
  link::Link& added = *link;
  links_.push_back(std::move(link));
  const auto interface = stack_->add_interface(name, added);
  if (!interface) {
    links_.pop_back();
    return interface;
  }
  const Status set = address ? stack_->add_address(*interface, *address) : Status();
  if (!set) return std::unexpected(set.error());
  if (added.descriptor() >= 0) {
    doorbell_.watch(added.descriptor());
  } else {
    added.set_interrupt([this] { doorbell_.ring(); });
  }
  return interface;
}

void Host::poll() {
  while (stack_->poll(monotonic_now())) {
  }
}

bool Host::run_until(const std::function<bool()>& done, Duration timeout) {
  const Time deadline = after(monotonic_now(), timeout);
  for (;;) {
    const Time now = monotonic_now();
    const std::uint64_t frames = stack_->counters().get(Counter::frames_in);
    const bool more = stack_->poll(now);
    if (stack_->counters().get(Counter::frames_in) != frames) spin_.on_work();
    if (done()) return true;
    if (now >= deadline) return false;
    if (!more) wait(now, std::min(deadline, stack_->next_deadline()));
  }
}

void Host::wait(Time now, Time deadline) {
  if (spin_.should_spin(now, stack_->runnable()) || !stack_->arm()) return;
  doorbell_.sleep_until(deadline);
  spin_.on_wake(monotonic_now());
}

bool Host::drain(Duration timeout) {
  return run_until([this] { return stack_->usage().connections == 0; }, timeout);
}

}  // namespace naru
