// Window: what the peer may send (RFC 9293 3.8.6.2.2), and how the buffers grow.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// Moves rcv.adv as far right as the buffer allows, avoiding silly windows, and
// returns the window field's value for a segment sent now. Never moves it left.
std::uint16_t advertise_window(Connection& c, const Flow* f, bool on_syn);
// The value that the peer was last told, without moving anything.
std::uint16_t current_window(const Connection& c);
// The program has read `n` bytes: grows the receive buffer when it keeps up with
// the peer, and owes an ACK when the window has opened enough to be news.
void on_read(Tcp& t, Connection& c, Flow& f, std::uint32_t n);
// cwnd has grown: the send buffer holds two windows, so that the program can fill
// one while the other flies.
void grow_send_buffer(const Tcp& t, Connection& c, const Flow& f);
// What send() would take now.
std::uint32_t send_space(const Connection& c, const Flow* f);
// Is it worth waking the program for? A third of the buffer is, as in Linux. Told as
// readiness, and as the event that follows a send() without room: both must agree.
bool has_send_space(const Connection& c, const Flow* f);
// The shift with which a window of the largest receive buffer fits 16 bits.
std::uint8_t window_shift(const Options& options);

}  // namespace naru::tcp
