// Reset: when to send RST, and challenge ACKs (RFC 9293 3.10.7.1, RFC 5961).
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// The answer to a segment that belongs to nothing. Never answers a RST.
void reply_reset(Tcp& t, const Segment& s);
// <SEQ=SND.NXT><CTL=RST,ACK> to the connection's peer, where ABORT sends one.
void reset_peer(Tcp& t, Connection& c);
// An ACK with the connection's numbers, for when the connection itself goes.
void reply_ack(Tcp& t, const Connection& c);
// "Are you sure?": an ACK with our numbers, at most one per interval and connection.
void challenge(Tcp& t, Connection& c);
// The same for a TIME-WAIT record.
void reply_time_wait_ack(Tcp& t, const TimeWait& w);

}  // namespace naru::tcp
