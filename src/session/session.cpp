// Making a session, joining one, and the way in and out.

#include "session/session.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <naru/socket/clock.hpp>
#include <naru/socket/entropy.hpp>

#include "session/deferral.hpp"
#include "session/lock.hpp"
#include "session/log.hpp"
#include "session/process_id.hpp"
#include "session/sleep.hpp"

namespace naru::session {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kTablesSlack = 65'536;

// Sizes for the programs of one user: a bound that a runaway program may reach
// without the machine falling over.
StackConfig session_config(const Watching& watching) {
  StackConfig config;
  if (watching.keeps_trace) config.trace_events = 64 * 1024;
  config.random = Random::secure(entropy());
  return config;
}

std::size_t tables_size() {
  const std::size_t bytes = sizeof(Process) * kMaxProcesses + sizeof(OpenSocket) * kMaxOpenSockets +
                            sizeof(Waiter) * kMaxWaiters + sizeof(Watch) * kMaxWatches +
                            (kMaxOpenSockets + kMaxWaiters + kMaxWatches) / 8 + kTablesSlack;
  return (bytes + kPage - 1) / kPage * kPage;
}

void init_lock(pthread_mutex_t& mutex) {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutex_init(&mutex, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
}

Status format(Header& header, const std::string& name, const StackConfig& config,
              std::size_t size) {
  header.layout = layout_fingerprint();
  header.size = size;
  header.tables_size = tables_size();
  header.config = config;
  header.epoch = 1;
  header.keeper_wakes = kTimeNever;
  name.copy(header.name, sizeof header.name - 1);
  if (::getrandom(&header.id, sizeof header.id, 0) < 0) return std::unexpected(Error::io);
  init_lock(header.mutex);
  Arena* tables = Arena::format(header.tables_base(), header.tables_size);
  if (!header.tables.init(*tables)) return std::unexpected(Error::no_memory);
  Arena* arena = Arena::format(header.stack_base(), header.stack_size());
  const auto stack = Stack::create(*arena, config, monotonic_now());
  if (!stack) return std::unexpected(stack.error());
  (*stack)->set_trace(config.trace_events != 0);
  header.magic = Header::kMagic;
  return {};
}

Status make_socket_file(const std::string& path) {
  // Who has left root behind must still be able to open what it has open.
  const long fd =
      system::call(SYS_openat, AT_FDCWD, path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return std::unexpected(Error::io);
  ::fchmod(static_cast<int>(fd), 0644);
  system::call(SYS_close, fd);
  return {};
}

}  // namespace

Session::Session(Mapping mapping, References references, std::string file)
    : mapping_(std::move(mapping)), references_(std::move(references)), file_(std::move(file)) {}

Said<std::string> Session::create(const std::string& folder, const std::string& name,
                                  const Watching& watching, const NameServers& name_servers) {
  const StackConfig config = session_config(watching);
  const std::size_t size = kHeaderSize + tables_size() + arena_size(config) + kPage;
  const std::string file = memory_file(folder, name);
  const auto mapping = Mapping::create(file, size);
  if (!mapping) return std::unexpected(mapping.error());
  auto* header = ::new (&mapping->header()) Header;
  if (watching.capture.size() >= sizeof header->capture) {
    ::unlink(file.c_str());
    return std::unexpected(watching.capture + ": too long a name");
  }
  watching.capture.copy(header->capture, sizeof header->capture);
  header->name_servers = name_servers;
  if (!format(*header, name, config, size) || !make_socket_file(socket_file(file))) {
    ::unlink(file.c_str());
    return std::unexpected(file + ": the session cannot be made");
  }
  return file;
}

Said<std::unique_ptr<Session>> Session::open_file(const std::string& file) {
  auto mapping = Mapping::open(file);
  if (!mapping) return std::unexpected(mapping.error());
  auto references = References::open(socket_file(file));
  if (!references) return std::unexpected(references.error());
  std::unique_ptr<Session> session(new Session(std::move(*mapping), std::move(*references), file));
  session->ringer_.open(session->header().id);
  session->attach_cable();
  if (!session->attach_stack()) return std::unexpected(file + " is damaged");
  return session;
}

// With the lock: somebody may just be making the stack anew, or have died of it
// (recover.cpp).
bool Session::attach_stack() {
  const int answer = ::pthread_mutex_lock(&header().mutex);
  if (!find_stack() && answer == EOWNERDEAD) renew_stack();
  if (stack_ && cable_) stack_->replace_link(kCableInterface, &wire());
  if (stack_) on_locked(answer);
  ::pthread_mutex_unlock(&header().mutex);
  return stack_ != nullptr;
}

bool Session::find_stack() {
  const auto arena = Arena::attach(header().stack_base(), header().stack_size());
  if (!arena) return false;
  auto stack = Stack::attach(**arena);
  if (stack) stack_ = std::move(*stack);
  return stack.has_value();
}

Said<std::unique_ptr<Session>> Session::attach(const std::string& file) {
  auto session = open_file(file);
  if (!session) return session;
  const Inside inside(**session);
  if (!(*session)->join()) return std::unexpected(file + ": too many processes");
  return session;
}

Said<std::unique_ptr<Session>> Session::visit(const std::string& file) { return open_file(file); }

void Session::move_descriptors(const std::function<int(int)>& move) {
  const auto move_open = [&](int fd) { return fd < 0 ? fd : move(fd); };
  references_.move_descriptors(move_open);
  ringer_.move_descriptor(move_open);
  if (cable_) cable_->move_descriptors(move_open);
  if (capture_) capture_->move_descriptor(move_open);
}

// --- inside and outside ---------------------------------------------------------------

void Session::lock() {
  // Who is inside leaves within a microsecond or two: sooner than a sleep would end.
  constexpr int kTries = 100;
  int answer = ::pthread_mutex_trylock(&header().mutex);
  for (int i = 0; answer == EBUSY && i < kTries && cores() > 1; ++i) {
    relax();
    answer = ::pthread_mutex_trylock(&header().mutex);
  }
  if (answer == EBUSY) answer = lock_patiently(header().mutex);
  on_locked(answer);
  if (ending_.load(std::memory_order_relaxed) != 0) stop_unless_last();
}

void Session::on_locked(int answer) {
  if (answer != EOWNERDEAD) return;
  ::pthread_mutex_consistent(&header().mutex);
  if (header().is_changing) recover();
}

void Session::hold() {
  // Should somebody have died inside, it is repaired here, and who waits is woken.
  { const Inside inside(*this); }
  Deferral::enter();
  lock();
}

void Session::let_go() {
  ::pthread_mutex_unlock(&header().mutex);
  Deferral::leave();
}

void Session::enter() {
  Deferral::enter();
  lock();
  header().is_changing = true;
  looks_at_cable_ = cable_ != nullptr;
  stack_->set_now(monotonic_now());
}

bool Session::try_enter() {
  Deferral::enter();
  const int answer = ::pthread_mutex_trylock(&header().mutex);
  if (answer == EBUSY) {
    Deferral::leave();
    return false;
  }
  on_locked(answer);
  if (ending_.load(std::memory_order_relaxed) != 0) stop_unless_last();
  header().is_changing = true;
  looks_at_cable_ = cable_ != nullptr;
  stack_->set_now(monotonic_now());
  return true;
}

void Session::turn() {
  const Time now = stack_->now();
  if (header().batch.waits()) stack_->flush(now);  // as if each call had had its own turn
  header().batch.end(now);
  if (looks_at_cable_ || stack_->has_output() || stack_->next_deadline() <= now) {
    while (stack_->poll(now)) {
    }
  }
  if (has_device()) looks_at_cable_ = false;  // each look is a system call
  while (const auto event = stack_->next_event()) dispatch(*event);
}

// The keeper is told when it is needed earlier than it would look.
void Session::call_keeper(Leaving leaving) {
  Header& h = header();
  Time next = stack_->next_deadline();
  if (cable_ && process_ != kNoIndex) {
    ++h.visits;
    const bool is_unwatched = leaving == Leaving::for_good && !cable_->is_armed();
    if (is_unwatched || h.batch.waits()) next = std::min(next, stack_->now() + kKeeperTick);
  }
  if (next >= h.keeper_wakes) return;
  h.keeper_wakes = next;
  if (h.keeper_bell != 0) wakes_.add_bell(h.keeper_bell, ringer_);
}

// See batch.hpp. Without a cable no keeper would look in.
bool Session::may_put_off(Leaving leaving) {
  if (!cable_ || leaving != Leaving::for_good || !Round::is_open() || process_ == kNoIndex) {
    return false;
  }
  const Duration longest = has_device() ? Batch::kLongestAtDevice : Batch::kLongestOnLan;
  return header().batch.may_wait(stack_->now(), stack_->has_output(), longest);
}

void Session::leave(Leaving leaving) {
  if (!may_put_off(leaving)) turn();
  call_keeper(leaving);
  if (capture_) capture_->flush();
  Header& h = header();
  h.is_changing = false;
  if (wakes_.empty()) {
    ::pthread_mutex_unlock(&h.mutex);
    Deferral::leave();
    return;
  }
  Wakes wakes = wakes_;
  wakes_ = Wakes();
  ::pthread_mutex_unlock(&h.mutex);
  wakes.deliver(ringer_);
  Deferral::leave();
}

void Session::dispatch(const SocketEvent& event) {
  if (event.cookie == 0) return;
  OpenSocket* o = socket_at(static_cast<std::uint32_t>(event.cookie - 1));
  if (o == nullptr || o->id != event.socket) return;
  const std::uint32_t now =
      poll_bits(o->receive_low.load() > 1 ? above_low_water(*o, event.readiness) : event.readiness,
                !o->is_tcp());
  // The stack says that something has changed, not what. Space is news when there was
  // none; else it was data, an end or an error.
  std::uint32_t edges = now & ~o->known;
  constexpr std::uint32_t kSpace = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
  if (edges == 0 || (edges & ~kSpace) != 0) edges |= now & ~kSpace;
  o->known = now;
  if (edges != 0 && (o->flags.load() & O_ASYNC) != 0 && o->told_process != 0) {
    wakes_.add_signal(o->told_process, o->told_signal != 0 ? o->told_signal : SIGIO, ringer_);
  }
  tell(*o, now, edges);
}

std::uint32_t poll_bits(std::uint8_t readiness, bool is_udp) {
  std::uint32_t bits = 0;
  if ((readiness & ready::kIn) != 0) bits |= EPOLLIN | EPOLLRDNORM;
  if ((readiness & ready::kOut) != 0) bits |= EPOLLOUT | EPOLLWRNORM | (is_udp ? EPOLLWRBAND : 0U);
  if ((readiness & ready::kPri) != 0) bits |= EPOLLPRI;
  if ((readiness & ready::kErr) != 0) bits |= EPOLLERR;
  if ((readiness & ready::kHup) != 0) bits |= EPOLLHUP;
  if ((readiness & ready::kRdHup) != 0) bits |= EPOLLRDHUP;
  return bits;
}

}  // namespace naru::session
