// Host: a stack with its memory, its links and a real clock, for programs that
// want sockets and not an event loop of their own.
#pragma once

#include <functional>
#include <memory>
#include <naru/stack/stack.hpp>
#include <vector>

namespace naru {

// CLOCK_MONOTONIC as the stack's time.
Time monotonic_now();
// 32 bytes from the kernel's random source, for Random::secure.
Random::Key entropy();

// Owns an arena, a stack and links. Not thread-safe: one thread at a time.
class Host {
 public:
  struct Config {
    StackConfig stack;
    bool secure_random = true;  // replace stack.random by the kernel's entropy
  };
  static Result<std::unique_ptr<Host>> create(Config config);

  Stack& stack() { return *stack_; }
  // Adds an interface with an address; the host owns the link.
  Result<std::uint8_t> add_link(std::string_view name, std::unique_ptr<link::Link> link,
                                const Prefix& address);

  // Polls the stack until `done` says so or the time is over, sleeping in between
  // on the links' descriptors. False: timed out.
  bool run_until(const std::function<bool()>& done, Duration timeout);

 private:
  Host(ArenaMapping mapping, std::unique_ptr<Stack> stack)
      : mapping_(std::move(mapping)), stack_(std::move(stack)) {}

  ArenaMapping mapping_;
  std::vector<std::unique_ptr<link::Link>> links_;
  std::unique_ptr<Stack> stack_;
};

}  // namespace naru
