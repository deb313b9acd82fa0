#include "posix/polling.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/syscall.h>
#include <utility>
#include <vector>

#include <naru/socket/clock.hpp>

#include "posix/chair.hpp"
#include "session/cancellable.hpp"
#include "session/deferral.hpp"

namespace naru::posix {
namespace {

using Kind = Table::Kind;

constexpr std::size_t kSignalBytes = 8;  // of the kernel's sigset_t

bool is_in(const fd_set* set, int fd) { return set != nullptr && FD_ISSET(fd, set); }

}  // namespace

bool Polling::takes(std::span<const pollfd> fds) const {
  return std::ranges::any_of(fds, [&](const pollfd& p) { return fds_.is_ours(p.fd); });
}

bool Polling::takes(int count, const fd_set* in, const fd_set* out, const fd_set* err) const {
  for (int fd = 0; fd < std::min(count, fds_.end()); ++fd) {
    if (fds_.is_ours(fd) && (is_in(in, fd) || is_in(out, fd) || is_in(err, fd))) return true;
  }
  return false;
}

long Polling::look(Fds fds, std::span<const pollfd> kernel, Waiter* waiter) {
  long ready = 0;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    pollfd& p = fds[i];
    const bool is_kernels = kernel.size() > i && kernel[i].fd >= 0;
    if (p.fd < 0 || is_kernels) continue;
    OpenSocket* o = fds_.socket(p.fd);
    if (o == nullptr) {
      p.revents = POLLNVAL;
      ++ready;
      continue;
    }
    const std::uint32_t now = session::poll_bits(session().readiness(*o), !o->is_tcp());
    const auto wanted = static_cast<std::uint16_t>(p.events) | std::uint32_t{POLLERR | POLLHUP};
    p.revents = static_cast<short>(now & wanted);
    if (p.revents != 0) ++ready;
  }
  if (ready != 0 || waiter == nullptr) return ready;
  for (const pollfd& p : fds) {
    OpenSocket* o = fds_.socket(p.fd);
    if (o != nullptr) session().add_watch(*waiter, *o, static_cast<std::uint16_t>(p.events));
  }
  return 0;
}

std::vector<pollfd> Polling::kernel_part(Fds fds) {
  std::vector<pollfd> kernel;
  bool has_any = false;
  for (const pollfd& p : fds) {
    const Kind kind = fds_.at(p.fd).kind;
    if (kind == Kind::epoll) epoll_.open_to_others(p.fd);
    const bool is_kernels = kind == Kind::kernel || kind == Kind::epoll;
    has_any |= is_kernels && p.fd >= 0;
    kernel.push_back(is_kernels ? p : pollfd{-1, 0, 0});
  }
  if (!has_any) kernel.clear();
  return kernel;
}

long Polling::ask_kernel(std::vector<pollfd>& kernel, Time deadline, const sigset_t* mask) {
  session::Remaining left(deadline);
  return session::cancellable_call(SYS_ppoll, kernel.data(), kernel.size(), left.pointer(), mask,
                                   kSignalBytes);
}

long Polling::poll(Fds fds, Time deadline, const sigset_t* mask) {
  const long found = wait_for_events(fds, deadline, mask);
  session::Round::set_open(found > 0);
  return found;
}

long Polling::wait_for_events(Fds fds, Time deadline, const sigset_t* mask) {
  for (pollfd& p : fds) p.revents = 0;
  std::vector<pollfd> kernel = kernel_part(fds);
  const bool asks_kernel = !kernel.empty() || mask != nullptr;
  const std::size_t bell = kernel.size();
  kernel.push_back({-1, POLLIN, 0});
  const std::size_t device = kernel.size();
  kernel.push_back({-1, POLLIN, 0});
  const bool waits = deadline > monotonic_now();
  Chair chair(session());
  session::Seat& seat = chair.seat;
  const std::uint32_t handled = session::Deferral::handled();
  for (bool expired = !waits;;) {
    // As if it had come during the sleep.
    if (session::Deferral::handled() != handled) return -EINTR;
    long ours = 0;
    {
      Inside inside(session());
      if (seat.waiter == nullptr && !expired) seat = session().take_seat();
      if (seat.waiter == nullptr) {
        expired = true;  // no place to wait: as if the time were over
      } else {
        while (session::Watch* w = seat.waiter->watches.front()) session().remove_watch(*w);
        seat.waiter->word.store(Waiter::kAwake);
        expired |= asks_kernel && session().hang_bell(seat) != 0;
      }
      session().turn();
      ours = look(fds, std::span(kernel).first(kernel.size() - 1), expired ? nullptr : seat.waiter);
      if (ours == 0 && !expired) inside.will_wait();
    }
    long theirs = 0;
    if (asks_kernel) {
      session::Lookout lookout(session());
      std::uint32_t awake = Waiter::kAwake;
      const bool listens =
          ours == 0 && !expired && !session::spin(session(), seat.waiter->word, Waiter::kAwake) &&
          seat.waiter->word.compare_exchange_strong(awake, Waiter::kListens) &&
          lookout.stand(seat.bell_alarm()) && session::Deferral::handled() == handled;
      kernel[bell].fd = listens ? seat.bell.fd() : -1;
      kernel[device].fd = listens ? lookout.descriptor() : -1;
      theirs =
          ask_kernel(kernel, listens ? deadline : Time{}, listens || ours == 0 ? mask : nullptr);
      if (theirs < 0 && ours == 0) return theirs;
      if (theirs > 0 && kernel[bell].revents != 0) {
        seat.bell.hear();
        --theirs;
      }
      if (theirs > 0 && kernel[device].revents != 0) --theirs;
    } else if (ours == 0 && !expired) {
      const int slept = session::sleep_in(session(), seat, session::never_restarted(deadline));
      if (slept == -EINTR) return slept;
    }
    if (ours != 0 || theirs > 0 || expired) {
      long ready = ours;
      for (std::size_t i = 0; theirs > 0 && i < fds.size(); ++i) {
        if (kernel[i].fd < 0 || kernel[i].revents == 0) continue;
        fds[i].revents = kernel[i].revents;
        ++ready;
      }
      return ready;
    }
    expired = monotonic_now() >= deadline;
  }
}

// --- select -------------------------------------------------------------------------------

namespace {

constexpr short kInSet = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
constexpr short kOutSet = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
constexpr short kErrSet = POLLPRI;

// select(2)'s sets, as the kernel defines them in terms of poll's bits.
long give_sets(std::span<const pollfd> fds, fd_set* in, fd_set* out, fd_set* err) {
  long bits = 0;
  const auto mark = [&](fd_set* set, const pollfd& p, short asked, short meant) {
    if (set == nullptr || !FD_ISSET(p.fd, set)) return;
    if ((p.events & asked) != 0 && (p.revents & meant) != 0) {
      ++bits;
    } else {
      FD_CLR(p.fd, set);
    }
  };
  for (const pollfd& p : fds) {
    mark(in, p, POLLIN, kInSet);
    mark(out, p, POLLOUT, kOutSet);
    mark(err, p, POLLPRI, kErrSet);
  }
  return bits;
}

}  // namespace

long Polling::select(int count, fd_set* in, fd_set* out, fd_set* err, Time deadline,
                     const sigset_t* mask) {
  if (count < 0) return -EINVAL;
  std::vector<pollfd> fds;
  for (int fd = 0; fd < count; ++fd) {
    int events = 0;
    if (is_in(in, fd)) events |= POLLIN | POLLRDNORM;
    if (is_in(out, fd)) events |= POLLOUT | POLLWRNORM;
    if (is_in(err, fd)) events |= POLLPRI;
    if (events != 0) fds.push_back({fd, static_cast<short>(events), 0});
  }
  const long ready = poll(fds, deadline, mask);
  if (ready < 0) return ready;
  const bool is_bad =
      std::ranges::any_of(fds, [](const pollfd& p) { return (p.revents & POLLNVAL) != 0; });
  return is_bad ? -EBADF : give_sets(fds, in, out, err);
}

}  // namespace naru::posix
