// Input: the steps of RFC 9293 3.10.7, as functions that each answer one question.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// What a step found.
struct Verdict {
  Drop reason = Drop::none;  // not none: the segment goes no further
  bool gone = false;         // the connection must not be touched any more
};

// --- input_syn.cpp: states before ESTABLISHED ---
Drop on_unmatched(Tcp& t, Segment& s);                // LISTEN or CLOSED
Drop on_time_wait(Tcp& t, TimeWait& w, Segment& s);
Verdict on_syn_sent(Tcp& t, Connection& c, Segment& s);
Verdict on_syn_received_ack(Tcp& t, Connection& c, const Segment& s);

// --- ack.cpp ---
// RFC 9293 3.10.7.4 fifth, RFC 5961 5.
Verdict check_ack(Tcp& t, Connection& c, const Segment& s);
void on_ack(Tcp& t, Connection& c, const Segment& s);
// The state changes that the ACK of our FIN brings.
Verdict on_fin_acked(Tcp& t, Connection& c);

// --- receive.cpp ---
void take_urgent(Tcp& t, Connection& c, const Segment& s);
Verdict take_data(Tcp& t, Connection& c, Segment& s);
Verdict take_fin(Tcp& t, Connection& c, const Segment& s);
// A duplicate arrived: to be reported once (RFC 2883).
void note_duplicate(Tcp& t, Connection& c, std::uint32_t start, std::uint32_t end);

}  // namespace naru::tcp
