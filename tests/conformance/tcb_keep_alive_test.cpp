// Keep-alive (RFC 9293 3.8.4).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class KeepAlive : public SequenceTest {
 protected:
  // Idle 10 s, then every 3 s, five times.
  Socket connect() {
    Socket socket = establish();
    Socket::must(socket.set(SocketOption::keep_alive, 1));
    Socket::must(socket.set(SocketOption::keep_idle, 10));
    Socket::must(socket.set(SocketOption::keep_interval, 3));
    Socket::must(socket.set(SocketOption::keep_count, 5));
    return socket;
  }
  // RFC 9293 3.8.4: below what the peer expects, so that it must answer.
  Segment probe() const { return tcp().ack().seq(peer.rcv_nxt() - 1).length(0); }
};
NARU_ALL_NUMBERINGS(KeepAlive);

TEST_P(KeepAlive, IsOffWhereNobodyAsksForIt) {
  NARU_CHECKS("TCB-039");
  Socket socket = establish();
  EXPECT_EQ(socket.get(SocketOption::keep_alive), 0);
  peer.expect_silence(std::chrono::hours(240));
  EXPECT_EQ(socket.state(), TcpState::established);
}

TEST_P(KeepAlive, BelongsToOneConnection) {
  NARU_CHECKS("TCB-039");
  Socket socket = connect();
  Peer other(wire, ip4("10.0.0.3"), 50'000);
  test::establish(other);
  peer.expect_between(9s, 11s, probe());
  peer.inject(tcp().ack());
  other.expect_silence();
  Socket::must(socket.set(SocketOption::keep_alive, 0));
  wire.advance(std::chrono::hours(240));
  peer.expect_silence();
  other.expect_silence();
}

// What a listener has set, its connections have.
TEST_P(KeepAlive, IsInherited) {
  NARU_CHECKS("TCB-039");
  Peer other(wire, ip4("10.0.0.3"), 50'000, 81);
  Socket listener = wire.listener(81);
  Socket::must(listener.set(SocketOption::keep_alive, 1));
  Socket::must(listener.set(SocketOption::keep_idle, 7));
  Socket socket = test::establish(other);
  EXPECT_EQ(socket.get(SocketOption::keep_alive), 1);
  EXPECT_EQ(socket.get(SocketOption::keep_idle), 7);
  other.expect_after(7s, tcp().ack().seq(0).length(0));
}

TEST_P(KeepAlive, IsSilentWhileThePeerSends) {
  NARU_CHECKS("TCB-040");
  Socket socket = connect();
  for (int i = 0; i < 20; ++i) {
    wire.advance(9s);
    peer.expect_silence();
    peer.inject(tcp().ack().data("x"));
    wire.advance(500ms);
    peer.expect(tcp().ack().length(0).seq(1));
    socket.read();
  }
  peer.expect_after(9500ms, probe());
  peer.inject(tcp().ack());
}

TEST_P(KeepAlive, IsSilentWhileThePeerAcknowledges) {
  NARU_CHECKS("TCB-040");
  Socket socket = connect();
  for (int i = 0; i < 20; ++i) {
    wire.advance(9s);
    peer.expect_silence();
    socket.send_stream(10);
    peer.expect(tcp().ack().stream(10));
    peer.inject(tcp().ack());
  }
  peer.expect_after(10s, probe());
  peer.inject(tcp().ack());
}

// Data that is not acknowledged is sent again: that asks the same question.
TEST_P(KeepAlive, IsSilentWhileDataWaitsForItsAck) {
  NARU_CHECKS("TCB-040");
  Socket socket = connect();
  socket.send_stream(10);
  wire.advance(120s);
  for (const Seen& seen : peer.drain()) {
    EXPECT_EQ(seen.payload.size(), 10U);
    EXPECT_EQ(seen.seq, 1U);
  }
  EXPECT_EQ(socket.state(), TcpState::established);
  peer.inject(tcp().ack());
  peer.expect_after(10s, probe());
  peer.inject(tcp().ack());
}

TEST_P(KeepAlive, WaitsTwoHoursWhereNothingElseIsSaid) {
  NARU_CHECKS("TCB-041");
  Socket socket = establish();
  EXPECT_EQ(socket.get(SocketOption::keep_idle), 7200);
  Socket::must(socket.set(SocketOption::keep_alive, 1));
  peer.expect_silence(7199s);
  peer.expect_after(1s, probe());
  peer.inject(tcp().ack());
}

TEST_P(KeepAlive, WaitsAsLongAsTheProgramSays) {
  NARU_CHECKS("TCB-041");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::keep_alive, 1));
  for (const int seconds : {1, 60, 32'767}) {
    Socket::must(socket.set(SocketOption::keep_idle, seconds));
    EXPECT_EQ(socket.get(SocketOption::keep_idle), seconds);
    peer.inject(tcp().ack());
    peer.expect_after(std::chrono::seconds(seconds), probe());
    peer.inject(tcp().ack());
  }
  for (const int seconds : {0, -1, 32'768}) {
    EXPECT_EQ(socket.set(SocketOption::keep_idle, seconds).error(), Error::invalid);
  }
}

TEST_P(KeepAlive, TheStacksOptionIsTheDefault) {
  NARU_CHECKS("TCB-041");
  wire.set(Option::tcp_keepalive_idle, 50'000);
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::keep_alive, 1));
  peer.expect_after(50s, probe());
  peer.inject(tcp().ack());
}

TEST_P(KeepAlive, LostAnswersAreForgiven) {
  NARU_CHECKS("TCB-042");
  Socket socket = connect();
  for (int lost = 1; lost < 5; ++lost) {
    peer.expect_after(10s, probe());
    for (int i = 1; i <= lost; ++i) peer.expect_after(3s, probe());
    EXPECT_EQ(socket.state(), TcpState::established);
    peer.inject(tcp().ack());  // and all is forgotten
  }
  socket.send("alive");
  peer.expect(tcp().ack().data("alive"));
  peer.inject(tcp().ack());
}

TEST_P(KeepAlive, EndsAfterTheLastProbe) {
  NARU_CHECKS("TCB-042");
  Socket socket = connect();
  peer.expect_after(10s, probe());
  for (int i = 1; i < 5; ++i) peer.expect_after(3s, probe());
  EXPECT_EQ(socket.take_error(), Error::none);
  wire.advance(3s + 10ms);
  EXPECT_EQ(socket.state(), TcpState::closed);
  EXPECT_EQ(socket.readiness(),
            ready::kIn | ready::kOut | ready::kErr | ready::kHup | ready::kRdHup);
  socket.expect_recv(Error::timed_out);
  for (const Seen& seen : peer.drain()) EXPECT_TRUE(seen.has(wire::kRst));
  peer.expect_silence(600s);
}

// A peer that has forgotten the connection says so.
TEST_P(KeepAlive, EndsWithAReset) {
  NARU_CHECKS("TCB-042");
  Socket socket = connect();
  peer.expect_after(10s, probe());
  peer.inject(tcp().rst().seq(1));
  socket.expect_recv(Error::reset);
}

TEST_P(KeepAlive, IsBelowTheWindowAndEmpty) {
  NARU_CHECKS("TCB-043");
  Socket socket = connect();
  peer.expect_after(10s, tcp().no_psh().ack(1).seq(0).length(0));
  peer.inject(tcp().ack());
  socket.send_stream(500);
  peer.expect(tcp().ack().stream(500));
  peer.inject(tcp().ack().data("abc"));
  wire.advance(500ms);
  peer.drain();
  peer.expect_after(9500ms, tcp().no_psh().ack(4).seq(500).length(0));
  peer.inject(tcp().ack());
}

TEST_P(KeepAlive, OfThePeerIsAnswered) {
  NARU_CHECKS("TCB-043");
  Socket socket = establish();
  for (int i = 0; i < 3; ++i) {
    peer.inject(tcp().ack().seq(0));
    peer.expect(tcp().ack(1).seq(1).length(0));
    wire.advance(10s);
  }
  EXPECT_EQ(socket.state(), TcpState::established);
}

}  // namespace
}  // namespace naru::test
