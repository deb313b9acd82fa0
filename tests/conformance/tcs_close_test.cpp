// The end of a connection: FIN in every state, orphans and half-closed ones
// (RFC 9293 3.6, 3.10.4, 3.10.7.4 eighth).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class Fin : public SequenceTest {};
NARU_ALL_NUMBERINGS(Fin);
class Close : public SequenceTest {};
NARU_ALL_NUMBERINGS(Close);
// No program holds a passive connection before its handshake is over.
class CloseActive : public SequenceTest {};
NARU_ACTIVE_NUMBERINGS(CloseActive);

TEST_P(Fin, ComesAfterAllData) {
  NARU_CHECKS("TCS-030");
  Socket socket = establish();
  peer.inject(tcp().fin().ack().seq(101).stream(50));
  peer.expect(tcp().ack(1).length(0));
  EXPECT_EQ(socket.state(), TcpState::established);
  peer.inject(tcp().ack().seq(1).stream(100));
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, 152U);
  EXPECT_EQ(socket.state(), TcpState::close_wait);
  socket.expect_stream(150);
  socket.expect_eof();
}

TEST_P(Fin, OutOfOrderAlone) {
  NARU_CHECKS("TCS-030");
  Socket socket = establish();
  peer.inject(tcp().fin().ack().seq(11));
  peer.expect(tcp().ack(1).length(0));
  EXPECT_EQ(socket.state(), TcpState::established);
  peer.inject(tcp().ack().seq(1).stream(10));
  peer.inject(tcp().fin().ack().seq(11));  // a receiver may have forgotten the first
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, 12U);
  socket.expect_stream(10);
  socket.expect_eof();
}

TEST_P(Fin, WithDataIsTakenAtOnce) {
  NARU_CHECKS("TCS-030");
  Socket socket = establish();
  peer.inject(tcp().fin().ack().stream(100));
  peer.expect(tcp().ack(102).length(0));
  EXPECT_EQ(socket.state(), TcpState::close_wait);
  socket.expect_stream(100);
  socket.expect_eof();
}

TEST_P(Fin, ComesAgainIsAcknowledgedAgain) {
  NARU_CHECKS("TCS-030");
  Socket socket = reach(TcpState::close_wait);
  for (int copy = 0; copy < 3; ++copy) {
    peer.inject(tcp().fin().ack().seq(1));
    peer.expect(tcp().ack(2).length(0));
    wire.advance(1s);
  }
  EXPECT_EQ(socket.state(), TcpState::close_wait);
}

TEST_P(Fin, IsTakenAtAClosedWindow) {
  NARU_CHECKS("TCS-030");
  wire.set(Option::tcp_receive_buffer_max, 4096);
  wire.set(Option::tcp_receive_buffer, 4096);
  Socket socket = establish();
  std::uint32_t room = 1;
  while (room != 0) {
    socket.send("?");
    const Seen seen = peer.drain().back();
    room = seen.window;
    peer.inject(tcp().seq(seen.ack).ack(seen.end()).stream(std::min(room, 1000U)));
  }
  wire.advance(500ms);
  peer.drain();
  peer.inject(tcp().fin().ack());
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, peer.snd_nxt());
  EXPECT_EQ(socket.state(), TcpState::close_wait);
  socket.read();
  socket.expect_eof();
}

TEST_P(CloseActive, InSynSentDeletes) {
  NARU_CHECKS("TCS-031");
  Socket socket = reach(TcpState::syn_sent);
  Socket::must(socket.close());
  peer.expect_silence(10s);
  EXPECT_EQ(wire.stack().usage().connections, 0U);
  peer.inject(tcp().syn().ack(1));
  peer.expect(tcp().rst().seq(1));
}

TEST_P(CloseActive, InSynReceivedSendsAFin) {
  NARU_CHECKS("TCS-031");
  Socket socket = reach(TcpState::syn_received);
  Socket::must(socket.close());
  peer.inject(tcp().ack(1));
  peer.expect_between(0s, 1010ms, tcp().fin().ack(1).seq(1));
  peer.inject(tcp().ack(2));
  peer.inject(tcp().fin().ack(2));
  peer.expect(tcp().ack(2).seq(2));
  EXPECT_EQ(wire.stack().usage().connections, 0U);
}

TEST_P(Close, WithQueuedDataSendsItAndThenTheFin) {
  NARU_CHECKS("TCS-031");
  peer.set_window(1000);
  Socket socket = establish();
  socket.send_stream(2500);
  Socket::must(socket.close());
  peer.expect(tcp().seq(1).stream(1000));
  peer.expect_silence();
  peer.inject(tcp().ack());
  peer.expect(tcp().seq(1001).ack().stream(1000));
  peer.inject(tcp().ack());
  peer.expect(tcp().seq(2001).fin().ack().stream(500));
  peer.inject(tcp().ack());
  peer.expect_silence();
  peer.inject(tcp().fin().ack());
  peer.expect(tcp().ack(2).seq(2502));
}

TEST_P(Close, HalfClosedInFinWait1StillReceives) {
  NARU_CHECKS("TCS-032");
  Socket socket = reach(TcpState::fin_wait_1);
  std::uint32_t seq = 1;
  for (int i = 0; i < 720; ++i, seq += 1460) {  // a megabyte
    peer.inject(tcp().seq(seq).ack(1).stream(1460));
    socket.expect_stream(1460);
  }
  EXPECT_EQ(socket.state(), TcpState::fin_wait_1);
  peer.inject(tcp().fin().seq(seq).ack(2));
  EXPECT_EQ(peer.drain().back().ack, seq + 1);
  socket.expect_eof();
}

TEST_P(Close, HalfClosedInFinWait2StillReceives) {
  NARU_CHECKS("TCS-032", "TCS-034");
  Socket socket = reach(TcpState::fin_wait_2);
  peer.expect_silence(600s);
  EXPECT_EQ(socket.state(), TcpState::fin_wait_2);
  peer.inject(tcp().ack().stream(1000));
  socket.expect_stream(1000);
  peer.inject(tcp().fin().ack());
  EXPECT_EQ(peer.drain().back().ack, 1002U);
  socket.expect_eof();
  EXPECT_EQ(wire.stack().usage().time_wait, 1U);
}

TEST_P(Close, AnOrphanInFinWait2IsBounded) {
  NARU_CHECKS("TCS-033");
  wire.set(Option::tcp_fin_timeout, 60'000);
  Socket socket = establish();
  Socket::must(socket.close());
  peer.expect(tcp().fin().ack());
  const std::uint32_t others = open() == Open::passive ? 1 : 0;
  peer.inject(tcp().ack());
  peer.expect_silence(59s);
  EXPECT_EQ(wire.stack().usage().connections + wire.stack().usage().time_wait, others + 1);
  peer.expect_silence(2s);
  EXPECT_EQ(wire.stack().usage().connections, others);
  EXPECT_EQ(wire.stack().usage().time_wait, 0U);
  peer.inject(tcp().ack().data("too late"));
  peer.expect(tcp().rst().seq(2));
}

TEST_P(Close, Linger2BoundsFinWait2) {
  NARU_CHECKS("TCS-033");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::linger2, 5));
  Socket::must(socket.close());
  peer.expect(tcp().fin().ack());
  peer.inject(tcp().ack());
  peer.expect_silence(4s);
  const std::uint32_t others = open() == Open::passive ? 1 : 0;
  EXPECT_EQ(wire.stack().usage().connections + wire.stack().usage().time_wait, others + 1);
  peer.expect_silence(2s);
  EXPECT_EQ(wire.stack().usage().connections + wire.stack().usage().time_wait, others);
}

TEST_P(Close, CrossingFinsEndInTimeWait) {
  NARU_CHECKS("TCS-035");
  Socket socket = reach(TcpState::closing);
  peer.expect_between(100ms, 3s, tcp().fin().ack(2).seq(1));  // sent again
  EXPECT_EQ(socket.state(), TcpState::closing);
  peer.inject(tcp().fin().ack(1).seq(1));  // the peer's comes again as well
  peer.expect(tcp().ack(2));
  peer.inject(tcp().ack(2).seq(2));
  peer.expect_silence(3s);
  EXPECT_EQ(wire.stack().usage().time_wait, 1U);
}

TEST_P(Close, InCloseWaitTheHostStillSends) {
  NARU_CHECKS("TCS-036");
  Socket socket = reach(TcpState::close_wait);
  socket.send_stream(3000);
  for (const std::uint32_t seq : {1U, 1461U}) {
    peer.expect(tcp().seq(seq).ack(2).stream(1460));
  }
  peer.expect(tcp().seq(2921).ack(2).stream(80));
  peer.inject(tcp().ack());
  Socket::must(socket.shutdown(Shutdown::send));
  peer.expect(tcp().fin().ack(2).seq(3001));
  EXPECT_EQ(socket.state(), TcpState::last_ack);
  peer.inject(tcp().ack());
  EXPECT_EQ(state_of(wire, socket), TcpState::closed);
}

TEST_P(Close, DataAfterTheFinIsIgnored) {
  NARU_CHECKS("TCS-036");
  Socket socket = reach(TcpState::close_wait);
  peer.inject(tcp().ack().seq(2).data("too much"));
  wire.advance(500ms);
  peer.expect(tcp().ack(2).length(0));
  socket.expect_eof();
  EXPECT_EQ(socket.state(), TcpState::close_wait);
}

TEST_P(Close, LastAckEndsWithTheAckOfTheFin) {
  NARU_CHECKS("TCS-037");
  Socket socket = reach(TcpState::last_ack);
  peer.inject(tcp().ack(1).seq(2));  // not of the FIN
  EXPECT_EQ(socket.state(), TcpState::last_ack);
  peer.inject(tcp().ack(2).seq(2));
  EXPECT_EQ(state_of(wire, socket), TcpState::closed);
  peer.expect_silence(3s);
  EXPECT_EQ(wire.stack().usage().time_wait, 0U);
}

TEST_P(Close, LastAckIsBounded) {
  NARU_CHECKS("TCS-037");
  Socket socket = reach(TcpState::last_ack);
  Socket::must(socket.close());
  wire.advance(std::chrono::minutes(20));
  const std::vector<Seen> repeats = peer.drain();
  EXPECT_GE(repeats.size(), 3U);
  for (const Seen& seen : repeats) EXPECT_TRUE(seen.has(wire::kFin) || seen.has(wire::kRst));
  EXPECT_EQ(wire.stack().usage().connections, open() == Open::passive ? 1U : 0U);
  peer.expect_silence(600s);
}

}  // namespace
}  // namespace naru::test
