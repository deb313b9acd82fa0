#include "session/sleep.hpp"

#include <algorithm>
#include <array>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

#include <naru/socket/clock.hpp>

#include "session/system.hpp"

namespace naru::session {
namespace {

// Waking a thread on another core costs 20 to 50 µs: less than that is worth waiting
// for awake.
constexpr std::int64_t kLongestSpin = 40'000;  // ns
constexpr std::int64_t kShortestSpin = 500;
// After so many that were too short comes a long one: the times may have changed. Rarely
// enough that one round trip in a hundred, with its two waits, does not meet it.
constexpr std::uint32_t kTrial = 512;

// Frames come without a change of the word: who waits for it has to look at them, too.
bool spin_for(Session& session, std::int64_t ns, const std::atomic<std::uint32_t>& word,
              std::uint32_t idle) {
  const Time end = monotonic_now() + Duration(ns);
  while (word.load(std::memory_order_acquire) == idle && monotonic_now() < end) {
    if (session.link() != nullptr && session.try_enter()) session.leave(Leaving::to_wait);
    for (int i = 0; i < 16 && word.load(std::memory_order_relaxed) == idle; ++i) relax();
  }
  return word.load() != idle;
}

// futex_waitv(2) is of Linux 5.16, and some sandboxes refuse it.
std::atomic<bool> has_waitv{true};

// On the word, as a futex, and on the door that frames knock at.
int sleep_on_two(Session& session, Seat& seat) {
  const std::uint32_t number = session.tables().waiters.index_of(seat.waiter);
  std::atomic<std::uint32_t>& word = seat.waiter->word;
  std::atomic<std::uint32_t>& door = session.link()->door(number);
  const std::uint32_t calls = door.load(std::memory_order_acquire);
  std::uint32_t awake = Waiter::kAwake;
  if (!word.compare_exchange_strong(awake, Waiter::kAsleep)) return 0;
  Lookout lookout(session);
  if (!lookout.stand({link::LanAlarm::Kind::door, number})) return 0;
  const std::array<futex_waitv, 2> waits{
      futex_waitv{Waiter::kAsleep, reinterpret_cast<std::uint64_t>(&word), FUTEX_32, 0},
      futex_waitv{calls, reinterpret_cast<std::uint64_t>(&door), FUTEX_32, 0}};
  const long answer = system::call(SYS_futex_waitv, waits.data(), waits.size(), 0, nullptr, 0);
  if (answer == -ENOSYS || answer == -EPERM) has_waitv = false;
  return answer == -EINTR ? -EINTR : 0;
}

int listen_for_bell(Session& session, Seat& seat, Time deadline) {
  if (seat.bell.fd() < 0) {
    const Inside inside(session);
    if (const int failed = session.hang_bell(seat); failed != 0) return failed;
  }
  std::uint32_t awake = Waiter::kAwake;
  if (!seat.waiter->word.compare_exchange_strong(awake, Waiter::kListens)) return 0;
  Lookout lookout(session);
  if (!lookout.stand(seat.bell_alarm())) return 0;
  pollfd bell{seat.bell.fd(), POLLIN, 0};
  Remaining left(deadline);
  const long answer = system::call(SYS_ppoll, &bell, 1, left.pointer(), nullptr, 0);
  if (answer > 0) seat.bell.hear();
  return answer == -EINTR ? -EINTR : 0;
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
  Header& h = session.header();
  // Who spins must not keep a core from who would end the waiting.
  if (h.spinners.fetch_add(1) + 1 >= cores()) {
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
    long answer = 0;
    {
      const CancellationPoint here;
      answer = system::call(SYS_futex, &word, FUTEX_WAIT, idle, left.pointer());
    }
    if (answer == -EINTR || answer == -ETIMEDOUT) return static_cast<int>(answer);
  }
  return 0;
}

int sleep_in(Session& session, Seat& seat, Time deadline) {
  std::atomic<std::uint32_t>& word = seat.waiter->word;
  if (spin(session, word, Waiter::kAwake)) return 0;
  if (session.link() != nullptr) {
    // The kernel goes on with a futex after a signal's handler (SA_RESTART), as it does
    // with a read without a timeout, and with no other call.
    return deadline == kTimeNever && has_waitv ? sleep_on_two(session, seat)
                                               : listen_for_bell(session, seat, deadline);
  }
  std::uint32_t awake = Waiter::kAwake;
  if (!word.compare_exchange_strong(awake, Waiter::kAsleep)) return 0;
  return sleep_on_word(word, Waiter::kAsleep, deadline);
}

}  // namespace naru::session
