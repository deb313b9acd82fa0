// Sending at once, in full segments, with PSH on the last (RFC 9293 3.9.1.2), and what
// was chosen among the optional items (docs/tcp-choices.md).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class Push : public SequenceTest {};
NARU_ALL_NUMBERINGS(Push);

TEST_P(Push, IsOnTheLastSegmentOfWhatIsQueued) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  socket.send_stream(3000);
  peer.expect(tcp().no_psh().ack().seq(1).stream(1460));
  peer.expect(tcp().no_psh().ack().seq(1461).stream(1460));
  peer.expect(tcp().psh().ack().seq(2921).stream(80));
  peer.inject(tcp().ack());
  socket.send_stream(1460);
  peer.expect(tcp().psh().ack().seq(3001).stream(1460));
  peer.inject(tcp().ack());
}

// What the windows do not let out yet is not the last.
TEST_P(Push, WaitsForTheRestOfTheQueue) {
  NARU_CHECKS("TCB-068");
  peer.set_window(2920);
  Socket socket = establish();
  socket.send_stream(3500);
  peer.expect(tcp().no_psh().ack().seq(1).stream(1460));
  peer.expect(tcp().no_psh().ack().seq(1461).stream(1460));
  peer.expect_silence();
  peer.inject(tcp().ack());
  peer.expect(tcp().psh().ack().seq(2921).stream(580));
  peer.inject(tcp().ack());
}

TEST_P(Push, IsOnARetransmissionOfTheLastToo) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  socket.send_stream(100);
  peer.expect(tcp().psh().ack().seq(1).stream(100));
  peer.expect_between(100ms, 1s, tcp().psh().ack().seq(1).stream(100));
  peer.inject(tcp().ack());
}

// Writes that do not end a segment make full ones together.
TEST_P(Push, SmallWritesFillSegments) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  socket.send_stream(10);
  peer.expect(tcp().ack().seq(1).stream(10));
  for (int i = 0; i < 40; ++i) socket.send_stream(100);
  peer.expect(tcp().ack().seq(11).stream(1460));
  peer.expect(tcp().ack().seq(1471).stream(1460));
  peer.expect_silence(50ms);
  peer.inject(tcp().ack());
  peer.expect(tcp().psh().ack().seq(2931).stream(1080));
  peer.inject(tcp().ack());
}

// A write that can go, goes: nothing is kept for a better moment.
TEST_P(Push, NothingWaitsWithoutAReason) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  for (std::uint32_t i = 0; i < 5; ++i) {
    socket.send_stream(7);
    peer.expect(tcp().psh().ack().seq(1 + 7 * i).stream(7));
    peer.inject(tcp().ack());
    wire.advance(10s);
  }
}

// Received data can be read whether it came with PSH or not (MAY-17).
TEST_P(Push, IsNotWaitedForByTheReceiver) {
  NARU_CHECKS("TCB-068", "TCB-080");
  Socket socket = establish();
  peer.inject(tcp().ack().data("no push"));
  EXPECT_TRUE(socket.is_ready(ready::kIn));
  socket.expect_read("no push");
  peer.drain();
}

class Choices : public SequenceTest {};
NARU_ALL_NUMBERINGS(Choices);

TEST_P(Choices, AKeepAliveCarriesNoOctet) {
  NARU_CHECKS("TCB-080");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::keep_alive, 1));
  Socket::must(socket.set(SocketOption::keep_idle, 5));
  peer.expect_after(5s, tcp().ack(1).seq(0).length(0));
  peer.inject(tcp().ack());
}

// But one that carries an octet of garbage is understood (RFC 9293 3.8.4).
TEST_P(Choices, AKeepAliveWithAnOctetIsAnswered) {
  NARU_CHECKS("TCB-080");
  Socket socket = establish();
  peer.inject(tcp().ack().seq(1).data("abc"));
  socket.expect_read("abc");
  wire.advance(500ms);
  peer.drain();
  peer.inject(tcp().ack().seq(3).data("?"));
  peer.expect(tcp().ack(4).length(0));
  socket.expect_nothing();
}

// There is no FLUSH: what was written is sent, whatever comes after it.
TEST_P(Choices, WhatIsQueuedCannotBeTakenBack) {
  NARU_CHECKS("TCB-080");
  peer.set_window(10);
  Socket socket = establish();
  socket.send_stream(30);
  peer.expect(tcp().ack().seq(1).stream(10));
  Socket::must(socket.shutdown(Shutdown::receive));
  peer.inject(tcp().ack().window(100));
  peer.expect(tcp().ack().seq(11).stream(20));
  peer.inject(tcp().ack());
}

// ECN is not negotiated: neither offered nor agreed to.
TEST_P(Choices, EcnIsNotNegotiated) {
  NARU_CHECKS("TCB-080");
  Socket socket;
  if (open() == Open::active) {
    socket = reach(TcpState::syn_sent);  // its SYN has no other flags
    peer.inject(plain_syn().syn().ack().ece());
    peer.expect(tcp().ack(1));
  } else {
    wire.listener();
    peer.inject(plain_syn().syn().ece().cwr());
    peer.expect(tcp().syn().ack(1).tos(0));
    peer.inject(tcp().ack());
    socket = wire.listener().accept();
  }
  socket.send("data");
  peer.expect(tcp().psh().ack().tos(0).data("data"));
  peer.inject(tcp().ack().data("data").tos(3));  // CE
  wire.advance(500ms);
  peer.expect(tcp().ack(5).length(0));
}

// Data on a SYN is not kept: the peer sends it again (RFC 9293 3.10.7.2 allows either).
class PassiveChoices : public StackTest {};

TEST_F(PassiveChoices, DataOnASynIsNotAcknowledged) {
  NARU_CHECKS("TCB-080");
  wire.listener();
  peer.inject(plain_syn().syn().data("early"));
  peer.expect(tcp().syn().ack(1));
  peer.inject(tcp().ack().seq(1).data("early"));
  Socket socket = wire.listener().accept();
  socket.expect_read("early");
  wire.advance(500ms);
  peer.expect(tcp().ack(6));
}

}  // namespace
}  // namespace naru::test
