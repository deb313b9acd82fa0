#include "posix/epoll.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/syscall.h>

#include <naru/socket/clock.hpp>

#include "posix/memory.hpp"
#include "session/cancellable.hpp"
#include "session/deferral.hpp"
#include "session/sleep.hpp"
#include "session/system.hpp"

namespace naru::posix {
namespace {

namespace system = session::system;

constexpr std::uint32_t kFlags =
    EPOLLET | EPOLLONESHOT | static_cast<std::uint32_t>(EPOLLEXCLUSIVE) | EPOLLWAKEUP;
constexpr std::uint32_t kAlways = EPOLLERR | EPOLLHUP;
constexpr std::size_t kSignalBytes = 8;  // of the kernel's sigset_t

session::Watch* find(OpenSocket& o, const Waiter& set, int fd) {
  for (session::Watch* w = o.watches.front(); w != nullptr; w = o.watches.next(w)) {
    if (w->waiter == &set && w->fd == fd) return w;
  }
  return nullptr;
}

// For epoll_pwait, in milliseconds: rounded up, so that nobody wakes too early.
int milliseconds_until(Time deadline) {
  if (deadline == kTimeNever) return -1;
  const std::int64_t ns = std::max<std::int64_t>((deadline - monotonic_now()).count(), 0);
  return static_cast<int>(std::min<std::int64_t>((ns + 999'999) / 1'000'000, 0x7fffffff));
}

}  // namespace

long Epoll::create(int flags) {
  const long fd = system::call(SYS_epoll_create1, flags);
  if (fd < 0) return fd;
  const Inside inside(session());
  Waiter* set = session().add_waiter();
  if (set == nullptr || fd >= Table::kMost) {
    system::call(SYS_close, fd);
    return -ENFILE;
  }
  set->is_set = true;
  fds_.set_epoll(static_cast<int>(fd), *set);
  return fd;
}

// --- members ------------------------------------------------------------------------------

bool Epoll::takes_control(int epoll, int fd) const {
  return fds_.at(epoll).kind == Table::Kind::epoll || fds_.is_ours(fd);
}

long Epoll::control(int epoll, int operation, int fd, const epoll_event* event) {
  const Table::Kind kind = fds_.at(fd).kind;
  if (kind == Table::Kind::own) return -EBADF;
  if (fds_.at(epoll).kind != Table::Kind::epoll) {
    // Made before an exec, or by code that we do not see: nothing of ours fits in.
    if (system::call(SYS_fcntl, epoll, F_GETFD) < 0) return -EBADF;
    return kind == Table::Kind::socket ? -EINVAL
                                       : system::call(SYS_epoll_ctl, epoll, operation, fd, event);
  }
  if (kind == Table::Kind::epoll && epoll != fd) open_to_others(fd);
  if (kind != Table::Kind::socket) return control_kernel(epoll, operation, fd, event);
  const bool needs_event = operation == EPOLL_CTL_ADD || operation == EPOLL_CTL_MOD;
  if (needs_event && !is_readable(event)) return -EFAULT;
  const Inside inside(session());
  Waiter* set = fds_.epoll(epoll);
  OpenSocket* o = fds_.socket(fd);
  if (set == nullptr || o == nullptr) return -EBADF;
  switch (operation) {
    case EPOLL_CTL_ADD:
      return add(*set, *o, fd, *event);
    case EPOLL_CTL_MOD:
      return modify(*set, *o, fd, *event);
    case EPOLL_CTL_DEL: {
      session::Watch* w = find(*o, *set, fd);
      if (w == nullptr) return -ENOENT;
      session().remove_watch(*w);
      return 0;
    }
    default:
      return -EINVAL;
  }
}

long Epoll::add(Waiter& set, OpenSocket& o, int fd, const epoll_event& event) {
  constexpr auto kExclusive = static_cast<std::uint32_t>(EPOLLEXCLUSIVE);
  constexpr std::uint32_t kWithExclusive =
      kExclusive | EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET;
  if ((event.events & kExclusive) != 0 && (event.events & ~kWithExclusive) != 0) return -EINVAL;
  if (find(o, set, fd) != nullptr) return -EEXIST;
  session::Watch* w = session().add_watch(set, o, event.events);
  if (w == nullptr) return -ENOSPC;
  w->fd = fd;
  w->data = event.data.u64;
  report_if_ready(*w);
  return 0;
}

long Epoll::modify(Waiter& set, OpenSocket& o, int fd, const epoll_event& event) {
  session::Watch* w = find(o, set, fd);
  if (w == nullptr) return -ENOENT;
  constexpr auto kExclusive = static_cast<std::uint32_t>(EPOLLEXCLUSIVE);
  if (((w->events | event.events) & kExclusive) != 0) return -EINVAL;
  w->events = event.events;
  w->data = event.data.u64;
  w->disarmed = false;
  report_if_ready(*w);
  return 0;
}

void Epoll::report_if_ready(session::Watch& watch) {
  OpenSocket& o = *watch.socket;
  const std::uint32_t now = session::poll_bits(session().readiness(o), !o.is_tcp());
  o.known = now;
  if ((now & (watch.events | kAlways)) != 0) session().make_ready(watch);
}

long Epoll::control_kernel(int epoll, int operation, int fd, const epoll_event* event) {
  const long answer = system::call(SYS_epoll_ctl, epoll, operation, fd, event);
  if (answer < 0 || operation == EPOLL_CTL_MOD) return answer;
  const Inside inside(session());
  Waiter* set = fds_.epoll(epoll);
  if (set == nullptr) return -EBADF;
  if (operation == EPOLL_CTL_DEL) {
    if (set->kernel_members != 0) --set->kernel_members;
    return answer;
  }
  if (!hang_bell(epoll, *set)) return -ENOSPC;
  ++set->kernel_members;
  session().call(*set);  // who sleeps on the word must look at the kernel, too
  return answer;
}

bool Epoll::hang_bell(int epoll, Waiter& set) {
  if (set.bell_fd >= 0) return true;
  session::Bell bell;
  set.bell = session().next_bell();
  if (bell.open(session().header().id, set.bell) != 0) return false;
  set.bell_fd = bell.fd();
  bell.forget();
  fds_.set_own(set.bell_fd);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = bell_data_;
  return system::call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, set.bell_fd, &event) == 0;
}

void Epoll::open_to_others(int epoll) {
  const Inside inside(session());
  Waiter* set = fds_.epoll(epoll);
  if (set == nullptr || set->is_inner || !hang_bell(epoll, *set)) return;
  set->is_inner = true;
  if (!set->ready.empty()) session().call(*set);
}

// --- waiting ------------------------------------------------------------------------------

std::size_t Epoll::collect(Waiter& set, Events events) {
  std::size_t n = 0;
  for (std::size_t left = set.ready.size(); left != 0 && n < events.size(); --left) {
    session::Watch& w = *set.ready.pop_front();
    OpenSocket& o = *w.socket;
    if (w.disarmed) continue;
    const std::uint32_t now = session::poll_bits(session().readiness(o), !o.is_tcp());
    const std::uint32_t told = now & ((w.events & ~kFlags) | kAlways);
    if (told == 0) continue;
    epoll_event& out = events[n++];
    out.events = told;
    out.data.u64 = w.data;
    if ((w.events & EPOLLONESHOT) != 0) {
      w.disarmed = true;
    } else if ((w.events & EPOLLET) == 0) {
      set.ready.push_back(&w);
    }
  }
  return n;
}

void Epoll::hear(Waiter& set) {
  if (set.bell_fd < 0) return;
  session::Bell bell = session::Bell::of(set.bell_fd);
  bell.hear();
  bell.forget();
  set.rung = false;
  // Somebody who polls this set must still see what is left.
  if (set.is_inner && !set.ready.empty()) session().call(set);
}

long Epoll::ask_kernel(int epoll, Events events, Time deadline, const sigset_t* mask, bool& rang) {
  rang = false;
  const long n = session::cancellable_call(SYS_epoll_pwait, epoll, events.data(), events.size(),
                                           milliseconds_until(deadline), mask, kSignalBytes);
  if (n <= 0) return n;
  const auto end = std::remove_if(events.begin(), events.begin() + n,
                                  [&](const epoll_event& e) { return e.data.u64 == bell_data_; });
  const long kept = end - events.begin();
  rang = kept != n;
  return kept;
}

long Epoll::ask_kernel(int epoll, int device, Events events, Time deadline, const sigset_t* mask,
                       bool& rang) {
  if (device < 0) return ask_kernel(epoll, events, deadline, mask, rang);
  rang = false;
  pollfd fds[] = {{epoll, POLLIN, 0}, {device, POLLIN, 0}};
  session::Remaining left(deadline);
  const long n =
      session::cancellable_call(SYS_ppoll, fds, std::size(fds), left.pointer(), mask, kSignalBytes);
  if (n <= 0 || fds[0].revents == 0) return std::min(n, 0L);
  return ask_kernel(epoll, events, Time{}, nullptr, rang);
}

int Epoll::nap(Waiter& set, std::uint32_t seen, Time deadline) {
  const bool at_door = session().lan() != nullptr;
  const session::Counted sleeper(at_door ? set.at_door : set.nappers);
  return at_door ? session::sleep_at_door(session(), set, seen, deadline)
                 : session::sleep_on_word(set.word, seen, deadline);
}

long Epoll::wait(int epoll, epoll_event* events, int most, Time deadline, const sigset_t* mask) {
  const long found = wait_for_events(epoll, events, most, deadline, mask);
  session::Round::set_open(found > 0);
  return found;
}

long Epoll::wait_for_events(int epoll, epoll_event* events, int most, Time deadline,
                            const sigset_t* mask) {
  constexpr int kMostEvents = 65'536;  // no program takes more at once
  if (most <= 0 || fds_.is_socket(epoll)) return -EINVAL;
  most = std::min(most, kMostEvents);
  if (!is_writable(events, static_cast<std::size_t>(most) * sizeof *events)) return -EFAULT;
  const Events room(events, static_cast<std::size_t>(most));
  const bool waits = deadline > monotonic_now();
  const std::uint32_t handled = session::Deferral::handled();
  for (bool rang = false;;) {
    std::size_t n = 0;
    std::uint32_t seen = 0;
    bool asks_kernel = mask != nullptr;
    bool sleeps_in_kernel = false;
    Waiter* set = nullptr;
    {
      Inside inside(session());
      set = fds_.epoll(epoll);
      if (set == nullptr) return -EBADF;
      asks_kernel |= set->kernel_members != 0 || set->is_inner;
      sleeps_in_kernel = asks_kernel || session().has_device();
      if (sleeps_in_kernel && !hang_bell(epoll, *set)) return -ENOMEM;
      session().turn();
      // The kernel's members get their turn, too.
      n = collect(*set, asks_kernel && most > 1 ? room.first(room.size() - 1) : room);
      if (rang || set->rung) hear(*set);
      seen = set->word.load();
      if (n == 0 && waits) inside.will_wait();
    }
    if (asks_kernel && (n != 0 || !waits) && n < room.size()) {
      const long k = ask_kernel(epoll, room.subspan(n), Time{}, n == 0 ? mask : nullptr, rang);
      if (k > 0) n += static_cast<std::size_t>(k);
      if (k < 0 && n == 0) return k;
    }
    if (n != 0 || !waits) return static_cast<long>(n);
    if (monotonic_now() >= deadline) return 0;
    if (!asks_kernel || session().cable() != nullptr) {
      if (session::spin(session(), set->word, seen)) continue;
    }
    // As if it had come during the sleep.
    if (session::Deferral::handled() != handled) return -EINTR;
    if (!sleeps_in_kernel) {
      if (nap(*set, seen, session::never_restarted(deadline)) == -EINTR) return -EINTR;
      continue;
    }
    long k = 0;
    {
      session::Lookout lookout(session());
      const session::Counted sleeper(set->sleepers);
      if (lookout.stand({link::LanAlarm::Kind::bell, set->bell}) && set->word.load() == seen &&
          session::Deferral::handled() == handled)
        k = ask_kernel(epoll, lookout.descriptor(), room, deadline, mask, rang);
    }
    if (k == 0) continue;
    // Also after an error: nobody is on the lookout now, as the keeper must know.
    const Inside inside(session());
    if (k < 0) return k;
    if (rang || set->rung) hear(*set);
    const auto found = static_cast<std::size_t>(k);
    return k + static_cast<long>(collect(*set, room.subspan(found)));
  }
}

}  // namespace naru::posix
