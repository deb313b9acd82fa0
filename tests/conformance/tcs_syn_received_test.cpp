// SYN-RECEIVED (RFC 9293 3.10.7.4) and SYN cookies.

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class SynReceived : public SequenceTest {
 protected:
  // Completes the handshake and gives the host's socket.
  Socket complete(Socket socket) {
    peer.inject(tcp().ack(1).seq(1));
    return open() == Open::passive ? wire.listener().accept() : socket;
  }
};
NARU_ALL_NUMBERINGS(SynReceived);

TEST_P(SynReceived, AnUnacceptableAckIsResetAndTheEntryKept) {
  NARU_CHECKS("TCS-011");
  Socket half = reach(TcpState::syn_received);
  for (const std::uint32_t ack : {0U, 2U, 0U - 100'000U, 0x8000'0000U}) {
    peer.inject(tcp().ack(ack).seq(1));
    peer.expect(tcp().rst().seq(ack));
  }
  EXPECT_EQ(complete(half).state(), TcpState::established);
  peer.expect_silence();
}

TEST_P(SynReceived, TheSynAckIsRepeatedAndThenGivenUp) {
  NARU_CHECKS("TCS-012");
  wire.set(Option::tcp_synack_retries, 5);
  wire.set(Option::tcp_syn_retries, 5);
  Socket half = reach(TcpState::syn_received);
  for (const Duration gap : {1s, 2s, 4s, 8s, 16s}) {
    peer.expect_after(gap, tcp().syn().seq(0).ack(1));
  }
  wire.advance(40s);
  peer.expect_silence();
  if (open() == Open::active) {
    EXPECT_EQ(half.take_error(), Error::timed_out);
  } else {
    EXPECT_EQ(wire.stack().usage().connections, 1U) << "the listener alone is left";
  }
}

TEST_P(SynReceived, ARepeatedSynIsAnsweredAndMakesNoSecondEntry) {
  NARU_CHECKS("TCS-013");
  Socket half = reach(TcpState::syn_received);
  const std::uint32_t before = wire.stack().usage().connections;
  wire.advance(600ms);
  for (int copy = 0; copy < 3; ++copy) peer.inject(tcp().syn().seq(0).mss(1460));
  const std::vector<Seen> answers = peer.drain();
  EXPECT_GE(answers.size(), 1U);
  EXPECT_LE(answers.size(), 3U);
  for (const Seen& answer : answers) {
    EXPECT_EQ(answer.flags, wire::kSyn | wire::kAck);
    EXPECT_EQ(answer.seq, 0U);
    EXPECT_EQ(answer.ack, 1U);
  }
  EXPECT_EQ(wire.stack().usage().connections, before);
  EXPECT_EQ(complete(half).state(), TcpState::established);
}

// RFC 5961 4.2: a challenge ACK, and the half-open connection stays.
TEST_P(SynReceived, AnotherSynInTheWindowIsChallenged) {
  NARU_CHECKS("TCS-014");
  Socket half = reach(TcpState::syn_received);
  peer.inject(tcp().syn().seq(1000).mss(1460));
  peer.expect(tcp().ack(1).seq(1).length(0));
  EXPECT_EQ(complete(half).state(), TcpState::established);
}

TEST_P(SynReceived, DataAndFinTogetherWithTheAckAreTaken) {
  NARU_CHECKS("TCS-015");
  Socket half = reach(TcpState::syn_received);
  peer.inject(tcp().fin().ack(1).seq(1).stream(100));
  Socket socket = open() == Open::passive ? wire.listener().accept() : half;
  peer.expect(tcp().ack(102).seq(1));
  EXPECT_EQ(socket.state(), TcpState::close_wait);
  socket.expect_stream(100);
  socket.expect_eof();
}

// MUST-11: who opened decides what the RST means.
TEST_P(SynReceived, AResetMeansRefusedOnlyToTheActiveSide) {
  NARU_CHECKS("TCB-016", "TCS-044");
  Socket half = reach(TcpState::syn_received);
  peer.inject(tcp().rst().seq(1));
  peer.expect_silence();
  if (open() == Open::active) {
    EXPECT_EQ(half.take_error(), Error::refused);
    return;
  }
  EXPECT_EQ(wire.listener().try_accept().error(), Error::would_block);
  EXPECT_EQ(wire.listener().take_error(), Error::none);
  EXPECT_EQ(wire.listener().state(), TcpState::listen);
  EXPECT_EQ(wire.stack().usage().connections, 1U);
}

struct Cookies : StackTest {
  void SetUp() override {
    wire.set(Option::tcp_syn_cookies, 2);
    wire.listener();
    peer.inject(tcp().syn().mss(1460));
    peer.expect(tcp().syn().seq(0).ack(1));
    ASSERT_EQ(wire.stack().usage().connections, 1U) << "nothing is kept for a cookie";
  }
};

TEST_F(Cookies, OnlyAnAckMakesAConnection) {
  NARU_CHECKS("TCS-016");
  for (Segment garbage : {tcp().rst().ack(1), tcp().syn().ack(1), tcp().rst().fin().ack(1),
                          tcp().syn().fin().ack(1), tcp().rst().syn().ack(1)}) {
    peer.inject(garbage.seq(1));
    for (const Seen& seen : peer.drain()) EXPECT_TRUE(seen.has(wire::kRst));
    EXPECT_EQ(wire.stack().usage().connections, 1U);
  }
  EXPECT_EQ(wire.listener().try_accept().error(), Error::would_block);
}

TEST_F(Cookies, AWrongCookieIsReset) {
  NARU_CHECKS("TCS-016");
  for (const std::uint32_t ack : {0U, 2U, 1U + (1U << 28U)}) {
    peer.inject(tcp().ack(ack).seq(1));
    peer.expect(tcp().rst().seq(ack));
  }
  peer.inject(tcp().ack(1).seq(2));  // the client's ISN is part of the cookie
  peer.expect(tcp().rst().seq(1));
  EXPECT_EQ(wire.stack().usage().connections, 1U);
}

TEST_F(Cookies, TheRightAckMakesOne) {
  NARU_CHECKS("TCS-016");
  peer.inject(tcp().ack(1).seq(1).stream(10));
  Socket server = wire.listener().accept();
  EXPECT_EQ(server.state(), TcpState::established);
  server.expect_stream(10);
  peer.drain();
}

}  // namespace
}  // namespace naru::test
