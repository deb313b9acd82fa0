// Which sequence numbers are acceptable (RFC 9293 3.10.7.4 first), against an
// oracle that looks at every byte, and what becomes of the rest.

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

// The receive window of the host as the peer knows it, in numbers of the peer.
struct Window {
  std::uint32_t nxt = 0;
  std::uint32_t size = 0;
  std::uint32_t right() const { return nxt + size; }
};

enum class Size : std::uint8_t { zero, one, plain, large };

class Acceptability : public SequenceTest {
 protected:
  // A connection whose receive window has this size. SACK shows what was taken.
  Window connect_with(Size size) {
    wire.set(Option::tcp_challenge_ack_interval, 0);
    if (size == Size::large) {
      wire.set(Option::tcp_receive_buffer_max, std::int64_t{1} << 30U);
      wire.set(Option::tcp_receive_buffer, std::int64_t{1} << 30U);
      socket = establish(plain_syn().sack_ok().wscale(0));
    } else {
      if (size != Size::plain) {
        wire.set(Option::tcp_receive_buffer_max, 4096);
        wire.set(Option::tcp_receive_buffer, 4096);
      }
      socket = establish(plain_syn().sack_ok());
    }
    Window window = ask();
    if (size == Size::plain || size == Size::large) return window;
    const std::uint32_t left = size == Size::one ? 1 : 0;
    for (int rounds = 0; window.size > left && rounds < 100; ++rounds) {
      peer.inject(tcp().ack().seq(window.nxt).stream(std::min(window.size - left, 1000U)));
      peer.drain();
      window = ask();
    }
    EXPECT_EQ(window.size, left) << "the window does not close byte by byte";
    return window;
  }

  // Lets the host say where its window is.
  Window ask() {
    socket.send("?");
    wire.advance(0s);
    const Seen seen = peer.drain().back();
    peer.inject(tcp().ack().seq(seen.ack));
    return {seen.ack, std::uint32_t{seen.window} << socket.info().receive_scale};
  }

  Socket socket;
};
NARU_ALL_NUMBERINGS(Acceptability);

// The bytes of a segment that are taken, one by one: those inside the window, if
// the first or the last of the segment is (RFC 9293 3.4).
std::vector<std::uint32_t> inside(const Window& w, std::uint32_t seq, std::uint32_t length) {
  std::vector<std::uint32_t> taken;
  if (seq - w.nxt >= w.size && seq + length - 1 - w.nxt >= w.size) return taken;
  for (std::uint32_t i = 0; i < length; ++i) {
    const std::uint32_t byte = seq + i;
    if (byte - w.nxt < w.size) taken.push_back(byte);
  }
  return taken;
}

// The edges of the window and what lies around them.
std::vector<std::uint32_t> positions(const Window& w) {
  std::vector<std::uint32_t> all{
      w.nxt - 2, w.nxt - 1,     w.nxt,        w.nxt + 1,          w.right() - 2,      w.right() - 1,
      w.right(), w.right() + 1, w.nxt - 1000, w.nxt + w.size / 2, w.right() + 100'000};
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

class AcceptabilityOf : public Acceptability {
 protected:
  void check_reset(Size size) {
    const Window first = connect_with(size);
    for (const std::uint32_t seq : positions(first)) {
      SCOPED_TRACE("RST at " + std::to_string(seq - first.nxt) + " of a window of " +
                   std::to_string(first.size));
      // RFC 9293 3.10.7.4: empty segments are acceptable inside the window, and at
      // its edge when it is closed.
      const bool acceptable = seq - first.nxt < first.size || seq == first.nxt;
      if (seq == first.nxt) continue;  // it would end the connection
      peer.inject(tcp().rst().seq(seq));
      if (acceptable) peer.expect(tcp().ack(first.nxt).length(0));  // challenged
      peer.expect_silence();
      EXPECT_EQ(socket.state(), TcpState::established);
    }
    peer.inject(tcp().rst().seq(first.nxt));
    peer.expect_silence();
    EXPECT_EQ(socket.take_error(), Error::reset);
  }

  // One segment on a fresh connection.
  void check_data(const Window& w, std::uint32_t seq, std::uint32_t length) {
    SCOPED_TRACE("data " + std::to_string(seq - w.nxt) + "+" + std::to_string(length) +
                 " on a window of " + std::to_string(w.size));
    const std::vector<std::uint32_t> taken = inside(w, seq, length);
    peer.inject(tcp().ack().seq(seq).data(Buffer(length, 'x')));
    wire.advance(500ms);  // a delayed ACK
    const std::vector<Seen> answers = peer.drain();
    ASSERT_FALSE(answers.empty()) << "every segment with data is answered";
    const Seen& answer = answers.back();
    if (taken.empty()) {
      EXPECT_EQ(answer.ack, w.nxt);
      for (const wire::SackBlock& block : answer.sack) {
        EXPECT_EQ(block.right - w.nxt >= 0x8000'0000U || block.right == w.nxt, true)
            << "only a duplicate may be reported";
      }
    } else if (taken.front() == w.nxt) {
      EXPECT_EQ(answer.ack, taken.back() + 1);
    } else {
      EXPECT_EQ(answer.ack, w.nxt);
      ASSERT_EQ(answer.sack.size(), 1U);
      EXPECT_EQ(answer.sack[0].left, taken.front());
      EXPECT_EQ(answer.sack[0].right, taken.back() + 1);
    }
  }

  void check_data_everywhere(Size size) {
    std::uint16_t port = 41'000;
    const Window shape = connect_with(size);
    for (const std::uint32_t position : positions(shape)) {
      for (const std::uint32_t length : {1U, 2U, 100U}) {
        Socket::must(socket.abort());
        peer.drain();
        peer.restart(++port);
        peer.host_is_bound = false;
        const Window w = connect_with(size);
        ASSERT_EQ(w.size, shape.size);
        check_data(w, position - shape.nxt + w.nxt, length);
      }
    }
  }
};
NARU_ALL_NUMBERINGS(AcceptabilityOf);

TEST_P(AcceptabilityOf, EmptySegments) {
  NARU_CHECKS("TCS-017", "TCS-020");
  check_reset(Size::plain);
}
TEST_P(AcceptabilityOf, EmptySegmentsAtAClosedWindow) {
  NARU_CHECKS("TCS-017");
  check_reset(Size::zero);
}
TEST_P(AcceptabilityOf, EmptySegmentsInAWindowOfOne) {
  NARU_CHECKS("TCS-017");
  check_reset(Size::one);
}
TEST_P(AcceptabilityOf, EmptySegmentsInALargeWindow) {
  NARU_CHECKS("TCS-017");
  check_reset(Size::large);
}
TEST_P(AcceptabilityOf, Data) {
  NARU_CHECKS("TCS-017", "TCS-019");
  check_data_everywhere(Size::plain);
}
TEST_P(AcceptabilityOf, DataAtAClosedWindow) {
  NARU_CHECKS("TCS-017");
  check_data_everywhere(Size::zero);
}
TEST_P(AcceptabilityOf, DataInAWindowOfOne) {
  NARU_CHECKS("TCS-017", "TCS-019");
  check_data_everywhere(Size::one);
}
TEST_P(AcceptabilityOf, DataInALargeWindow) {
  NARU_CHECKS("TCS-017", "TCS-019");
  check_data_everywhere(Size::large);
}

TEST_P(Acceptability, UnacceptableSegmentsAreAnswered) {
  NARU_CHECKS("TCS-018");
  const Window w = connect_with(Size::plain);
  peer.inject(tcp().ack().seq(w.nxt).stream(100));
  wire.advance(500ms);
  peer.drain();
  for (const std::uint32_t seq : {w.nxt, w.right() + 1000}) {
    peer.inject(tcp().ack().seq(seq).data(Buffer(100, 'x')));
    peer.expect(tcp().ack(w.nxt + 100).length(0));
    peer.expect_silence();
  }
  peer.inject(tcp().ack().seq(w.nxt - 1));  // as a keep-alive probe
  peer.expect(tcp().ack(w.nxt + 100).length(0));
  socket.expect_stream(100);
}

TEST_P(Acceptability, AnswersToUnacceptableSegmentsAreLimited) {
  NARU_CHECKS("TCS-018");
  const Window w = connect_with(Size::plain);
  wire.set(Option::tcp_challenge_ack_interval, 500);
  for (int i = 0; i < 1000; ++i) peer.inject(tcp().ack().seq(w.nxt - 1));
  EXPECT_GE(peer.drain().size(), 1U);
  for (int i = 0; i < 1000; ++i) {
    peer.inject(tcp().ack().seq(w.nxt - 1));
    wire.advance(1ms);
  }
  EXPECT_LE(peer.drain().size(), 10U) << "in one second";
}

TEST_P(Acceptability, WhatWasReceivedBeforeIsTrimmed) {
  NARU_CHECKS("TCS-019");
  const Window w = connect_with(Size::plain);
  peer.inject(tcp().ack().seq(w.nxt).stream(100));
  peer.inject(tcp().fin().ack().seq(w.nxt + 50).stream(200));
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, w.nxt + 251);
  socket.expect_stream(250);
  socket.expect_eof();
}

TEST_P(Acceptability, AFinBeyondTheWindowIsNotProcessed) {
  NARU_CHECKS("TCS-019");
  const Window w = connect_with(Size::one);
  peer.inject(tcp().fin().ack().seq(w.nxt).data(stream(w.nxt - 1, 10)));
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, w.nxt + 1);
  EXPECT_EQ(socket.state(), TcpState::established);
  socket.expect_stream(w.nxt);
  peer.drain();
}

TEST_P(Acceptability, AFinAtTheLastByteOfTheWindowIsProcessed) {
  NARU_CHECKS("TCS-019");
  const Window w = connect_with(Size::one);
  peer.inject(tcp().fin().ack().seq(w.nxt));
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, w.nxt + 1);
  EXPECT_EQ(socket.state(), TcpState::close_wait);
}

}  // namespace
}  // namespace naru::test
