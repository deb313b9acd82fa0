// Who has what open: processes and open sockets.

#include <unistd.h>

#include "session/deferral.hpp"
#include "session/log.hpp"
#include "session/process_id.hpp"
#include "session/session.hpp"

namespace naru::session {

// --- processes ------------------------------------------------------------------------

bool Session::join() {
  Slab<Process>& processes = tables().processes;
  const pid_t pid = ::getpid();
  const std::uint64_t started = start_time(pid);
  process_ = kNoIndex;
  processes.for_each([&](const Process& p) {
    if (p.pid == pid && p.start_time == started) process_ = processes.index_of(&p);
  });
  if (process_ != kNoIndex) {
    // By exec, which ends all threads: one of them may have been who frames call.
    if (cable_) cable_->disarm();
    forget_waiters(process_);
    return true;
  }
  Process* mine = processes.take();
  if (mine == nullptr) return false;
  mine->pid = pid;
  mine->start_time = started;
  header().was_joined = true;
  process_ = processes.index_of(mine);
  if (header().keeper_bell != 0) wakes_.add_bell(header().keeper_bell, ringer_);
  return true;
}

void Session::on_forked() {
  // The copy of the parent's handle may have been in the middle of something.
  auto arena = Arena::attach(header().stack_base(), header().stack_size());
  if (auto fresh = Stack::attach(**arena)) {
    (void)stack_.release();
    stack_ = std::move(*fresh);
    if (cable_) stack_->replace_link(kCableInterface, &wire());
  }
  wakes_ = Wakes();
  seats_.clear();
  ending_ = 0;
  const std::uint32_t parent = process_;
  const Inside inside(*this);
  Deferral::leave();  // the parent's hold()
  if (!join()) {
    log("too many processes in the session");
    return;
  }
  tables().waiters.for_each([&](Waiter& w) {
    if (w.is_set && w.holders.test(parent)) w.holders.set(process_);
  });
}

void Session::drop_process(Process& process) {
  const std::uint32_t index = tables().processes.index_of(&process);
  // It may have been spinning, and it may have been who frames call.
  header().spinners.store(0);
  if (cable_) cable_->disarm();
  forget_waiters(index);
  tables().waiters.for_each([&](Waiter& w) { call_again(w); });
  tables().sockets.for_each([&](OpenSocket& o) {
    if (!o.is_shared && o.owner == index) release(o);
  });
  tables().processes.give_back(&process);
  sweep();
}

void Session::forget_waiters(std::uint32_t process) {
  tables().waiters.for_each([&](Waiter& w) {
    w.holders.reset(process);
    if (w.holders.none()) remove_waiter(w);
  });
}

void Session::drop_dead() {
  tables().processes.for_each([&](Process& p) {
    if (!is_alive(p.pid, p.start_time)) drop_process(p);
  });
  sweep();  // a child may have died before it joined
}

void Session::sweep() {
  tables().sockets.for_each([&](OpenSocket& o) {
    if (o.is_shared && !references_.is_held(index_of(o))) release(o);
  });
}

// --- open sockets ---------------------------------------------------------------------

OpenSocket* Session::add_socket(SocketId id, int family, int type, int protocol) {
  OpenSocket* o = tables().sockets.take();
  if (o == nullptr) return nullptr;
  o->serial = ++header().last_serial;
  o->family = family;
  o->type = type;
  o->protocol = protocol;
  o->owner = process_;
  set_id(*o, id);
  return o;
}

void Session::set_id(OpenSocket& o, SocketId id) {
  o.id = id;
  o.epoch = header().epoch;
  stack_->set_cookie(id, std::uint64_t{index_of(o)} + 1);
}

OpenSocket* Session::socket_at(std::uint32_t index) {
  Slab<OpenSocket>& sockets = tables().sockets;
  return sockets.is_live(index) ? sockets.at(index) : nullptr;
}

// RFC 1122 4.2.2.13: with data that nobody has read; and SO_LINGER of no time.
bool Session::is_reset_by_close(const OpenSocket& o) const {
  if (!o.is_tcp()) return false;
  return stack_->option(o.id, SocketOption::readable_bytes).value_or(0) > 0 ||
         stack_->option(o.id, SocketOption::linger).value_or(-1) == 0;
}

void Session::close_socket(OpenSocket& o) {
  o.is_orphan = false;
  while (Watch* w = o.watches.front()) {
    call(*w->waiter);  // a thread that waits for what is gone
    remove_watch(*w);
  }
  if (is_sound(o)) {
    // What the program has written goes before the reset that its close is.
    if (header().batch.waits() && is_reset_by_close(o)) stack_->flush(stack_->now());
    (void)stack_->close(o.id);
  }
  o.owner = kNoIndex;
  tables().sockets.give_back(&o);
}

namespace {

// A watch of a call, which is of one thread and thus of one process; nullptr: none.
Watch* waiting_call(OpenSocket& o) {
  Watch* w = o.watches.front();
  while (w != nullptr && w->waiter->is_set) w = o.watches.next(w);
  return w;
}

std::uint32_t process_of(const Waiter& waiter) {
  std::uint32_t process = 0;
  while (process < kMaxProcesses && !waiter.holders.test(process)) ++process;
  return process;
}

}  // namespace

bool Session::is_waited_for(OpenSocket& o) { return waiting_call(o) != nullptr; }

void Session::release(OpenSocket& o) {
  const Watch* w = waiting_call(o);
  if (w == nullptr) {
    close_socket(o);
    return;
  }
  // In this order: who dies in between leaves a socket that a sweep finds.
  o.owner = process_of(*w->waiter);
  o.number = -1;
  o.is_orphan = true;
  o.is_shared = false;
}

void Session::drop_reference(OpenSocket& o) {
  if (!o.is_shared || !references_.is_held(index_of(o))) release(o);
}

std::uint8_t Session::readiness(const OpenSocket& o) {
  if (is_sound(o)) {
    const std::uint8_t bits = stack_->readiness(o.id);
    return o.receive_low.load() > 1 ? above_low_water(o, bits) : bits;
  }
  return ready::kIn | ready::kOut | ready::kErr | ready::kHup | ready::kRdHup;
}

// SO_RCVLOWAT: less than so much is not worth a call, as long as more may come.
std::uint8_t Session::above_low_water(const OpenSocket& o, std::uint8_t bits) {
  if ((bits & (ready::kRdHup | ready::kHup | ready::kErr)) != 0 || !o.is_tcp()) return bits;
  const auto there = stack_->option(o.id, SocketOption::readable_bytes);
  if (!there || *there >= o.receive_low.load()) return bits;
  return bits & static_cast<std::uint8_t>(~ready::kIn);
}

}  // namespace naru::session
