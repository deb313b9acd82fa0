// Lifecycle: connections and flows come and go; lists that they are on.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// --- connections ---
// A connection in CLOSED, or nullptr when the table is full.
Connection* create_connection(Tcp& t);
// Puts it under its four-tuple.
void enter_table(Tcp& t, Connection& c);
Found find(Tcp& t, const Endpoint& local, const Endpoint& remote);
void set_state(Tcp& t, Connection& c, TcpState state);
// The program's id is gone; what it sent is still delivered.
void disown(Tcp& t, Connection& c);

// TCP is done with the connection: it leaves the table and its timers; what was
// received stays readable while a program owns it, else the slot is given back.
void finish(Tcp& t, Connection& c);
// As finish(), and the program hears of `error`.
void fail(Tcp& t, Connection& c, Error error);
// finish(), leaving a TIME-WAIT record behind.
void enter_time_wait(Tcp& t, Connection& c);
void forget_time_wait(Tcp& t, TimeWait* record);
// The program lets go of a connection that TCP is done with.
void release(Tcp& t, Connection& c);

// --- flows ---
// The connection's flow, taken when it has none; nullptr when all are in use.
Flow* take_new_flow(Tcp& t, Connection& c);
inline Flow* take_flow(Tcp& t, Connection& c) {
  if (c.flow == kNoIndex) [[unlikely]]
    return take_new_flow(t, c);
  Flow* f = t.flows.at(c.flow);
  if (f->is_linked()) t.quiet.remove(f);
  return f;
}
// The flow that sending needs: a FIN wants one for its retransmission timer.
Flow* flow_to_send(Tcp& t, Connection& c);
// Gives the flow back with all that is in it.
void drop_flow(Tcp& t, Connection& c);
// Gives up the port that the connection holds.
void drop_bind(Tcp& t, Connection& c);
// Rests the flow when there is nothing left to do with it.
void settle(Tcp& t, Connection& c);
Reassembly* take_reassembly(Tcp& t, Flow& f);
void drop_reassembly(Tcp& t, Flow& f);
Scoreboard* take_scoreboard(Tcp& t, Flow& f);
void drop_scoreboard(Tcp& t, Flow& f);
// The connection's Extra, taken when it has none; nullptr when all are in use.
Extra* take_extra(Tcp& t, Connection& c);

// --- lists ---
// Something may have to be sent.
void mark_dirty(Tcp& t, Connection& c);
// The program may find something new.
void notify(Tcp& t, Connection& c);

// --- listeners ---
Listener* listener_of(Tcp& t, const Connection& c);
// Takes the connection off its listener's SYN or accept queue.
void leave_listener(Tcp& t, Connection& c);

// A trace event about the connection.
trace::Event event(const Tcp& t, const Connection& c, trace::Kind kind);

}  // namespace naru::tcp
