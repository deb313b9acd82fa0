// The retransmission timer and what is sent when it fires (RFC 9293 3.8.1, 3.8.2, RFC
// 6298, RFC 5681).

#include <algorithm>
#include <cmath>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

// RFC 6298 2 in floating point. Its 2.4 asks for at least a second; naru documents
// 200 ms for the variance term instead (docs/tcp-choices.md).
class Rfc6298 {
 public:
  void sample(double ms) {
    if (srtt_ == 0) {
      srtt_ = ms;
      rttvar_ = ms / 2;
    } else {
      rttvar_ = 0.75 * rttvar_ + 0.25 * std::abs(srtt_ - ms);
      srtt_ = 0.875 * srtt_ + 0.125 * ms;
    }
  }
  double rto() const { return srtt_ + std::max(200.0, 4 * rttvar_); }

 private:
  double srtt_ = 0;
  double rttvar_ = 0;
};

class Rto : public SequenceTest {
 protected:
  // A handshake that takes `rtt`.
  Socket connect(Duration rtt, Segment options = plain_syn()) {
    Socket socket;
    if (open() == Open::active) {
      socket = reach(TcpState::syn_sent);
      wire.advance(rtt);
      peer.inject(options.syn().ack());
      peer.expect(tcp().ack(1));
    } else {
      wire.listener();
      peer.inject(options.syn());
      peer.expect(tcp().syn().ack(1));
      wire.advance(rtt);
      peer.inject(tcp().ack());
      socket = wire.listener().accept();
    }
    return socket;
  }
  static double rto_of(const Socket& socket) { return Milliseconds(socket.info().rto).count(); }
  // A segment and its acknowledgement after `rtt`.
  void exchange(Socket& socket, Duration rtt) {
    socket.send_stream(10);
    peer.expect(tcp().ack().length(10));
    wire.advance(rtt);
    peer.inject(tcp().ack());
  }
};
NARU_ALL_NUMBERINGS(Rto);

TEST_P(Rto, FollowsRfc6298) {
  NARU_CHECKS("TCB-031");
  Rfc6298 expected;
  Socket socket = connect(400ms);
  expected.sample(400);
  EXPECT_NEAR(rto_of(socket), expected.rto(), 1);
  for (const int ms : {400, 500, 300, 450, 600, 90, 100, 100, 100, 100, 1, 1, 150, 250}) {
    ASSERT_LT(ms, expected.rto()) << "it would be sent again";
    exchange(socket, std::chrono::milliseconds(ms));
    expected.sample(ms);
    EXPECT_NEAR(rto_of(socket), expected.rto(), 1) << "after " << ms << " ms";
  }
  socket.send_stream(10);
  peer.expect(tcp().ack().length(10));
  const auto rto = std::chrono::duration_cast<Duration>(Milliseconds(expected.rto()));
  peer.expect_after(rto, tcp().ack().length(10));
  peer.inject(tcp().ack());
}

TEST_P(Rto, DoublesAndHasALimit) {
  NARU_CHECKS("TCB-032");
  Socket socket = connect(400ms);
  socket.send_stream(10);
  peer.expect(tcp().ack().seq(1).stream(10));
  Duration rto = 1200ms;
  for (int i = 0; i < 12; ++i) {
    peer.expect_after(rto, tcp().ack().seq(1).stream(10));
    rto = std::min<Duration>(2 * rto, 120s);
  }
  peer.inject(tcp().ack());
  peer.expect_silence(300s);
}

// Karn: nobody knows which of the two was acknowledged.
TEST_P(Rto, TakesNoSampleOfWhatWasSentTwice) {
  NARU_CHECKS("TCB-031");
  Socket socket = connect(400ms);
  const Duration srtt = socket.info().srtt;
  socket.send_stream(10);
  peer.expect(tcp().ack().length(10));
  peer.expect_after(1200ms, tcp().ack().length(10));
  wire.advance(10ms);
  peer.inject(tcp().ack());
  EXPECT_EQ(socket.info().srtt, srtt);

  // The longer timer stays until a segment that was sent once is acknowledged.
  socket.send_stream(10);
  peer.expect(tcp().ack().length(10));
  peer.expect_after(2400ms, tcp().ack().length(10));
  peer.inject(tcp().ack());
  EXPECT_EQ(socket.info().srtt, srtt);
  exchange(socket, 400ms);
  EXPECT_NEAR(rto_of(socket), 400 + 4 * 150, 1);
}

TEST_P(Rto, TakesNoSampleFromAnAckThatCoversARetransmission) {
  NARU_CHECKS("TCB-031");
  Socket socket = connect(400ms);
  const Duration srtt = socket.info().srtt;
  socket.send_stream(3 * 1460);
  EXPECT_EQ(peer.drain().size(), 3U);
  peer.expect_between(1190ms, 1210ms, tcp().ack().seq(1).stream(1460));
  peer.inject(tcp().ack(1 + 3 * 1460));
  EXPECT_EQ(socket.info().srtt, srtt);
  peer.drain();
}

// A timestamp tells which one it was (RFC 7323 4.1).
TEST_P(Rto, TakesASampleFromATimestamp) {
  NARU_CHECKS("TCB-031");
  Socket socket = connect(400ms, plain_syn().ts(1));
  socket.send_stream(10);
  peer.expect(tcp().ack().length(10));
  const Seen again = peer.expect_after(1200ms, tcp().ack().length(10));
  wire.advance(100ms);
  peer.inject(tcp().ack().ts(2, again.options.timestamps->value));
  EXPECT_NEAR(Milliseconds(socket.info().srtt).count(), 0.875 * 400 + 0.125 * 100, 2);
}

// RFC 6298 5.3: every ACK of new data starts it again; 5.2: the last one stops it.
TEST_P(Rto, StartsAgainWithEveryAck) {
  NARU_CHECKS("TCB-031");
  Socket socket = connect(400ms);
  socket.send_stream(2 * 1460);
  EXPECT_EQ(peer.drain().size(), 2U);
  wire.advance(400ms);
  peer.inject(tcp().ack(1461));
  const double rto = rto_of(socket);
  peer.expect_after(std::chrono::duration_cast<Duration>(Milliseconds(rto)),
                    tcp().ack().seq(1461).stream(1460));
  peer.inject(tcp().ack());
  peer.expect_silence(300s);
}

TEST_P(Rto, IsThreeSecondsAfterALostSyn) {
  NARU_CHECKS("TCB-031");
  if (open() == Open::active) {
    Socket socket = reach(TcpState::syn_sent);
    peer.expect_after(1s, tcp().syn());
    peer.inject(plain_syn().syn().ack());
    peer.expect(tcp().ack(1));
    socket.send_stream(10);
  } else {
    wire.listener();
    peer.inject(plain_syn().syn());
    peer.expect(tcp().syn().ack(1));
    peer.expect_after(1s, tcp().syn().ack(1));
    peer.inject(tcp().ack());
    wire.listener().accept().send_stream(10);
  }
  peer.expect(tcp().ack().length(10));
  peer.expect_after(3s, tcp().ack().length(10));  // RFC 6298 5.7
  peer.inject(tcp().ack());
}

// --- what the timer and the acknowledgements do to the window -------------------------

class Congestion : public SequenceTest {
 protected:
  void SetUp() override {
    SequenceTest::SetUp();
    wire.set(Option::tcp_congestion_control, kCongestionNewReno);
    wire.set(Option::tcp_initial_window, 4);
    wire.set(Option::tcp_send_buffer, 1'000'000);
  }
  // The data segments that the host has sent, and counted as received by the peer.
  std::size_t flight() {
    std::size_t n = 0;
    for (const Seen& seen : peer.drain()) n += seen.payload.empty() ? 0 : 1;
    return n;
  }
};
NARU_ALL_NUMBERINGS(Congestion);

TEST_P(Congestion, StartsSlowly) {
  NARU_CHECKS("TCB-032");
  Socket socket = establish();
  socket.send_stream(200'000);
  std::uint32_t acked = 1;
  std::size_t sent = flight();
  EXPECT_EQ(sent, 4U);
  for (int round = 0; round < 3; ++round) {  // each ACK of a segment lets two more go
    std::size_t next = 0;
    for (std::size_t i = 0; i < sent; ++i) {
      wire.advance(10ms);
      peer.inject(tcp().ack(acked += 1460));
      const std::size_t now = flight();
      EXPECT_EQ(now, 2U);
      next += now;
    }
    EXPECT_EQ(next, 2 * sent);
    sent = next;
  }
}

TEST_P(Congestion, AvoidsWhatWasTooMuch) {
  NARU_CHECKS("TCB-032");
  Socket socket = establish();
  socket.send_stream(400'000);
  std::uint32_t acked = 1;
  for (std::size_t sent = flight(), i = 0; i < 12; ++i) {
    peer.inject(tcp().ack(acked += 1460));
    sent += flight();
  }
  const std::uint32_t before = socket.info().cwnd;
  EXPECT_EQ(before, 4U + 12);
  const std::uint32_t recover = peer.rcv_nxt();

  // Three duplicates: RFC 5681 3.2, with half of the flight as the new threshold.
  for (int i = 0; i < 3; ++i) peer.inject(tcp().ack(acked));
  EXPECT_EQ(socket.info().ssthresh, before / 2);
  const std::vector<Seen> sent = peer.drain();
  EXPECT_EQ(std::ranges::count(sent, acked, &Seen::seq), 1) << "sent again at once";
  peer.inject(tcp().ack(recover));
  EXPECT_EQ(socket.info().cwnd, before / 2);

  // From here one segment more in each round trip.
  acked = recover;
  flight();
  std::uint32_t cwnd = socket.info().cwnd;
  for (int round = 0; round < 3; ++round) {
    const std::uint32_t end = peer.rcv_nxt();
    while (acked != end) {
      peer.inject(tcp().ack(acked = std::min(acked + 1460, end)));
      flight();
    }
    EXPECT_NEAR(socket.info().cwnd, cwnd + 1, 1);
    cwnd = socket.info().cwnd;
  }
}

TEST_P(Congestion, StartsOverAfterATimeout) {
  NARU_CHECKS("TCB-032");
  Socket socket = establish();
  socket.send_stream(100'000);
  EXPECT_EQ(flight(), 4U);
  peer.expect_between(100ms, 1s, tcp().ack().seq(1).stream(1460));
  EXPECT_EQ(socket.info().cwnd, 1U);
  EXPECT_EQ(socket.info().ssthresh, 2U);
  peer.expect_silence(100ms);
  peer.inject(tcp().ack(1461));
  EXPECT_EQ(socket.info().cwnd, 2U);
  EXPECT_EQ(peer.drain().size(), 2U);
  peer.inject(tcp().ack(1 + 4 * 1460));
  peer.drain();
}

}  // namespace
}  // namespace naru::test
