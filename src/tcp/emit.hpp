// Emit: a decision of output as bytes of a TCP header.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// What next_segment decided to send.
struct Outgoing {
  std::uint32_t seq = 0;
  std::uint8_t flags = 0;
  std::uint32_t offset = 0;  // of the payload in the send queue
  std::uint32_t length = 0;
};

// The header sizes that follow from what was negotiated.
std::uint32_t data_options_size(const Connection& c);
// Payload of a full segment on this path (RFC 9293 3.7.1): min(peer's MSS, MTU -
// headers), less the options of every data segment.
std::uint16_t effective_mss(const Tcp& t, const Connection& c, std::uint32_t mtu);
// The MSS option for our SYN: what we can receive, whatever options are in use.
std::uint16_t advertised_mss(const Tcp& t, const Connection& c, std::uint32_t mtu);

// Header, options and payload references. Also what sending implies: rcv.adv,
// Last.ACK.sent, owed ACKs.
void emit(Tcp& t, Connection& c, const PathLimits& limits, const Outgoing& out, TxFrame& frame);

}  // namespace naru::tcp
