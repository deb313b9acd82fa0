// Windows from both sides (RFC 9293 3.8.6): large, shrinking, closed and silly ones.

#include <algorithm>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct SendWindow : StackTest {
  std::uint32_t drain_bytes() {
    std::uint32_t sum = 0;
    for (const Seen& seen : peer.drain()) sum += static_cast<std::uint32_t>(seen.payload.size());
    return sum;
  }
};
struct ZeroWindow : StackTest {};
struct ReceiveWindow : StackTest {};

TEST_F(SendWindow, IsUnsigned) {
  NARU_CHECKS("TCB-001");
  wire.set(Option::tcp_initial_window, 100);
  wire.set(Option::tcp_send_buffer, 256 * 1024);
  std::uint16_t port = 41'000;
  for (const std::uint16_t window : {0x7fff, 0x8000, 0x8001, 0xc000, 0xffff}) {
    peer.restart(++port);
    peer.set_window(window);
    Socket socket = establish(peer);
    socket.send_stream(100'000);
    const std::uint32_t flight = drain_bytes();
    EXPECT_LE(flight, window);
    EXPECT_GT(flight + 1460, window);
    Socket::must(socket.abort());
    peer.drain();
  }
}

TEST_F(SendWindow, OfAGigabyteIsKept) {
  NARU_CHECKS("TCB-002");
  Socket socket = establish(peer, Open::passive, plain_syn().wscale(14));
  peer.inject(tcp().ack().window(0xffff));
  EXPECT_EQ(socket.info().send_window, 0xffffU << 14U);
  socket.send_stream(14'600);
  EXPECT_EQ(drain_bytes(), 14'600U);
  peer.inject(tcp().ack().window(0xffff));
  EXPECT_EQ(socket.info().send_window, 0xffffU << 14U);
}

// SHLD-15 to 18: the peer takes back a part of the window that is already in use.
struct ShrunkWindow : StackTest {
  void SetUp() override {
    wire.set(Option::tcp_initial_window, 20);
    peer.set_window(20'000);
    socket = establish(peer);
    socket.send_stream(10'220);
    ASSERT_EQ(peer.drain().size(), 7U);
    socket.send_stream(20'000);
    peer.drain();
    sent = peer.rcv_nxt();
    ASSERT_GT(sent, 15'000U);
    peer.inject(tcp().ack(1461).window(3000));
  }
  Socket socket;
  std::uint32_t sent = 0;
};

TEST_F(ShrunkWindow, StopsNewData) {
  NARU_CHECKS("TCB-051", "TCB-052");
  peer.expect_silence();
  for (const std::uint16_t window : {2999, 1000, 1, 0}) {
    peer.inject(tcp().ack(1461).window(window));
    for (const Seen& seen : peer.drain()) EXPECT_LE(seen.end(), sent) << "nothing new";
  }
  wire.advance(10s);
  for (const Seen& seen : peer.drain()) EXPECT_LE(seen.end(), sent);
  EXPECT_EQ(socket.state(), TcpState::established);
}

TEST_F(ShrunkWindow, DoesNotStopRetransmissionsInsideIt) {
  NARU_CHECKS("TCB-053");
  const Seen again = peer.expect_between(0s, 3s, tcp().ack().seq(1461));
  EXPECT_GT(again.payload.size(), 0U);
}

TEST_F(ShrunkWindow, IsNoReasonToGiveUp) {
  NARU_CHECKS("TCB-054");
  peer.inject(tcp().ack(1461).window(1000));
  for (int i = 0; i < 60; ++i) {
    wire.advance(60s);
    if (!peer.drain().empty()) peer.inject(tcp().ack(1461).window(0));
  }
  EXPECT_EQ(socket.state(), TcpState::established);
  peer.inject(tcp().ack(1461).window(60'000));
  for (int i = 0; i < 100 && peer.rcv_nxt() < 30'221; ++i) {
    wire.advance(5s);
    peer.drain();
    peer.inject(tcp().ack().window(60'000));
  }
  EXPECT_EQ(peer.rcv_nxt(), 30'221U) << "all of it arrived";
}

TEST_F(ShrunkWindow, ThatGrowsAgainIsUsed) {
  NARU_CHECKS("TCB-051");
  peer.inject(tcp().ack(sent).window(60'000));
  std::uint32_t next = sent;
  for (const Seen& seen : peer.drain()) {
    EXPECT_EQ(seen.seq, next);
    next = seen.end();
  }
  EXPECT_GT(next, sent);
}

// A probe has to be answered: it carries a byte of new data, or a number that was
// acknowledged before (RFC 9293 3.8.6.1, gVisor 10243).
void expect_probe(const Seen& seen, std::uint32_t una) {
  const bool old_number = seen.payload.empty() && seen.seq == una - 1;
  const bool one_byte = seen.payload.size() == 1 && seen.seq == una;
  EXPECT_TRUE(old_number || one_byte)
      << "seq " << seen.seq << " length " << seen.payload.size() << " is no probe";
}

TEST_F(ZeroWindow, IsProbedMoreAndMoreSlowly) {
  NARU_CHECKS("TCB-055", "TCB-057", "TCB-058");
  Socket socket = establish(peer);
  peer.inject(tcp().ack().window(0));
  socket.send_stream(5000);
  peer.expect_silence();
  Time last = wire.now();
  Duration gap = 0s;
  for (int i = 0; i < 15; ++i) {
    const Seen probe = peer.expect_between(0s, 130s, tcp().ack());
    expect_probe(probe, 1);
    const Duration next = probe.at - last;
    if (i == 0) {
      EXPECT_GE(next, 200ms) << "not before the retransmission timeout";
      EXPECT_LE(next, 1010ms);
    } else if (gap < 60s) {
      EXPECT_GE(next, gap * 19 / 10);
      EXPECT_LE(next, gap * 21 / 10);
    }
    EXPECT_LE(next, 121s);
    gap = next;
    last = probe.at;
    peer.inject(tcp().ack(1).window(0));
  }
  EXPECT_GE(gap, 60s) << "the interval grows up to a minute or two";
}

TEST_F(ZeroWindow, StaysOpenAsLongAsProbesAreAnswered) {
  NARU_CHECKS("TCB-056");
  Socket socket = establish(peer);
  peer.inject(tcp().ack().window(0));
  socket.send_stream(5000);
  for (const Time end = wire.now() + std::chrono::hours(240); wire.now() < end;) {
    peer.expect_between(0s, 130s, tcp().ack());
    peer.inject(tcp().ack(1).window(0));
  }
  EXPECT_EQ(socket.state(), TcpState::established);
  EXPECT_EQ(socket.take_error(), Error::none);
  peer.inject(tcp().ack(1).window(10'000));
  peer.expect(tcp().seq(1).stream(1460));
  peer.drain();
}

TEST_F(ZeroWindow, FindsOutThatItOpenedWhenTheNewsWasLost) {
  NARU_CHECKS("TCB-055", "TCB-058");
  Socket socket = establish(peer);
  peer.inject(tcp().ack().window(0));
  socket.send_stream(1000);
  expect_probe(peer.expect_between(0s, 2s, tcp().ack()), 1);
  peer.inject(tcp().ack(1).window(10'000));  // as the peer answers any probe
  peer.expect_between(0s, 2s, tcp().seq(1).stream(1000));
}

TEST_F(ZeroWindow, IsGivenUpWhenNobodyAnswers) {
  NARU_CHECKS("TCB-034");
  Socket socket = establish(peer);
  peer.inject(tcp().ack().window(0));
  socket.send_stream(1000);
  wire.advance(std::chrono::hours(1));
  peer.drain();
  EXPECT_EQ(socket.take_error(), Error::timed_out);
}

// SWS avoidance of the sender: a window that opens by a byte is no invitation.
TEST_F(SendWindow, OpenedByAByteBringsNoTinygrams) {
  NARU_CHECKS("TCB-059");
  peer.set_window(10'000);
  Socket socket = establish(peer);
  Socket::must(socket.set(SocketOption::no_delay, 1));
  socket.send_stream(10'000);
  peer.drain();
  peer.inject(tcp().ack().window(0));
  socket.send_stream(5000);
  for (std::uint16_t window = 1; window < 100; ++window) {
    peer.inject(tcp().ack().window(window));
    wire.advance(1ms);
  }
  EXPECT_EQ(drain_bytes(), 0U);
  peer.inject(tcp().ack().window(1460));
  peer.expect(tcp().stream(1460));
}

// A peer whose whole buffer is less than a segment gets its data all the same.
TEST_F(SendWindow, OfASmallBufferMakesProgress) {
  NARU_CHECKS("TCB-059");
  peer.set_window(100);
  Socket socket = establish(peer);
  socket.send_stream(2000);
  for (int i = 0; i < 200 && peer.rcv_nxt() < 2001; ++i) {
    if (peer.quiet()) wire.advance(1s);
    for (const Seen& seen : peer.drain()) EXPECT_LE(seen.payload.size(), 100U);
    peer.inject(tcp().ack());
  }
  EXPECT_EQ(peer.rcv_nxt(), 2001U);
}

// SWS avoidance of the receiver: the right edge moves by half the buffer or a segment.
TEST_F(ReceiveWindow, OpensInBigSteps) {
  NARU_CHECKS("TCB-060");
  wire.set(Option::tcp_receive_buffer, 8192);
  wire.set(Option::tcp_receive_buffer_max, 8192);
  Socket socket = establish(peer);
  std::uint32_t right = 0;
  while (true) {
    socket.send("?");
    const Seen seen = peer.drain().back();
    right = seen.ack + seen.window;
    if (seen.window == 0) break;
    peer.inject(
        tcp().seq(seen.ack).ack(seen.end()).stream(std::min<std::uint32_t>(seen.window, 1460)));
  }
  for (int i = 0; i < 4000; ++i) {
    std::uint8_t byte = 0;
    ASSERT_TRUE(socket.try_recv({&byte, 1}).has_value());
    for (const Seen& seen : peer.drain()) {
      const std::uint32_t edge = seen.ack + seen.window;
      EXPECT_TRUE(edge == right || edge - right >= 1460) << "moved by " << edge - right;
      right = edge;
    }
  }
}

TEST_F(ReceiveWindow, NeverShrinks) {
  NARU_CHECKS("TCB-050");
  Socket socket = establish(peer);
  std::uint32_t right = 0;
  std::uint32_t seq = 1;
  const auto look = [&] {
    for (const Seen& seen : peer.drain()) {
      const std::uint32_t edge = seen.ack + seen.window;
      EXPECT_GE(edge, right) << "the right edge moved left";
      right = edge;
    }
  };
  for (int i = 0; i < 30; ++i, seq += 1460) {
    peer.inject(tcp().ack().seq(seq).stream(1460));
    wire.advance(250ms);
    look();
    if (i == 5) Socket::must(socket.set(SocketOption::receive_buffer, 4096));
    look();
    if (i == 10) Socket::must(socket.set(SocketOption::receive_buffer, 2304));
    if (i % 3 == 0) socket.read(1000);
    look();
  }
  ASSERT_GE(right, 1U + 65'535U);
}

// The window scale cannot say every number: still no step to the left of what counts.
TEST_F(ReceiveWindow, NeverShrinksByMoreThanTheScaleRounds) {
  NARU_CHECKS("TCB-050");
  Socket socket = establish(peer, Open::passive, plain_syn().wscale(7));
  const std::uint32_t scale = socket.info().receive_scale;
  std::uint32_t right = 0;
  for (std::uint32_t seq = 1; seq < 50'000; seq += 777) {
    peer.inject(tcp().ack().seq(seq).stream(777));
    wire.advance(250ms);
    for (const Seen& seen : peer.drain()) {
      const std::uint32_t edge = seen.ack + (std::uint32_t{seen.window} << scale);
      EXPECT_GE(edge + (1U << scale), right);
      right = std::max(right, edge);
    }
  }
  socket.expect_stream(65 * 777);
  peer.drain();
}

// MUST-66: with no window at all, RST and URG still count.
TEST_F(ReceiveWindow, ThatIsClosedStillTakesResetAndUrgent) {
  NARU_CHECKS("TCB-079");
  wire.set(Option::tcp_receive_buffer, 4096);
  wire.set(Option::tcp_receive_buffer_max, 4096);
  Socket socket = establish(peer);
  Seen seen;
  do {
    socket.send("?");
    seen = peer.drain().back();
    peer.inject(
        tcp().seq(seen.ack).ack(seen.end()).stream(std::min<std::uint32_t>(seen.window, 1000)));
  } while (seen.window != 0);
  wire.advance(1s);
  peer.drain();
  wire.take_events();
  peer.inject(tcp().ack().seq(seen.ack).urg(10));
  EXPECT_EQ(wire.take_events().size(), 1U) << "urgent data is announced, before it can come";
  peer.inject(tcp().rst().seq(seen.ack));
  EXPECT_TRUE(socket.is_ready(ready::kErr));
  EXPECT_EQ(socket.take_error(), Error::reset);
  peer.drain();
}

}  // namespace
}  // namespace naru::test
