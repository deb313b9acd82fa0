// After an accident: a process was killed while it was inside.
//
// What it was changing may be half changed. The tables of the session are built again
// from their slabs, and the stack does the same with its own (Stack::recover): at most the
// one connection that was being changed is reset. Only where that fails the stack is made
// anew: all connections are reset (the programs see ECONNRESET), listeners and bound
// sockets are opened again. Nobody keeps sleeping on what is gone.

#include <sys/mman.h>
#include <sys/socket.h>

#include <naru/socket/clock.hpp>
#include <naru/socket/entropy.hpp>

#include "session/log.hpp"
#include "session/session.hpp"

namespace naru::session {

void Session::recover() {
  rebuild_tables();
  if (repair_stack()) {
    log("a process was killed inside the stack: what it was changing is reset");
    close_unknown();
    disown_missing();
  } else {
    log("a process was killed inside the stack: the connections of the session are reset");
    renew_stack();
    tables().sockets.for_each([&](OpenSocket& o) { reopen(o); });
  }
  if (cable_) cable_->disarm();
  drop_dead();
  tables().sockets.for_each([](OpenSocket& o) { o.known = 0; });
  tables().watches.for_each([&](Watch& w) { make_ready(w); });
  tables().waiters.for_each([&](Waiter& w) { call_again(w); });
}

void Session::rebuild_tables() {
  Tables& t = tables();
  t.processes.rebuild();
  t.sockets.rebuild();
  t.waiters.rebuild();
  t.sockets.for_each([&](OpenSocket& o) {
    o.watches = {};
    if (o.owner == kNoIndex) t.sockets.give_back(&o);
  });
  t.waiters.for_each([](Waiter& w) {
    w.watches = {};
    w.ready = {};
    w.rung = false;
  });
  rebuild_watches();
}

void Session::rebuild_watches() {
  Tables& t = tables();
  t.watches.rebuild();
  t.watches.for_each([&](Watch& w) {
    static_cast<ListHook<OfSocket>&>(w) = {};
    static_cast<ListHook<OfWaiter>&>(w) = {};
    static_cast<ListHook<IsReady>&>(w) = {};
    const bool is_whole =
        t.sockets.is_live(t.sockets.find(w.socket)) && t.waiters.is_live(t.waiters.find(w.waiter));
    if (!is_whole) {
      t.watches.give_back(&w);
      return;
    }
    w.socket->watches.push_back(&w);
    w.waiter->watches.push_back(&w);
  });
}

// False when the stack has to be made anew: also when whoever tried this before has not
// come to the end of it.
bool Session::repair_stack() {
  Header& h = header();
  const auto arena = Arena::attach(h.stack_base(), h.stack_size());
  if (!arena || std::exchange(h.is_recovering, true)) return false;
  const bool is_repaired = stack_->recover(monotonic_now(), Random::secure(entropy()));
  h.is_recovering = !is_repaired;
  return is_repaired;
}

// Sockets of the stack that no entry of the table means: their program died before it was
// given them.
void Session::close_unknown() {
  stack_->for_each_socket([&](SocketId id, std::uint64_t cookie) {
    const OpenSocket* o = cookie == 0 ? nullptr : socket_at(static_cast<std::uint32_t>(cookie - 1));
    if (o == nullptr || o->id != id) (void)stack_->abort(id);
  });
}

// And entries whose socket is gone.
void Session::disown_missing() {
  tables().sockets.for_each([&](OpenSocket& o) {
    if (!stack_->local(o.id)) o.epoch = 0;
  });
}

void Session::renew_stack() {
  Header& h = header();
  // A hole in the file: zero-filled memory, in every process.
  ::madvise(h.stack_base(), h.stack_size(), MADV_REMOVE);
  Arena* arena = Arena::format(h.stack_base(), h.stack_size());
  h.config.random = Random::secure(entropy());
  // The same sizes give the same addresses: the other processes' handles stay right.
  auto stack = Stack::create(*arena, h.config, monotonic_now());
  ++h.epoch;
  h.is_recovering = false;
  if (!stack) return log("the stack cannot be made again");
  (*stack)->set_trace(h.config.trace_events != 0);
  if (!stack_) stack_ = std::move(*stack);  // we have just come
  if (cable_) (void)set_up_interface();
}

void Session::reopen(OpenSocket& o) {
  if (o.is_tcp() && !o.is_listening) return;  // the program must hear of it
  const bool is_icmp = o.id.kind() == SocketId::Kind::icmp;
  const auto id = o.is_tcp() ? stack_->open_tcp()
                  : is_icmp  ? stack_->open_icmp(o.type == SOCK_RAW, o.family == AF_INET6)
                             : stack_->open_udp();
  if (!id) return;
  set_id(o, *id);
  (void)stack_->set_option(o.id, SocketOption::reuse_address, 1);
  if (o.v6_only) (void)stack_->set_option(o.id, SocketOption::v6_only, 1);
  if (o.is_bound) (void)stack_->bind(o.id, o.bound);
  if (o.is_listening) (void)stack_->listen(o.id, o.backlog);
}

}  // namespace naru::session
