// Urgent: the mark in the received stream (RFC 9293 3.8.5, RFC 6093).
//
//      position            rcv_up
//   read │ data before the mark │!│ data behind it
//
// The peer's pointer names the byte after the urgent one. As in Linux a program
// gets this byte by MSG_OOB and the stream goes on behind it, or it stands in the
// stream with SO_OOBINLINE. Either way a recv() ends at the mark, so that the
// program learns how much urgent data remains.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// The peer's pointer; `seq` is the segment's own number, before it was trimmed.
void take_urgent(Tcp& t, Connection& c, const Segment& s, std::uint32_t seq);
// The urgent byte comes in with this payload.
void catch_urgent_byte(Tcp& t, Connection& c, Flow& f, std::uint32_t seq, Bytes payload);

bool at_mark(const Connection& c, const Flow& f);
// 1 where the next byte of the queue is the urgent one, which recv() passes over.
std::uint32_t hidden(const Connection& c, const Flow& f);
// Bytes that one recv() may give: not beyond the urgent byte.
std::uint32_t readable_to_mark(const Connection& c, const Flow& f);
inline std::uint32_t readable(const Connection& c, const Flow& f) {
  return f.urgent == Urgent::none ? f.receive.size() : readable_to_mark(c, f);
}
// Before and after a recv() that takes bytes out of the queue.
void leave_mark(Tcp& t, Connection& c, Flow& f);
void pass_mark(const Connection& c, Flow& f);
// MSG_OOB.
Result<std::size_t> recv_urgent(const Connection& c, Flow* f, MutableBytes out, unsigned flags);
// POLLPRI: from the pointer's arrival on, as the program must hear of it at once.
bool is_urgent(const Connection& c, const Flow& f);

}  // namespace naru::tcp
