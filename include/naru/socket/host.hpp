// Host: a stack with its memory, its links and a real clock, for programs that
// want sockets and not an event loop of their own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <naru/link/spin.hpp>
#include <naru/socket/clock.hpp>
#include <naru/socket/doorbell.hpp>
#include <naru/socket/entropy.hpp>
#include <naru/stack/stack.hpp>

namespace naru {

// Owns an arena, a stack and links. Not thread-safe: one thread at a time.
class Host {
 public:
  struct Config {
    StackConfig stack;
    bool secure_random = true;  // replace stack.random by the kernel's entropy
  };
  static Result<std::unique_ptr<Host>> create(Config config);

  Stack& stack() { return *stack_; }
  const Stack& stack() const { return *stack_; }
  // Adds an interface with its address, or without one; the host owns the link.
  Result<std::uint8_t> add_link(std::string_view name, std::unique_ptr<link::Link> link,
                                const std::optional<Prefix>& address);
  const std::vector<std::unique_ptr<link::Link>>& links() const { return links_; }

  // Gives the stack its turns until it has nothing to do now: what was sent has
  // left, what has come is taken.
  void poll();
  // Polls the stack until `done` says so or the time is over, sleeping in between
  // until a link rings or a timer is due. False: timed out.
  bool run_until(const std::function<bool()>& done, Duration timeout);
  // Until every connection has ended (TIME-WAIT is left to itself): a program's
  // last call, after it has closed its sockets. False: timed out.
  bool drain(Duration timeout);

 private:
  Host(Doorbell doorbell, ArenaMapping mapping, std::unique_ptr<Stack> stack);

  // Looks again for as long as that may pay, then sleeps until a link rings.
  void wait(Time now, Time deadline);

  Doorbell doorbell_;
  link::SpinPolicy spin_;
  ArenaMapping mapping_;
  std::vector<std::unique_ptr<link::Link>> links_;
  std::unique_ptr<Stack> stack_;
};

}  // namespace naru
