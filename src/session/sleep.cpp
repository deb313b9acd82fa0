#include "session/sleep.hpp"

#include <algorithm>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

#include <naru/socket/clock.hpp>

#include "session/cancellable.hpp"
#include "session/deferral.hpp"

namespace naru::session {
namespace {

// Waking a thread on another core costs 20 to 50 µs: less than that is worth waiting
// for awake.
constexpr std::int64_t kLongestSpin = 40'000;  // ns
constexpr std::int64_t kShortestSpin = 500;
// After so many that were too short comes a long one: the times may have changed. Rarely
// enough that one round trip in a hundred, with its two waits, does not meet it.
constexpr std::uint32_t kTrial = 512;

constexpr std::size_t kSignalBytes = 8;  // of the kernel's sigset_t

// Frames come without a change of the word: who waits for it has to look at them, too.
void look(Session& session, const std::atomic<std::uint32_t>& word, std::uint32_t idle) {
  constexpr int kPauses = 16;  // a microsecond or less
  if (session.cable() == nullptr) {
    for (int i = 0; i < kPauses && word.load(std::memory_order_relaxed) == idle; ++i) relax();
  } else {
    if (session.try_enter()) session.leave(Leaving::to_wait);
    relax();  // the lock is free meanwhile
  }
}

bool spin_for(Session& session, std::int64_t ns, const std::atomic<std::uint32_t>& word,
              std::uint32_t idle) {
  const Time end = monotonic_now() + Duration(ns);
  while (word.load(std::memory_order_acquire) == idle && monotonic_now() < end) {
    look(session, word, idle);
  }
  return word.load() != idle;
}

// Lets others have this core. If it is who we wait for that goes on and then gives way in
// turn, two calls and two sleeps are saved. Otherwise the time is lost, and where a stranger
// computes it is his whole slice: it is tried so rarely that little is lost in sum. For who
// blocks in one call; who waits for many things has more to do in one go when he sleeps.
bool give_way(Session& session, const std::atomic<std::uint32_t>& word, std::uint32_t idle) {
  constexpr int kTries = 2;
  constexpr Duration kSlice = 100us;  // who takes longer does not work for us
  Header& h = session.header();
  const Time begin = monotonic_now();
  if (begin < h.yields_again.load(std::memory_order_relaxed)) return word.load() != idle;
  for (int i = 0; i < kTries && word.load() == idle; ++i) {
    ::sched_yield();
    look(session, word, idle);
  }
  const bool has_changed = word.load() != idle;
  const Time end = monotonic_now();
  const bool is_slice = end - begin >= kSlice;
  if (!has_changed || is_slice) {
    h.yields_again.store(end + (is_slice ? 64 : 32) * (end - begin), std::memory_order_relaxed);
  }
  return has_changed;
}

// More who are awake than cores: the others would only be kept from going on.
bool is_crowded(Session& session) {
  if (session.cable() == nullptr) return false;
  Inside inside(session);
  inside.will_wait();
  return session.stack().runnable() > static_cast<unsigned>(cores());
}

}  // namespace

int cores() {
  static const int count = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  }();
  return count;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

bool spin(Session& session, const std::atomic<std::uint32_t>& word, std::uint32_t idle) {
  // Each look at a device is a system call, and who would send to it is not helped.
  if (session.has_device()) return word.load() != idle;
  Header& h = session.header();
  // Who spins must not keep a core from who would end the waiting.
  if (h.spinners.fetch_add(1) + 1 >= cores() || is_crowded(session)) {
    h.spinners.fetch_sub(1);
    return word.load() != idle;
  }
  const std::int64_t usual = h.spin_ns.load(std::memory_order_relaxed);
  const bool is_trial = h.spins.fetch_add(1, std::memory_order_relaxed) % kTrial == 0;
  const bool has_changed = spin_for(session, is_trial ? kLongestSpin : usual, word, idle);
  h.spin_ns.store(has_changed ? std::min((is_trial ? kLongestSpin / 2 : usual) * 2, kLongestSpin)
                              : std::max(usual / 2, kShortestSpin),
                  std::memory_order_relaxed);
  h.spinners.fetch_sub(1);
  return has_changed;
}

Remaining::Remaining(Time deadline) : is_bounded_(deadline != kTimeNever) {
  if (!is_bounded_) return;
  const std::int64_t ns = std::max<std::int64_t>((deadline - monotonic_now()).count(), 0);
  left_ = {ns / 1'000'000'000, ns % 1'000'000'000};
}

int sleep_on_word(std::atomic<std::uint32_t>& word, std::uint32_t idle, Time deadline) {
  while (word.load() == idle) {
    Remaining left(deadline);
    if (left.is_over()) return -ETIMEDOUT;
    const long answer = cancellable_call(SYS_futex, &word, FUTEX_WAIT, idle, left.pointer());
    if (answer == -EINTR || answer == -ETIMEDOUT) return static_cast<int>(answer);
  }
  return 0;
}

int sleep_at_door(Session& session, Waiter& waiter, std::uint32_t idle, Time deadline) {
  const std::uint32_t number = session.tables().waiters.index_of(&waiter);
  std::atomic<std::uint32_t>& door = session.lan()->door(number);
  const std::uint32_t knocks = door.load();
  const std::uint32_t handled = Deferral::handled();
  Lookout lookout(session);
  if (!lookout.stand({link::LanAlarm::Kind::door, number})) return 0;
  if (Deferral::handled() != handled) return 0;  // the caller knows what to make of it
  return waiter.word.load() == idle ? sleep_on_word(door, knocks, deadline) : 0;
}

namespace {

// Until the bell rings or frames come. Unlike a futex, ppoll(2) is ended by every handler.
int sleep_by_bell(const Bell& bell, int device, Time deadline) {
  pollfd fds[] = {{bell.fd(), POLLIN, 0}, {device, POLLIN, 0}};
  Remaining left(deadline);
  const long answer =
      cancellable_call(SYS_ppoll, fds, std::size(fds), left.pointer(), nullptr, kSignalBytes);
  if (answer == 0) return -ETIMEDOUT;
  if (answer < 0) {
    const bool is_restarted = deadline == kTimeNever && !Deferral::was_interrupted();
    return is_restarted && !is_cancelled() ? 0 : -EINTR;
  }
  if (fds[0].revents != 0) bell.hear();
  return 0;
}

// On the lookout where nobody else is; else as if there were no device.
int sleep_at_device(Session& session, Seat& seat, Time deadline) {
  std::atomic<std::uint32_t>& word = seat.waiter->word;
  const std::uint32_t handled = Deferral::handled();
  Lookout lookout(session);
  if (session.has_bell(seat)) lookout.stand(seat.bell_alarm());
  if (Deferral::handled() != handled) return 0;  // the caller knows what to make of it
  const bool watches = lookout.descriptor() >= 0;
  const std::uint32_t how = watches ? Waiter::kListens : Waiter::kAsleep;
  std::uint32_t awake = Waiter::kAwake;
  if (!word.compare_exchange_strong(awake, how)) return 0;
  return watches ? sleep_by_bell(seat.bell, lookout.descriptor(), deadline)
                 : sleep_on_word(word, how, deadline);
}

}  // namespace

int sleep_in(Session& session, Seat& seat, Time deadline) {
  Round::set_open(false);  // who blocks in one call does not come back for others
  std::atomic<std::uint32_t>& word = seat.waiter->word;
  if (spin(session, word, Waiter::kAwake)) return 0;
  if (session.has_device()) return sleep_at_device(session, seat, deadline);
  if (give_way(session, word, Waiter::kAwake)) return 0;
  const std::uint32_t how = session.lan() != nullptr ? Waiter::kAtDoor : Waiter::kAsleep;
  std::uint32_t awake = Waiter::kAwake;
  if (!word.compare_exchange_strong(awake, how)) return 0;
  return how == Waiter::kAtDoor ? sleep_at_door(session, *seat.waiter, how, deadline)
                                : sleep_on_word(word, how, deadline);
}

}  // namespace naru::session
