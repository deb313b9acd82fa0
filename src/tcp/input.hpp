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
Drop on_unmatched(Tcp& t, Segment& s);  // LISTEN or CLOSED
Drop on_time_wait(Tcp& t, TimeWait& w, Segment& s);
Verdict on_syn_sent(Tcp& t, Connection& c, Segment& s);
Verdict on_syn_received_ack(Tcp& t, Connection& c, const Segment& s);

// --- predict.cpp ---
// The segment that an established connection expects (Van Jacobson's header prediction):
// next in order, nothing but ACK and PSH, no news apart from what it acknowledges
// and carries. True: it was taken, with the very functions that the general path
// calls. False: nothing was changed.
bool take_predicted(Tcp& t, Connection& c, Packet* packet, const wire::TcpView& view);

// --- ack.cpp ---
// What a segment says of the other direction.
struct AckNews {
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint32_t window = 0;  // scaled
  std::uint32_t echo = 0;    // TSecr; 0: none
};
void update_window(Tcp& t, Connection& c, Flow* f, const AckNews& news);
// snd.una moves up to news.ack, which lies in (snd.una, snd.nxt]; `sacked` bytes
// were newly reported by SACK.
void advance(Tcp& t, Connection& c, Flow& f, const AckNews& news, std::uint32_t sacked);
// Marks the connection where there is something to send.
void pursue(Tcp& t, Connection& c, const Flow& f);
// RFC 9293 3.10.7.4 fifth, RFC 5961 5.
Verdict check_ack(Tcp& t, Connection& c, const Segment& s);
void on_ack(Tcp& t, Connection& c, const Segment& s);
// The state changes that the ACK of our FIN brings.
Verdict on_fin_acked(Tcp& t, Connection& c);

// --- receive.cpp ---
Verdict take_data(Tcp& t, Connection& c, Segment& s);
// Buffers enough are left to let this one wait: for a hole to be filled, or in order
// for the program to read it.
bool may_keep(const Tcp& t, const Packet& packet, bool in_order);
// The next bytes in order, for a program that owns the connection or will.
void take_in_order(Tcp& t, Connection& c, Flow& f, Packet* payload);
Verdict take_fin(Tcp& t, Connection& c, const Segment& s);
// A duplicate arrived: to be reported once (RFC 2883).
void note_duplicate(Tcp& t, Connection& c, std::uint32_t start, std::uint32_t end);

}  // namespace naru::tcp
