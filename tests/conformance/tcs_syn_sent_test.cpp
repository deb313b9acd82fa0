// SYN-SENT (RFC 9293 3.10.7.3).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class SynSent : public SequenceTest {
 protected:
  Socket connect() { return test::reach(peer, TcpState::syn_sent); }
  void complete(const Socket& socket) {
    peer.inject(tcp().syn().ack(1).seq(0).mss(1460));
    peer.expect(tcp().ack(1).seq(1).length(0));
    EXPECT_EQ(socket.state(), TcpState::established);
  }
};

// Only active opens are in SYN-SENT.
INSTANTIATE_TEST_SUITE_P(All, SynSent, ::testing::ValuesIn(kNumberings + 3, std::end(kNumberings)),
                         name_of_case);

TEST_P(SynSent, AnUnacceptableAckIsReset) {
  NARU_CHECKS("TCS-005");
  Socket socket = connect();
  for (const std::uint32_t ack : {0U, 2U, 0U - 1000U, 0x8000'0000U}) {
    peer.inject(tcp().ack(ack).seq(77));
    peer.expect(tcp().rst().seq(ack));
    EXPECT_EQ(socket.state(), TcpState::syn_sent);
  }
  // The SYN comes again no later than its timer says.
  peer.expect_between(0s, 1010ms, tcp().syn().seq(0));
  complete(socket);
}

TEST_P(SynSent, AResetNeedsAnAcceptableAck) {
  NARU_CHECKS("TCS-006", "TCS-044");
  Socket socket = connect();
  for (const Segment& reset : {tcp().rst().seq(0), tcp().rst().seq(500), tcp().rst().ack(0),
                               tcp().rst().ack(2), tcp().rst().ack(0x8000'0001)}) {
    peer.inject(reset);
    peer.expect_silence();
    EXPECT_EQ(socket.state(), TcpState::syn_sent);
  }
  peer.inject(tcp().rst().ack(1).seq(0));
  peer.expect_silence();
  EXPECT_TRUE(socket.is_ready(ready::kErr));
  EXPECT_EQ(socket.take_error(), Error::refused);
  EXPECT_EQ(socket.take_error(), Error::none);
}

TEST_P(SynSent, FinOrDataWithoutSynIsDropped) {
  NARU_CHECKS("TCS-007");
  Socket socket = connect();
  for (Segment segment :
       {tcp().fin(), tcp().fin().ack(1), tcp().ack(1).data("data"), tcp().ack(1),
        tcp().psh().data("data"), tcp().fin().ack(1).data("data"), tcp().flags(0)}) {
    peer.inject(segment.seq(0));
    peer.expect_silence();
    EXPECT_EQ(socket.state(), TcpState::syn_sent);
  }
  complete(socket);
}

TEST_P(SynSent, ASynAloneOpensSimultaneously) {
  NARU_CHECKS("TCS-008", "TCB-015");
  Socket socket = connect();
  peer.inject(tcp().syn().mss(1460));
  peer.expect(tcp().syn().seq(0).ack(1));
  EXPECT_EQ(socket.state(), TcpState::syn_received);
  peer.inject(tcp().ack());
  EXPECT_EQ(socket.state(), TcpState::established);
  peer.expect_silence();
  peer.inject(tcp().ack().data("hello"));
  socket.expect_read("hello");
  peer.drain();
  EXPECT_EQ(wire.stack().usage().connections, 1U);
}

// Both ends answer the crossing SYN with a SYN-ACK (RFC 9293 3.5, figure 7).
TEST_P(SynSent, CrossingSynAcksOpenToo) {
  NARU_CHECKS("TCS-008", "TCB-015");
  Socket socket = connect();
  peer.inject(tcp().syn().mss(1460));
  peer.expect(tcp().syn().seq(0).ack(1));
  peer.inject(tcp().syn().seq(0).ack(1).mss(1460));
  EXPECT_EQ(socket.state(), TcpState::established);
  for (const Seen& seen : peer.drain()) EXPECT_EQ(seen.flags, wire::kAck);
  socket.send("hello");
  peer.expect(tcp().ack(1).seq(1).data("hello"));
}

TEST_P(SynSent, AWrongSynAckIsResetAndTheRightOneTaken) {
  NARU_CHECKS("TCS-009");
  Socket socket = connect();
  peer.inject(tcp().syn().ack(2).seq(5000));
  peer.expect(tcp().rst().seq(2));
  EXPECT_EQ(socket.state(), TcpState::syn_sent);
  complete(socket);
}

TEST_P(SynSent, DataOnASynAckIsNotLost) {
  NARU_CHECKS("TCS-010");
  Socket socket = connect();
  peer.inject(tcp().syn().ack(1).mss(1460).data(stream(0, 10)));
  const Seen ack = peer.expect(tcp().ack().seq(1).length(0));
  EXPECT_EQ(socket.state(), TcpState::established);
  if (ack.ack == 1) peer.inject(tcp().seq(1).ack().stream(10));  // not kept: it comes again
  socket.expect_stream(10);
  peer.drain();
}

}  // namespace
}  // namespace naru::test
