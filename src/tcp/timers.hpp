// Timers: one wheel entry per connection, several deadlines behind it.
//
//   SYN-SENT, SYN-RECEIVED   the entry itself: retransmission of the SYN
//   with a flow              retransmit_at (or persist), ack_at, cork_until
//   without a flow           another try to get one for the FIN
//   idle                     keep-alive, computed from active_ms
//   FIN-WAIT-2, closed by    its end, computed from active_ms
//   the program
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

RtoLimits rto_limits(const Tcp& t);
// With the backoff of the moment.
Duration current_rto(const Tcp& t, const Connection& c);

void arm_syn(Tcp& t, Connection& c);
void arm_retransmit(Tcp& t, Connection& c, Flow& f);
// Nothing is in flight and the window takes nothing.
void arm_persist(Tcp& t, Connection& c, Flow& f);
// Delays the ACK of what has arrived.
void arm_delayed_ack(Tcp& t, Connection& c, Flow& f);
// The same for a single turn: the program may answer at once, and the ACK ride on it.
void arm_quick_ack(Tcp& t, Connection& c, Flow& f);
// A short segment waits for more (MSG_MORE, TCP_CORK), but not for ever.
void hold_short(Tcp& t, Connection& c, Flow& f);
void arm_keep_alive(Tcp& t, Connection& c);
// A FIN is to be sent and has no flow, because all were in use: tries again.
bool lacks_flow(const Connection& c);
void arm_flow_wait(Tcp& t, Connection& c);
// FIN-WAIT-2 without a program ends by itself.
void arm_fin_wait_2(Tcp& t, Connection& c);

}  // namespace naru::tcp
