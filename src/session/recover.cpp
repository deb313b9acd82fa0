// After an accident: a process was killed while it was inside.
//
// What it was changing may be half changed. The tables of the session are built again
// from their slabs. The stack is made anew: its connections are reset (the programs see
// ECONNRESET), its listeners and bound sockets are opened again, and nobody keeps
// sleeping on what is gone.

#include <sys/mman.h>
#include <sys/socket.h>

#include <naru/socket/clock.hpp>
#include <naru/socket/entropy.hpp>

#include "session/log.hpp"
#include "session/session.hpp"

namespace naru::session {

void Session::recover() {
  log("a process was killed inside the stack: the connections of the session are reset");
  rebuild_tables();
  renew_stack();
  drop_dead();
  tables().sockets.for_each([&](OpenSocket& o) {
    reopen(o);
    o.known = 0;
  });
  tables().watches.for_each([&](Watch& w) { make_ready(w); });
  tables().waiters.for_each([&](Waiter& w) { call(w); });
}

void Session::rebuild_tables() {
  Tables& t = tables();
  t.processes.rebuild();
  t.sockets.rebuild();
  t.waiters.rebuild();
  t.watches.rebuild();
  t.sockets.for_each([](OpenSocket& o) { o.watches = {}; });
  t.waiters.for_each([](Waiter& w) {
    w.watches = {};
    w.ready = {};
    w.rung = false;
  });
  t.watches.for_each([&](Watch& w) {
    static_cast<ListHook<OfSocket>&>(w) = {};
    static_cast<ListHook<OfWaiter>&>(w) = {};
    static_cast<ListHook<IsReady>&>(w) = {};
    const bool is_whole = w.socket != nullptr && w.waiter != nullptr &&
                          t.sockets.is_live(index_of(*w.socket)) &&
                          t.waiters.is_live(t.waiters.index_of(w.waiter));
    if (!is_whole) {
      t.watches.give_back(&w);
      return;
    }
    w.socket->watches.push_back(&w);
    w.waiter->watches.push_back(&w);
  });
}

void Session::renew_stack() {
  Header& h = header();
  // A hole in the file: zero-filled memory, in every process.
  ::madvise(h.stack_base(), h.stack_size(), MADV_REMOVE);
  Arena* arena = Arena::format(h.stack_base(), h.stack_size());
  h.config.random = Random::secure(entropy());
  // The same sizes give the same addresses: the other processes' handles stay right.
  const auto stack = Stack::create(*arena, h.config, monotonic_now());
  ++h.epoch;
  if (!stack) {
    log("the stack cannot be made again");
  } else if (link_) {
    link_->disarm();
    (void)set_up_interface();
  }
}

void Session::reopen(OpenSocket& o) {
  if (o.is_tcp() && !o.is_listening) return;  // the program must hear of it
  const bool is_icmp = o.id.kind() == SocketId::Kind::icmp;
  const auto id = o.is_tcp() ? stack_->open_tcp()
                  : is_icmp  ? stack_->open_icmp(o.type == SOCK_RAW)
                             : stack_->open_udp();
  if (!id) return;
  set_id(o, *id);
  (void)stack_->set_option(o.id, SocketOption::reuse_address, 1);
  if (o.is_bound && !o.v6_only) (void)stack_->bind(o.id, o.bound);
  if (o.is_listening && !o.v6_only) (void)stack_->listen(o.id, o.backlog);
}

}  // namespace naru::session
