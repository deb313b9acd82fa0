// Two hosts on a memory wire under a virtual clock.
#pragma once

#include <memory>

#include <gtest/gtest.h>

#include <naru/link/memory.hpp>
#include <naru/stack/stack.hpp>

namespace naru::test {

// One stack in private memory.
class VirtualHost {
 public:
  VirtualHost(const StackConfig& config, link::Link& link, const Prefix& address)
      : mapping_(std::move(*ArenaMapping::map_private(arena_size(config)))) {
    stack_ = std::move(*Stack::create(mapping_.arena(), config, Time{}));
    const auto interface = stack_->add_interface("eth0", link);
    EXPECT_TRUE(interface);
    EXPECT_TRUE(stack_->add_address(*interface, address));
  }

  Stack& stack() { return *stack_; }
  Stack* operator->() { return stack_.get(); }

 private:
  ArenaMapping mapping_;
  std::unique_ptr<Stack> stack_;
};

inline StackConfig small_host(std::uint64_t seed) {
  StackConfig config;
  config.random = Random::seeded(seed);
  return config;
}

class TwoHosts : public ::testing::Test {
 protected:
  explicit TwoHosts(link::MemoryWireOptions options = {})
      : wire(options),
        a(small_host(1), wire.a(), *Prefix::parse("10.0.0.1/24")),
        b(small_host(2), wire.b(), *Prefix::parse("10.0.0.2/24")) {}

  // Polls both until nothing happens at this time any more.
  void settle() {
    for (int i = 0; i < 10'000; ++i) {
      const auto before = frames();
      a->poll(now);
      b->poll(now);
      if (frames() == before) return;
    }
    FAIL() << "the hosts do not come to rest";
  }
  // Lets time pass, stopping wherever a host has something to do.
  void advance(Duration duration) {
    const Time end = now + duration;
    while (now < end) {
      now = std::min(end, std::max(now + 1ns, std::min(a->next_deadline(), b->next_deadline())));
      settle();
    }
  }
  std::uint64_t frames() {
    return a->counters().get(Counter::frames_in) + b->counters().get(Counter::frames_in) +
           a->counters().get(Counter::frames_out) + b->counters().get(Counter::frames_out);
  }

  Time now{1s};
  link::MemoryWire wire;
  VirtualHost a;
  VirtualHost b;
};

}  // namespace naru::test
