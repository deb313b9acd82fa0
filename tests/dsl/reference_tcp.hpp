// A slow, small model of RFC 9293 3.10.7 and RFC 5961: what one segment does to one
// connection. It shares nothing with src/tcp, and does without buffers and timers.
//
// Where the standards leave a choice, this is naru's:
//   - SYN with FIN or RST makes no connection.
//   - An acknowledgement at or below the ISS is too old (RFC 5961 5, ghost ACKs).
//   - What lies behind the peer's FIN is ignored, and answered with an ACK.
//   - TIME-WAIT answers what takes sequence space; a SYN above RCV.NXT begins anew.
#pragma once

#include <cstdint>

#include <naru/config/socket_types.hpp>

namespace naru::test {

// The variables of RFC 9293 3.3.1, counted from the initial sequence numbers.
struct Tcb {
  TcpState state = TcpState::closed;
  bool listening = false;  // somebody listens on the local port
  std::uint32_t snd_una = 0;
  std::uint32_t snd_nxt = 0;
  std::uint32_t max_wnd = 65'535;
  std::uint32_t rcv_nxt = 0;
  std::uint32_t rcv_wnd = 65'535;
};

struct Arriving {
  std::uint8_t flags = 0;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint32_t length = 0;
};

struct Outcome {
  enum class Answer : std::uint8_t { none, ack, syn_ack, reset, reset_with_ack };

  Answer answer = Answer::none;
  std::uint32_t seq = 0;  // of the answer
  std::uint32_t ack = 0;
  TcpState next = TcpState::closed;
  bool changed = false;  // the connection is not what it was, even if its state is
};

Outcome react(const Tcb& tcb, const Arriving& segment);

}  // namespace naru::test
