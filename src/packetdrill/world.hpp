// World: one host on a wire of IP packets, and the clock of everything.
//
// Time is virtual and moves only when the tool lets it: usleep, gettimeofday,
// netdev_receive, and plain calls that block. Two threads come here: the main one,
// which moves time, and one that makes the calls that may block. When something
// has happened, time stands still until the blocked call has had its chance.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/time.h>
#include <thread>

#include <naru/stack/stack.hpp>

#include "packetdrill/ip_link.hpp"
#include "packetdrill/settings.hpp"

namespace naru::packetdrill {

class World {
 public:
  using Lock = std::unique_lock<std::mutex>;

  // Made on the main thread.
  static Result<std::unique_ptr<World>> create(const Settings& settings);

  // Every call into the world holds the lock.
  Lock enter() { return Lock(mutex_); }
  // The stack, with the time set for a call.
  Stack& stack();
  // Lets the stack do what follows from a call or a packet, and hands its readiness
  // events on.
  void settle(Lock& lock);
  std::function<void(const SocketEvent&)> on_event;

  // Waits until `attempt` says true, or for `timeout` (negative: for ever). False:
  // the time is over, or nothing will ever happen.
  bool wait(Lock& lock, const std::function<bool()>& attempt, Duration timeout = Duration(-1));

  // --- the wire ---
  void inject(Lock& lock, Bytes packet);
  // The next packet that the host sends, waiting for its timers; none when no timer
  // is left.
  std::optional<IpLink::Sent> next_sent(Lock& lock);

  // --- the clock ---
  void sleep(Lock& lock, Duration duration);
  // Moves on by a microsecond, so that a tool that spins on it makes progress. On
  // the thread of a call that blocked: when that call was done, once.
  timeval time_of_day(Lock& lock);
  static timeval to_timeval(Time time);

 private:
  World(std::uint32_t mtu, ArenaMapping arena) : link_(mtu), arena_(std::move(arena)) {}

  bool is_main() const { return std::this_thread::get_id() == main_; }
  Time next_deadline() const { return std::min(stack_->next_deadline(), waiter_.until); }
  // To the next deadline; false when there is none until `limit`.
  bool step(Lock& lock, Time limit);
  bool wait_here(Lock& lock, const std::function<bool()>& attempt, Time until);
  bool wait_asleep(Lock& lock, const std::function<bool()>& attempt, Time until);
  void let_waiter_run(Lock& lock);

  // The call that sleeps on the other thread.
  struct Waiter {
    bool inside = false;
    bool asleep = false;
    bool woken = false;
    Time until = kTimeNever;
    std::optional<Time> done_at;  // not yet told
  };

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable settled_;
  Waiter waiter_;
  std::thread::id main_ = std::this_thread::get_id();
  Time now_ = Time(std::chrono::hours(1));
  IpLink link_;
  ArenaMapping arena_;
  std::unique_ptr<Stack> stack_;
};

}  // namespace naru::packetdrill
