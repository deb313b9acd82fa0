// Windows: how large they may be, and what happens when one shrinks (RFC 9293 3.1, 3.8.6).

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class WindowSize : public SequenceTest {
 protected:
  void SetUp() override {
    wire.set(Option::max_send_blocks, 2'048);
    wire.set(Option::tcp_send_buffer, 4'000'000);
    wire.set(Option::tcp_initial_window, 100);
    SequenceTest::SetUp();
  }
  // How many bytes of the stream have been sent, without an ACK.
  std::uint32_t sent() {
    std::uint32_t end = 1;
    for (const Seen& seen : peer.drain()) {
      EXPECT_LE(seen.payload.size(), 1460U);
      EXPECT_EQ(seen.seq, end);
      end = seen.end();
    }
    return end - 1;
  }
};
NARU_ALL_NUMBERINGS(WindowSize);

TEST_P(WindowSize, IsUnsigned) {
  NARU_CHECKS("TCB-001");
  for (const std::uint32_t window : {0x7fffU, 0x8000U, 0xffffU}) {
    peer.set_window(static_cast<std::uint16_t>(window));
    Socket socket = establish();
    EXPECT_EQ(socket.info().send_window, window);
    socket.send_stream(window);
    EXPECT_EQ(sent(), window);
    const Result<std::size_t> more = socket.try_send(stream(window, 100'000));
    EXPECT_EQ(more, 100'000U);
    peer.expect_silence();
    Socket::must(socket.abort());
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

TEST_P(WindowSize, IsNeverExceeded) {
  NARU_CHECKS("TCB-001");
  for (const std::uint32_t window : {0x7fffU, 0x8000U, 0xffffU}) {
    peer.set_window(static_cast<std::uint16_t>(window));
    Socket socket = establish();
    socket.send_stream(200'000);
    const std::uint32_t first = sent();
    EXPECT_LE(first, window);
    EXPECT_GT(first, window - 1460);
    Socket::must(socket.abort());
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

TEST_P(WindowSize, ToSendHas32Bits) {
  NARU_CHECKS("TCB-002");
  Socket socket = establish(plain_syn().wscale(14));
  peer.inject(tcp().ack().window(0xffff));
  EXPECT_EQ(socket.info().send_window, 65'535U << 14U) << "a gigabyte";
  socket.send_stream(1'000'000);
  std::uint32_t end = 1;
  std::uint32_t flight = 0;
  // One ACK a round, so that slow start fills far more than 64 KiB.
  for (int rounds = 0; end < 1'000'001 && rounds < 100; ++rounds) {
    const std::uint32_t before = end;
    for (const Seen& seen : peer.drain()) end = std::max(end, seen.end());
    flight = std::max(flight, end - before);
    peer.inject(tcp().ack(end));
  }
  EXPECT_EQ(end, 1'000'001U);
  EXPECT_GT(flight, 140'000U);
}

TEST_P(WindowSize, ToReceiveHas32Bits) {
  NARU_CHECKS("TCB-002");
  wire.set(Option::tcp_receive_buffer_max, std::int64_t{1} << 30U);
  wire.set(Option::tcp_receive_buffer, std::int64_t{1} << 30U);
  Socket socket = establish(plain_syn().wscale(0).sack_ok());
  socket.send("?");
  const Seen seen = peer.expect(tcp().ack().data("?"));
  const std::uint64_t window = std::uint64_t{seen.window} << socket.info().receive_scale;
  EXPECT_GE(window, 1'000'000'000U);
  EXPECT_LE(window, 0x7fff'ffffU) << "RFC 7323 2.3";
  for (const std::uint32_t distance : {100'000U, 500'000'000U, 1'000'000'000U}) {
    peer.inject(tcp().ack().seq(1 + distance).stream(100));
    const Seen answer = peer.expect(tcp().ack(1));
    EXPECT_EQ(answer.sack.front(), (wire::SackBlock{1 + distance, 101 + distance}));
  }
  peer.inject(tcp().ack().seq(static_cast<std::uint32_t>(1 + window)).data("beyond"));
  EXPECT_EQ(peer.expect(tcp().ack(1)).sack.size(), 3U) << "not taken";
}

// --- the receiver does not shrink it -----------------------------------------------------

class RightEdge : public SequenceTest {
 protected:
  std::uint32_t edge(const Seen& seen, unsigned scale) {
    return seen.ack + (std::uint32_t{seen.window} << scale);
  }
};
NARU_ALL_NUMBERINGS(RightEdge);

TEST_P(RightEdge, NeverMovesLeft) {
  NARU_CHECKS("TCB-050");
  Socket socket = establish();
  std::uint32_t right = 1 + 65'535;
  for (int i = 0; i < 200; ++i) {
    peer.inject(tcp().ack().stream(300));
    if (i == 5) Socket::must(socket.set(SocketOption::receive_buffer, 4'096));
    if (i % 7 == 0) socket.read(500);
    wire.advance(100ms);
    for (const Seen& seen : peer.drain()) {
      EXPECT_LE(seen.ack + seen.window - right, 0x7fff'ffffU) << "moved left";
      right = seen.ack + seen.window;
    }
  }
}

// With a scale, the field cannot tell the last bits: less than one unit of it.
TEST_P(RightEdge, NeverMovesLeftByMoreThanTheScaleRounds) {
  NARU_CHECKS("TCB-050");
  Socket socket = establish(plain_syn().wscale(2));
  const unsigned scale = socket.info().receive_scale;
  ASSERT_GT(scale, 0U);
  std::uint32_t most = 0;
  for (int i = 0; i < 200; ++i) {
    peer.inject(tcp().ack().stream(301));
    if (i == 5) Socket::must(socket.set(SocketOption::receive_buffer, 4'096));
    if (i % 7 == 0) socket.read(500);
    wire.advance(100ms);
    for (const Seen& seen : peer.drain()) {
      EXPECT_GT(edge(seen, scale) + (1U << scale), most);
      most = std::max(most, edge(seen, scale));
    }
  }
}

// What was allowed is taken, although the program wants less now.
TEST_P(RightEdge, IsKeptToAfterTheBufferShrinks) {
  NARU_CHECKS("TCB-050");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::receive_buffer, 2'304));
  for (int i = 0; i < 40; ++i) peer.inject(tcp().ack().stream(1'460));
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, 1U + 40 * 1'460);
  socket.expect_stream(40 * 1'460);
  peer.drain();
}

// --- the peer shrinks it -----------------------------------------------------------------

class Shrunk : public SequenceTest {
 protected:
  // Ten segments in flight, twenty more queued, and then the right edge at `edge`.
  Socket shrink_to(std::uint32_t edge) {
    Socket socket = establish();
    socket.send_stream(30 * 1'460);
    EXPECT_EQ(peer.drain().size(), 10U);
    peer.inject(tcp().ack(1).window(static_cast<std::uint16_t>(edge - 1)));
    return socket;
  }
  static constexpr std::uint32_t kSent = 1 + 10 * 1'460;
};
NARU_ALL_NUMBERINGS(Shrunk);

TEST_P(Shrunk, NothingNewIsSentBeyondTheEdge) {
  NARU_CHECKS("TCB-051", "TCB-052");
  for (const std::uint32_t edge : {1U, 2U, 1'000U, 1'461U, 3'000U, kSent - 1, kSent}) {
    SCOPED_TRACE("edge " + std::to_string(edge));
    Socket socket = shrink_to(edge);
    peer.expect_silence();
    // Duplicates let nothing new go either (limited transmit).
    const auto field = static_cast<std::uint16_t>(edge - 1);
    for (int i = 0; i < 2; ++i) peer.inject(tcp().ack(1).window(field));
    wire.advance(20s);
    for (const Seen& seen : peer.drain()) {
      EXPECT_LE(seen.end(), kSent);
      EXPECT_LE(seen.payload.size(), 1'460U);
    }
    EXPECT_EQ(socket.state(), TcpState::established);
    Socket::must(socket.abort());
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

// The usable window is negative when part of the flight is acknowledged.
TEST_P(Shrunk, ANegativeWindowIsNoWindow) {
  NARU_CHECKS("TCB-051");
  Socket socket = establish();
  socket.send_stream(30 * 1'460);
  EXPECT_EQ(peer.drain().size(), 10U);
  for (const std::uint32_t acked : {1'461U, 4'381U, 7'301U}) {
    peer.inject(tcp().ack(acked).window(100));
    peer.expect_silence();
    EXPECT_EQ(socket.info().send_window, 100U);
  }
  // An ACK of ours has a number that the peer can accept.
  peer.inject(tcp().ack(7'301).data("x").window(100));
  wire.advance(100ms);
  const std::vector<Seen> answers = peer.drain();
  ASSERT_FALSE(answers.empty());
  for (const Seen& seen : answers) {
    EXPECT_LE(seen.payload.empty() ? seen.seq : 0U, 7'401U);
  }
}

TEST_P(Shrunk, WhatLiesWithinIsSentAgain) {
  NARU_CHECKS("TCB-053");
  shrink_to(1 + 3 * 1'460);
  std::uint32_t acked = 1;
  for (int i = 0; i < 3; ++i) {
    bool came = false;
    const Time limit = wire.now() + 30s;
    while (!came && wire.step(limit)) {
      for (const Seen& seen : peer.drain()) {
        came |= seen.seq == acked && seen.payload == stream(acked - 1, 1'460);
      }
    }
    ASSERT_TRUE(came) << "segment " << i;
    acked += 1'460;
    peer.inject(tcp().ack(acked).window(static_cast<std::uint16_t>(1 + 3 * 1'460 - acked)));
  }
  peer.drain();
}

// The edge lies left of what was sent, and the peer goes on answering: for days.
TEST_P(Shrunk, TheConnectionLivesWhileThePeerAnswers) {
  NARU_CHECKS("TCB-054");
  for (const std::uint16_t window : {0, 500}) {
    Socket socket = shrink_to(1U + window);
    std::uint32_t acked = 1;
    if (window != 0) {  // the peer takes what it has room for
      peer.expect_between(0s, 2s, tcp().ack().seq(1));
      acked += window;
      peer.inject(tcp().ack(acked).window(0));
    }
    const Time end = wire.now() + std::chrono::hours(48);
    while (wire.step(end)) {
      for (const Seen& seen : peer.drain()) {
        EXPECT_LE(seen.end(), kSent);
        peer.inject(tcp().ack(acked).window(0));
      }
    }
    EXPECT_EQ(socket.state(), TcpState::established);
    EXPECT_EQ(socket.take_error(), Error::none);
    // And goes on when there is room.
    peer.set_rcv_nxt(acked);
    peer.inject(tcp().ack(acked).window(65'535));
    for (int rounds = 0; peer.rcv_nxt() < 1 + 30 * 1'460 && rounds < 200; ++rounds) {
      if (peer.quiet()) wire.advance(1s);
      peer.drain();
      peer.inject(tcp().ack());
    }
    EXPECT_EQ(peer.rcv_nxt(), 1U + 30 * 1'460);
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

// What fell off the edge is sent again soon after it has moved right.
TEST_P(Shrunk, ReopeningIsNotPunished) {
  NARU_CHECKS("TCB-053", "TCB-054");
  shrink_to(1);
  for (int i = 0; i < 10; ++i) {  // each probe is answered: still nothing
    peer.expect_between(0s, 121s, tcp().ack());
    peer.drain();
    peer.inject(tcp().ack(1).window(0));
  }
  peer.inject(tcp().ack(1).window(65'535));
  peer.set_rcv_nxt(1);
  peer.expect_between(0s, 2s, tcp().ack().seq(1).stream(1'460));
  peer.inject(tcp().ack(kSent));
  peer.drain();
}

}  // namespace
}  // namespace naru::test
