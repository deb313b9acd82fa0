// Waiting for any of several descriptors.

#include <cstdlib>

#include "preload/cancellation.hpp"
#include "preload/state.hpp"

using namespace naru::preload;

namespace {

constexpr std::size_t kSignalBytes = 8;  // of the kernel's sigset_t

std::span<pollfd> list(pollfd* fds, nfds_t count) { return {fds, count}; }

// Is the list whole, and is there a socket of ours in it?
bool is_ours(pollfd* fds, nfds_t count) {
  return library != nullptr && count <= naru::posix::Table::kMost &&
         naru::posix::is_writable(fds, count * sizeof *fds) &&
         library->polling.takes(list(fds, count));
}

}  // namespace

NARU_EXPORT int poll(pollfd* fds, nfds_t count, int timeout) {
  if (is_ours(fds, count)) {
    return answer_int(cancellation_point(
        [&] { return library->polling.poll(list(fds, count), deadline_of(timeout), nullptr); }));
  }
  if (next.poll != nullptr) return next.poll(fds, count, timeout);
  return static_cast<int>(kernel(SYS_poll, fds, count, timeout));
}
NARU_EXPORT int __poll(pollfd* fds, nfds_t count, int timeout) { return poll(fds, count, timeout); }
NARU_EXPORT int __poll_chk(pollfd* fds, nfds_t count, int timeout, size_t room) {
  if (room / sizeof *fds < count) std::abort();
  return poll(fds, count, timeout);
}

NARU_EXPORT int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  if (is_ours(fds, count)) {
    return answer_int(cancellation_point(
        [&] { return library->polling.poll(list(fds, count), deadline_of(timeout), mask); }));
  }
  if (next.ppoll != nullptr) return next.ppoll(fds, count, timeout, mask);
  return static_cast<int>(kernel(SYS_ppoll, fds, count, timeout, mask, kSignalBytes));
}
NARU_EXPORT int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout,
                            const sigset_t* mask, size_t room) {
  if (room / sizeof *fds < count) std::abort();
  return ppoll(fds, count, timeout, mask);
}

NARU_EXPORT int select(int count, fd_set* in, fd_set* out, fd_set* err, timeval* timeout) {
  if (library != nullptr && library->polling.takes(count, in, out, err)) {
    const naru::Time deadline = deadline_of(timeout);
    const int ready = answer_int(cancellation_point(
        [&] { return library->polling.select(count, in, out, err, deadline, nullptr); }));
    if (timeout == nullptr) return ready;
    // Linux tells what is left.
    const auto left = std::max<std::int64_t>((deadline - naru::monotonic_now()).count(), 0);
    *timeout = {left / 1'000'000'000, left % 1'000'000'000 / 1000};
    return ready;
  }
  if (next.select != nullptr) return next.select(count, in, out, err, timeout);
  return static_cast<int>(kernel(SYS_select, count, in, out, err, timeout));
}
NARU_EXPORT int __select(int count, fd_set* in, fd_set* out, fd_set* err, timeval* timeout) {
  return select(count, in, out, err, timeout);
}

NARU_EXPORT int pselect(int count, fd_set* in, fd_set* out, fd_set* err, const timespec* timeout,
                        const sigset_t* mask) {
  if (library != nullptr && library->polling.takes(count, in, out, err)) {
    return answer_int(cancellation_point(
        [&] { return library->polling.select(count, in, out, err, deadline_of(timeout), mask); }));
  }
  if (next.pselect != nullptr) return next.pselect(count, in, out, err, timeout, mask);
  return static_cast<int>(kernel(SYS_pselect6, count, in, out, err, timeout, nullptr));
}

// --- epoll --------------------------------------------------------------------------------

NARU_EXPORT int epoll_create1(int flags) noexcept {
  if (library != nullptr) return answer_int(library->epoll.create(flags));
  return static_cast<int>(kernel(SYS_epoll_create1, flags));
}
NARU_EXPORT int epoll_create(int size) noexcept {
  return size <= 0 ? answer_int(-EINVAL) : epoll_create1(0);
}

NARU_EXPORT int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (library != nullptr && library->epoll.takes_control(epoll, fd)) {
    return answer_int(library->epoll.control(epoll, operation, fd, event));
  }
  return static_cast<int>(kernel(SYS_epoll_ctl, epoll, operation, fd, event));
}

NARU_EXPORT int epoll_pwait(int epoll, epoll_event* events, int most, int timeout,
                            const sigset_t* mask) {
  if (is_ours(epoll)) {
    return answer_int(cancellation_point(
        [&] { return library->epoll.wait(epoll, events, most, deadline_of(timeout), mask); }));
  }
  if (next.epoll_pwait != nullptr) return next.epoll_pwait(epoll, events, most, timeout, mask);
  return static_cast<int>(
      kernel(SYS_epoll_pwait, epoll, events, most, timeout, mask, kSignalBytes));
}

NARU_EXPORT int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  return epoll_pwait(epoll, events, most, timeout, nullptr);
}

NARU_EXPORT int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout,
                             const sigset_t* mask) {
  if (is_ours(epoll)) {
    return answer_int(cancellation_point(
        [&] { return library->epoll.wait(epoll, events, most, deadline_of(timeout), mask); }));
  }
  return static_cast<int>(
      kernel(SYS_epoll_pwait2, epoll, events, most, timeout, mask, kSignalBytes));
}
