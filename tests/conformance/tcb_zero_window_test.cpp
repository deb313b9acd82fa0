// A peer without room: probes, for as long as it answers (RFC 9293 3.8.6.1).

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class ZeroWindow : public SequenceTest {
 protected:
  // The peer has no room, and the host has these bytes to send.
  Socket close_window(std::size_t bytes = 1000, Segment options = plain_syn()) {
    Socket socket = establish(options);
    peer.inject(tcp().ack().window(0));
    socket.send_stream(bytes);
    peer.expect_silence();
    return socket;
  }
  // What a receiver with a closed window does (RFC 9293 3.10.7.4 first): it answers
  // what is not acceptable, and says nothing to an empty segment at its edge.
  bool answers(const Seen& seen) const {
    return seen.seq != peer.rcv_nxt() || !seen.payload.empty();
  }
};
NARU_ALL_NUMBERINGS(ZeroWindow);

TEST_P(ZeroWindow, IsProbed) {
  NARU_CHECKS("TCB-055");
  Socket socket = close_window();
  const Seen probe = peer.expect_between(10ms, 2s, tcp().ack());
  EXPECT_TRUE(answers(probe));
  EXPECT_LE(probe.payload.size(), 1U);
  peer.inject(tcp().ack(1).window(0));
  EXPECT_EQ(socket.state(), TcpState::established);
  peer.inject(tcp().ack(1).window(2000));
  peer.set_rcv_nxt(1);
  peer.expect(tcp().ack().seq(1).stream(1000));
  peer.inject(tcp().ack());
}

TEST_P(ZeroWindow, IsProbedAlsoWhenItClosesLater) {
  NARU_CHECKS("TCB-055");
  peer.set_window(3000);
  Socket socket = establish();
  socket.send_stream(5000);
  EXPECT_EQ(peer.drain().size(), 2U);
  peer.inject(tcp().ack(2921).window(0));
  peer.expect_between(10ms, 2s, tcp().ack());
  EXPECT_EQ(socket.info().probes + socket.info().retransmits, 1);
  peer.inject(tcp().ack(2921).window(0));
}

TEST_P(ZeroWindow, IsNotProbedWithNothingToSend) {
  NARU_CHECKS("TCB-055");
  Socket socket = establish();
  peer.inject(tcp().ack().window(0));
  peer.expect_silence(std::chrono::hours(10));
  EXPECT_EQ(socket.state(), TcpState::established);
}

// Ten days.
TEST_P(ZeroWindow, IsEnduredAsLongAsThePeerAnswers) {
  NARU_CHECKS("TCB-056");
  Socket socket = close_window();
  const Time end = wire.now() + std::chrono::hours(240);
  std::size_t probes = 0;
  while (wire.step(end)) {
    for (const Seen& probe : peer.drain()) {
      ASSERT_TRUE(answers(probe));
      peer.inject(tcp().ack(1).window(0));
      ++probes;
    }
  }
  EXPECT_GE(probes, 240U * 3600 / 120) << "at least every two minutes";
  EXPECT_EQ(socket.state(), TcpState::established);
  EXPECT_EQ(socket.take_error(), Error::none);
  EXPECT_EQ(socket.readiness(), ready::kOut);
  peer.inject(tcp().ack(1).window(2000));
  peer.set_rcv_nxt(1);
  peer.expect(tcp().ack().seq(1).stream(1000));
  peer.inject(tcp().ack());
}

// But not for ever where nobody answers.
TEST_P(ZeroWindow, IsGivenUpWhenThePeerIsSilent) {
  NARU_CHECKS("TCB-056");
  Socket socket = close_window();
  const Time start = wire.now();
  while (!socket.is_ready(ready::kErr) && wire.step(start + std::chrono::hours(3))) {
  }
  EXPECT_GE(wire.now() - start, 100s);
  EXPECT_EQ(socket.take_error(), Error::timed_out);
  EXPECT_EQ(peer.drain().size(), 15U);
}

TEST_P(ZeroWindow, IsEnduredNoLongerThanTheProgramSays) {
  NARU_CHECKS("TCB-056");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::user_timeout, 60'000));
  peer.inject(tcp().ack().window(0));
  socket.send_stream(10);
  const Time start = wire.now();
  while (!socket.is_ready(ready::kErr) && wire.step(start + std::chrono::hours(3))) {
    for (const Seen& probe : peer.drain()) {
      if (!probe.has(wire::kRst)) peer.inject(tcp().ack(1).window(0));
    }
  }
  EXPECT_NEAR(std::chrono::duration<double>(wire.now() - start).count(), 60, 0.1);
  EXPECT_EQ(socket.take_error(), Error::timed_out);
}

TEST_P(ZeroWindow, IsProbedAfterTheRtoAndThenMoreAndMoreRarely) {
  NARU_CHECKS("TCB-057");
  Socket socket = establish();
  for (int i = 0; i < 20; ++i) {  // a round trip of 150 ms
    socket.send_stream(10);
    peer.expect(tcp().ack().length(10));
    wire.advance(150ms);
    peer.inject(tcp().ack());
  }
  const Duration rto = socket.info().rto;
  EXPECT_GE(rto, 300ms);
  peer.inject(tcp().ack().window(0));
  socket.send_stream(10);
  Duration wait = rto;
  for (int i = 0; i < 12; ++i) {
    peer.expect_after(wait, tcp().ack());
    peer.inject(tcp().ack(201).window(0));
    wait = std::min<Duration>(wait * 2, 120s);
  }
}

// The window opens and closes: the intervals begin anew.
TEST_P(ZeroWindow, IsProbedAnewEachTime) {
  NARU_CHECKS("TCB-057");
  Socket socket = close_window(100);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) {
      peer.expect_between(10ms, 10s, tcp().ack());
      peer.inject(tcp().ack().window(0));
    }
    peer.inject(tcp().ack().window(2000));
    peer.expect(tcp().ack().stream(100));
    peer.inject(tcp().ack().window(0));
    const Time closed = wire.now();
    socket.send_stream(100);
    peer.expect_between(10ms, 1s, tcp().ack());
    EXPECT_LE(wire.now() - closed, 500ms);
    peer.inject(tcp().ack().window(0));
  }
}

TEST_P(ZeroWindow, AProbeDemandsAnAnswer) {
  NARU_CHECKS("TCB-058");
  close_window();
  for (int i = 0; i < 8; ++i) {
    const Seen probe = peer.expect_between(10ms, 121s, tcp().ack());
    EXPECT_TRUE(answers(probe)) << "an empty segment in the window is answered by nobody";
    EXPECT_EQ(probe.payload, stream(probe.seq - 1, probe.payload.size()));
    peer.inject(tcp().ack(1).window(0));
  }
}

// The update that opens the window is lost: only the answer to a probe can tell.
TEST_P(ZeroWindow, ALostUpdateIsFound) {
  NARU_CHECKS("TCB-058");
  for (const Segment& options : {plain_syn(), plain_syn().ts(1).wscale(2)}) {
    close_window(5000, options);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(answers(peer.expect_between(10ms, 10s, tcp().ack())));
      peer.inject(tcp().ack(1).window(0));
    }
    // It is open now, and the peer has said so in vain.
    ASSERT_TRUE(answers(peer.expect_between(10ms, 10s, tcp().ack())));
    peer.set_rcv_nxt(1);
    peer.inject(tcp().ack(1).window(10'000));
    std::uint32_t next = 1;
    for (const Seen& seen : peer.drain()) {
      EXPECT_EQ(seen.seq, next);
      next = seen.end();
    }
    EXPECT_EQ(next, 5001U);
    peer.inject(tcp().ack());
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

}  // namespace
}  // namespace naru::test
