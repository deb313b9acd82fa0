// Connections in every state of RFC 9293 3.3.2, by the way of either open.
//
//   Socket s = reach(peer, TcpState::fin_wait_2);
//   Socket s = establish(peer, Open::active, tcp().mss(1460).sack_ok());
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "dsl/peer.hpp"
#include "dsl/socket.hpp"

namespace naru::test {

// Who opened: passive, the peer; active, the host.
enum class Open : std::uint8_t { passive, active };

inline constexpr std::array kOpens{Open::passive, Open::active};
inline constexpr std::array kStates{
    TcpState::closed,      TcpState::listen,     TcpState::syn_sent,   TcpState::syn_received,
    TcpState::established, TcpState::fin_wait_1, TcpState::fin_wait_2, TcpState::close_wait,
    TcpState::closing,     TcpState::last_ack,   TcpState::time_wait,
};
// Those in which both sides know each other's sequence numbers (RFC 9293 3.10.7.4
// without SYN-RECEIVED and TIME-WAIT).
inline constexpr std::array kSynchronized{
    TcpState::established, TcpState::fin_wait_1, TcpState::fin_wait_2,
    TcpState::close_wait,  TcpState::closing,    TcpState::last_ack,
};

// As in the RFC ("SYN-SENT"), and for the names of parametrised tests ("SynSent").
std::string_view name_of(TcpState state);
std::string_view word_of(TcpState state);
std::string_view name_of(Open open);

// The peer's SYN where a test does not care: an MSS and nothing more, so that
// segments stay plain.
inline Segment plain_syn() { return tcp().mss(1460); }

// ESTABLISHED. For the passive open the host listens on the peer's host_port; for
// the active open it connects to the peer. `options` are those of the peer's SYN.
Socket establish(Peer& peer, Open open = Open::passive, Segment options = plain_syn());

// A connection in this state, with all that was sent on the way looked at:
//   closed         nothing was opened (the socket is fresh)
//   listen         the listener on the peer's host_port
//   syn_received   passive: no socket yet (SocketId{}); active: by simultaneous open
//   time_wait      after FINs in both directions, the host's first
Socket reach(Peer& peer, TcpState state, Open open = Open::passive, Segment options = plain_syn());

// The host's state by what tcp_info tells; closed when the socket is gone.
TcpState state_of(Wire& wire, const Socket& socket);

// The host's sequence numbers depend on its clock (RFC 6528 3). Lets time pass until
// the next connection of this kind between the same two endpoints starts at
// `target`, give or take 64. Active opens then come from kBoundPort.
inline constexpr std::uint16_t kBoundPort = 33'333;
void aim_iss(Peer& peer, Open open, std::uint32_t target);

}  // namespace naru::test
