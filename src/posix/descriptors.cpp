#include "posix/descriptors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <memory>
#include <sys/syscall.h>

#include <naru/socket/clock.hpp>

#include "session/log.hpp"
#include "session/own_descriptor.hpp"
#include "session/sleep.hpp"
#include "session/system.hpp"

namespace naru::posix {

namespace system = session::system;

using Kind = Table::Kind;

bool Descriptors::init(Session& session) {
  session_ = &session;
  if (!table_.init()) return false;
  session.move_descriptors([this](int fd) {
    set_own(fd);
    return fd;
  });
  adopt_all();
  return true;
}

OpenSocket* Descriptors::socket(int fd) {
  const Table::Entry e = table_.at(fd);
  if (e.kind != Kind::socket) return nullptr;
  if (e.index == Table::kEnded) session_->wait_for_end();
  return session_->socket_at(e.index);
}

Waiter* Descriptors::epoll(int fd) {
  const Table::Entry e = table_.at(fd);
  return e.kind == Kind::epoll ? session_->tables().waiters.at(e.index) : nullptr;
}

long Descriptors::give_number(OpenSocket& o, bool close_on_exec) {
  const std::uint32_t index = session_->index_of(o);
  const int fd = session_->references().make(close_on_exec);
  if (fd >= 0 && fd < Table::kMost) {
    o.number = fd;
    table_.set(fd, {Kind::socket, index});
    return fd;
  }
  if (fd >= 0) system::call(SYS_close, fd);
  session_->close_socket(o);
  return fd >= 0 ? -EMFILE : fd;
}

void Descriptors::take_back(int fd, OpenSocket& o) {
  table_.clear(fd);
  system::call(SYS_close, fd);
  session_->close_socket(o);
}

void Descriptors::set_epoll(int fd, const Waiter& set) {
  table_.set(fd, {Kind::epoll, session_->tables().waiters.index_of(&set)});
}

// --- lingering --------------------------------------------------------------------------

// Has the peer acknowledged all that was sent, the FIN included?
bool Descriptors::is_delivered(const OpenSocket& o) {
  const auto info = session_->stack().tcp_info(o.id);
  if (!info) return true;
  switch (info->state) {
    case TcpState::established:
    case TcpState::close_wait:
    case TcpState::fin_wait_1:
    case TcpState::closing:
    case TcpState::last_ack:
      return false;
    default:
      return true;
  }
}

// SO_LINGER: how long the last close waits.
Duration Descriptors::linger_time(std::uint32_t index) {
  OpenSocket* o = session_->socket_at(index);
  if (o == nullptr || !o->is_tcp() || o->is_listening || !session_->is_sound(*o)) return {};
  const auto seconds = session_->stack().option(o->id, SocketOption::linger);
  if (!seconds || *seconds <= 0) return {};
  if (o->is_shared && session_->references().is_held(index)) return {};
  if (Session::is_waited_for(*o)) return {};
  return std::chrono::seconds(*seconds);
}

// Until all is delivered, and no longer than until a signal comes (socket(7)).
void Descriptors::linger(std::uint32_t index) {
  constexpr Duration kLook = 5ms;  // nobody is called for an acknowledgement
  std::uint64_t serial = 0;
  Time deadline{};
  for (;;) {
    {
      const Inside inside(*session_);
      const Duration time = linger_time(index);
      if (time == Duration::zero()) return;
      const OpenSocket* o = session_->socket_at(index);
      if (serial != 0 && o->serial != serial) return;
      if (serial == 0) {
        deadline = monotonic_now() + time;
        (void)session_->stack().shutdown(o->id, Shutdown::send);
      }
      serial = o->serial;
      session_->turn();
      if (is_delivered(*o)) return;
    }
    const Time now = monotonic_now();
    if (now >= deadline) return;
    session::Remaining left(std::min(deadline, now + kLook));
    if (system::call(SYS_ppoll, nullptr, 0, left.pointer(), nullptr, 0) == -EINTR) return;
  }
}

// --- closing ----------------------------------------------------------------------------

// What a number meant ends with `change`, in which the kernel is told: inside, since
// somebody may be about to share the descriptor.
template <class Change>
long Descriptors::replace(Table::Entry before, const Change& change) {
  long answer = 0;
  {
    const Inside inside(*session_);
    answer = change();
    if (answer < 0) return answer;
    if (before.kind != Kind::socket || linger_time(before.index) == Duration::zero()) {
      forget(before);
      return answer;
    }
  }
  linger(before.index);
  const Inside inside(*session_);
  forget(before);
  return answer;
}

// Inside.
void Descriptors::forget(Table::Entry entry) {
  if (entry.kind == Kind::kernel) return;
  if (entry.kind == Kind::socket) {
    if (OpenSocket* o = session_->socket_at(entry.index)) session_->drop_reference(*o);
    return;
  }
  if (table_.has(entry)) return;  // a duplicate
  Waiter& set = *session_->tables().waiters.at(entry.index);
  if (set.bell_fd >= 0) {
    table_.clear(set.bell_fd);
    system::call(SYS_close, set.bell_fd);
  }
  set.holders.reset(session_->process());
  if (set.holders.none()) session_->remove_waiter(set);
}

long Descriptors::close(int fd) {
  const Table::Entry entry = table_.at(fd);
  if (entry.kind == Kind::own) return -EBADF;
  if (entry.kind == Kind::kernel) return system::call(SYS_close, fd);
  return replace(entry, [&] {
    table_.clear(fd);
    return system::call(SYS_close, fd);
  });
}

long Descriptors::close_range(unsigned first, unsigned last, unsigned flags) {
  if (first > last) return -EINVAL;
  const auto end = static_cast<unsigned>(table_.end());
  // Ours one by one, and what lies between them in one go.
  unsigned from = first;
  for (unsigned fd = first; fd <= last && fd < end; ++fd) {
    const auto number = static_cast<int>(fd);
    const Table::Entry entry = table_.at(number);
    if (entry.kind == Kind::kernel) continue;
    if (from < fd) system::call(SYS_close_range, from, fd - 1, flags);
    from = fd + 1;
    if (entry.kind == Kind::own) continue;
    if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
      system::call(SYS_fcntl, number, F_SETFD, FD_CLOEXEC);
    } else {
      close(number);
    }
  }
  return from <= last ? system::call(SYS_close_range, from, last, flags) : 0;
}

// Without lingering, as in Linux. A descriptor that the kernel counts must be gone before it
// is asked whether anybody else has one.
void Descriptors::close_all() {
  const Inside inside(*session_);
  session_->begin_end();
  const int end = table_.end();
  for (int fd = 0; fd < end; ++fd) {
    const OpenSocket* o = socket(fd);
    if (o != nullptr && o->is_shared) system::call(SYS_close, fd);
  }
  for (int fd = 0; fd < end; ++fd) {
    if (OpenSocket* o = socket(fd)) session_->drop_reference(*o);
    if (is_socket(fd)) table_.set(fd, {Kind::socket, Table::kEnded});
  }
}

// --- duplicates ---------------------------------------------------------------------------

long Descriptors::duplicate(int fd, int command, long lowest) {
  const Table::Entry entry = table_.at(fd);
  if (entry.kind == Kind::own) return -EBADF;
  if (entry.kind == Kind::socket) {
    if (const long answer = share(fd); answer < 0) return answer;
  }
  const long copy = system::call(SYS_fcntl, fd, command, lowest);
  if (copy >= 0) table_.set(static_cast<int>(copy), entry);
  return copy;
}

long Descriptors::dup(int fd) { return duplicate(fd, F_DUPFD, 0); }

bool Descriptors::make_way(int number) {
  if (table_.at(number).kind != Kind::own) return true;
  const Inside inside(*session_);
  bool is_free = false;
  session_->move_descriptors([&](int fd) {
    if (fd != number) return fd;
    const auto copy = static_cast<int>(system::call(SYS_fcntl, number, F_DUPFD_CLOEXEC, 0));
    if (copy < 0) return fd;
    is_free = true;
    const int moved = session::move_away(copy);
    set_own(moved);
    return moved;
  });
  if (is_free) table_.clear(number);
  return is_free;
}

long Descriptors::dup3(int from, int to, int flags) {
  const Table::Entry entry = table_.at(from);
  if (entry.kind == Kind::own) return -EBADF;
  if (!make_way(to)) return -EBUSY;
  if (entry.kind == Kind::socket) {
    if (const long answer = share(from); answer < 0) return answer;
  }
  return replace(table_.at(to), [&] {
    const long answer = system::call(SYS_dup3, from, to, flags);
    if (answer >= 0) table_.set(to, entry);
    return answer;
  });
}

// --- sharing --------------------------------------------------------------------------------

long Descriptors::share_locked(int fd) {
  OpenSocket* o = socket(fd);
  if (o == nullptr || o->is_shared) return 0;
  const long answer = session_->references().share(fd, session_->index_of(*o));
  if (answer < 0) {
    session::log("a socket cannot be shared: no descriptor is free");
    return answer;
  }
  o->is_shared = true;
  return 0;
}

void Descriptors::share_all_locked() {
  for (int fd = 0; fd < table_.end(); ++fd) {
    if (is_socket(fd)) (void)share_locked(fd);
  }
}

long Descriptors::share(int fd) {
  const Inside inside(*session_);
  return share_locked(fd);
}

void Descriptors::share_all() {
  const Inside inside(*session_);
  share_all_locked();
}

// Nobody makes a socket between the one and the other.
void Descriptors::before_fork() {
  session_->hold();
  share_all_locked();
}

void Descriptors::after_fork_in_parent() { session_->let_go(); }

void Descriptors::after_fork_in_child() { session_->on_forked(); }

void Descriptors::adopt(int fd) {
  const auto index = session_->references().identify(fd);
  if (!index || fd >= Table::kMost) return;
  const Inside inside(*session_);
  if (session_->socket_at(*index) != nullptr) table_.set(fd, {Kind::socket, *index});
}

void Descriptors::adopt_all() {
  const long folder =
      system::call(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  struct Entry {
    ino64_t inode;
    off64_t offset;
    unsigned short length;
    unsigned char type;
    char name[1];
  };
  alignas(Entry) char bytes[4096];
  long n = 0;
  while ((n = system::call(SYS_getdents64, folder, bytes, sizeof bytes)) > 0) {
    for (long at = 0; at < n;) {
      const auto* entry = reinterpret_cast<const Entry*>(bytes + at);
      at += entry->length;
      if (entry->name[0] == '.') continue;
      const int fd = std::atoi(entry->name);
      if (!is_ours(fd)) adopt(fd);
    }
  }
  system::call(SYS_close, folder);
  adopt_own();
}

// What this process had open before an exec, and what the exec has closed.
void Descriptors::adopt_own() {
  const Inside inside(*session_);
  session_->tables().sockets.for_each([&](OpenSocket& o) {
    if (o.is_shared || o.owner != session_->process()) return;
    if (session_->references().is_blank(o.number)) {
      table_.set(o.number, {Kind::socket, session_->index_of(o)});
    } else {
      session_->close_socket(o);
    }
  });
  session_->sweep();
}

}  // namespace naru::posix
