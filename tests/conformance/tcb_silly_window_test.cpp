// Silly windows, from both ends (RFC 9293 3.8.6.2).

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class SillySender : public SequenceTest {};
NARU_ALL_NUMBERINGS(SillySender);

// RFC 9293 3.8.6.2.1: a few bytes of room are not worth a segment while more is in
// flight.
TEST_P(SillySender, ATinyOpeningIsNotUsed) {
  NARU_CHECKS("TCB-059");
  peer.set_window(2920);
  Socket socket = establish();
  socket.send_stream(10'000);
  EXPECT_EQ(peer.drain().size(), 2U);
  for (const std::uint16_t more : {1, 2, 10, 100, 500}) {
    peer.inject(tcp().ack(1).window(static_cast<std::uint16_t>(2920 + more)));
    peer.expect_silence();
  }
  for (const std::uint16_t more : {1, 100, 1400}) {
    peer.inject(tcp().ack(1461).window(static_cast<std::uint16_t>(1460 + more)));
    peer.expect_silence();
  }
  peer.inject(tcp().ack(1461).window(1460 + 1460));  // a full segment
  peer.expect(tcp().ack().seq(2921).length(1460));
  peer.expect_silence();
  peer.inject(tcp().ack());
  peer.drain();
}

TEST_P(SillySender, HalfOfTheLargestWindowIsUsed) {
  NARU_CHECKS("TCB-059");
  peer.set_window(1000);
  Socket socket = establish();
  socket.send_stream(3000);
  peer.expect(tcp().ack().seq(1).stream(1000));
  peer.inject(tcp().ack().window(499));
  peer.expect_silence();
  peer.inject(tcp().ack().window(500));
  peer.expect(tcp().ack().seq(1001).length(500));
  peer.inject(tcp().ack().window(1000));
  peer.expect(tcp().ack().seq(1501).length(1000));
  peer.inject(tcp().ack().window(1000));
  peer.expect(tcp().ack().seq(2501).length(500));  // all that is left
  peer.inject(tcp().ack());
}

// A peer that never has more than a byte: slowly, but it goes on.
TEST_P(SillySender, TheOverrideTimerUsesWhatThereIs) {
  NARU_CHECKS("TCB-059");
  Socket socket = establish();
  peer.inject(tcp().ack().window(0));
  socket.send_stream(20);
  for (std::uint32_t i = 0; i < 19; ++i) {
    peer.inject(tcp().ack().window(1));
    peer.expect_silence(50ms);
    // RFC 9293 3.8.6.2.1: 0.1 to 1 seconds.
    const Seen seen = peer.expect_between(50ms, 1s, tcp().ack().seq(1 + i).length(1));
    EXPECT_EQ(seen.payload[0], stream_byte(i));
  }
  peer.inject(tcp().ack().window(1));  // the last byte goes at once
  peer.expect(tcp().psh().ack().seq(20).length(1));
  peer.inject(tcp().ack());
}

// A whole stream to a peer with a small buffer.
TEST_P(SillySender, SmallBuffersAreServed) {
  NARU_CHECKS("TCB-059");
  for (const std::uint16_t room : {10, 100, 536, 1000}) {
    peer.set_window(room);
    Socket socket = establish();
    socket.send_stream(40U * room);
    const Time start = wire.now();
    std::size_t segments = 0;
    std::uint32_t next = 1;
    while (next < 1U + 40 * room && wire.now() - start < 30s) {
      for (const Seen& seen : peer.drain()) {
        EXPECT_EQ(seen.seq, next);
        EXPECT_LE(seen.payload.size(), room);
        next = seen.end();
        ++segments;
      }
      peer.inject(tcp().ack());
      if (peer.quiet()) wire.advance(10ms);
    }
    EXPECT_EQ(next, 1U + 40 * room) << "with room for " << room;
    EXPECT_LE(segments, 80U) << "no smaller than half of its window";
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

class SillyReceiver : public SequenceTest {
 protected:
  // A connection whose receive buffer is full; gives the first number not received.
  std::uint32_t fill(Socket& socket, std::int64_t buffer) {
    wire.set(Option::tcp_receive_buffer_max, buffer);
    wire.set(Option::tcp_receive_buffer, buffer);
    socket = establish();
    std::uint32_t next = 1;
    std::uint32_t edge = 1U + static_cast<std::uint32_t>(std::min<std::int64_t>(buffer, 65'535));
    for (int rounds = 0; next != edge && rounds < 1000; ++rounds) {
      const std::uint32_t n = std::min(edge - next, 1'460U);
      peer.inject(tcp().ack().seq(next).stream(n));
      next += n;
      wire.advance(100ms);
      for (const Seen& seen : peer.drain()) edge = std::max(edge, seen.ack + seen.window);
    }
    EXPECT_EQ(next, edge) << "the window does not close";
    return next;
  }
};
NARU_ALL_NUMBERINGS(SillyReceiver);

// RFC 9293 3.8.6.2.2: the right edge moves by min(half of the buffer, a segment) at least.
TEST_P(SillyReceiver, MovesTheEdgeInBigSteps) {
  NARU_CHECKS("TCB-060");
  for (const std::int64_t buffer : {2'304, 8'192, 60'000}) {
    Socket socket;
    const std::uint32_t full = fill(socket, buffer);
    const auto step = static_cast<std::uint32_t>(std::min<std::int64_t>(buffer / 2, 1'460));
    std::uint32_t edge = full;
    std::uint32_t moves = 0;
    const std::uint32_t all = std::min<std::uint32_t>(full - 1, 20'000);
    for (std::uint32_t read = 1; read <= all; ++read) {
      EXPECT_EQ(socket.read(1).size(), 1U);
      if (read % 97 == 0) {  // a probe asks, as the peer does with a closed window
        peer.inject(tcp().ack().seq(full - 1));
        wire.advance(600ms);
      }
      for (const Seen& seen : peer.drain()) {
        const std::uint32_t now = seen.ack + seen.window;
        if (now == edge) continue;
        EXPECT_GE(now - edge, step);
        EXPECT_LE(now - edge, 0x7fff'ffffU);
        edge = now;
        ++moves;
      }
    }
    EXPECT_GE(moves, 1U);
    EXPECT_LE(moves, all / step);
    Socket::must(socket.abort());
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
    wire.close_listener(80);
  }
}

// And the peer hears of it without asking, once the step is made.
TEST_P(SillyReceiver, TellsWhenThereIsRoomAgain) {
  NARU_CHECKS("TCB-060");
  Socket socket;
  const std::uint32_t full = fill(socket, 16'384);
  socket.read();
  const std::vector<Seen> updates = peer.drain();
  ASSERT_FALSE(updates.empty());
  EXPECT_EQ(updates.back().ack, full);
  EXPECT_GE(updates.back().window, 1'460U);
}

}  // namespace
}  // namespace naru::test
