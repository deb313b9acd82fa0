// When acknowledgements are sent (RFC 9293 3.8.6.3, 3.10.7.4, RFC 5681 4.2).

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class DelayedAck : public SequenceTest {
 protected:
  void SetUp() override {
    SequenceTest::SetUp();
    wire.set(Option::tcp_quick_acks, 0);
    wire.set(Option::tcp_receive_buffer, 200'000);
  }
};
NARU_ALL_NUMBERINGS(DelayedAck);

TEST_P(DelayedAck, IsBelowHalfASecond) {
  NARU_CHECKS("TCB-061");
  Socket socket = establish();
  for (int i = 0; i < 5; ++i) {
    peer.inject(tcp().ack().stream(1460));
    peer.expect_silence();
    peer.expect_between(30ms, 200ms, tcp().ack(peer.snd_nxt()).length(0));
    peer.expect_silence(1s);
    socket.expect_stream(1460);
    peer.drain();
  }
}

// Whatever the options say: their ranges end below it.
TEST_P(DelayedAck, CannotBeSetToHalfASecond) {
  NARU_CHECKS("TCB-061");
  for (const Option option : {Option::tcp_delayed_ack, Option::tcp_delayed_ack_min}) {
    EXPECT_EQ(wire.stack().set_option(option, 500).error(), Error::invalid);
    wire.set(option, 499);
  }
  establish();
  peer.inject(tcp().ack().stream(100));
  peer.expect_between(0s, 499ms + 1ms, tcp().ack(101).length(0));
}

TEST_P(DelayedAck, EverySecondFullSegmentIsAcknowledgedAtOnce) {
  NARU_CHECKS("TCB-061");
  Socket socket = establish();
  for (int i = 0; i < 20; ++i) {
    peer.inject(tcp().ack().stream(1460));
    peer.expect_silence();
    peer.inject(tcp().ack().stream(1460));
    peer.expect(tcp().ack(peer.snd_nxt()).length(0));
  }
  socket.expect_stream(40 * 1460);
  peer.drain();
}

TEST_P(DelayedAck, OfThreeTheThirdWaits) {
  NARU_CHECKS("TCB-061");
  establish();
  for (int i = 0; i < 3; ++i) peer.inject(tcp().ack().stream(1460));
  peer.expect(tcp().ack(1 + 2 * 1460).length(0));
  peer.expect_silence();
  peer.expect_between(30ms, 200ms, tcp().ack(1 + 3 * 1460).length(0));
}

// RFC 9293 SHLD-19: 2 RMSS bytes, in segments of any size.
TEST_P(DelayedAck, TwoSegmentsWorthOfSmallOnesIsAcknowledgedAtOnce) {
  NARU_CHECKS("TCB-061");
  establish();
  std::uint32_t unacknowledged = 0;
  for (int i = 0; i < 100; ++i) {
    peer.inject(tcp().ack().stream(292));
    unacknowledged += 292;
    if (!peer.drain().empty()) unacknowledged = 0;
    EXPECT_LT(unacknowledged, 2U * 1460);
  }
  wire.advance(500ms);
  peer.drain();
}

TEST_P(DelayedAck, DataCarriesItAlong) {
  NARU_CHECKS("TCB-061");
  Socket socket = establish();
  peer.inject(tcp().ack().stream(100));
  socket.send("answer");
  peer.expect(tcp().ack(101).data("answer"));
  peer.inject(tcp().ack());
  peer.expect_silence(1s);
}

// RFC 5681 4.2: what fills a hole, or opens one, is news for the sender.
TEST_P(DelayedAck, DoesNotWaitOutOfOrder) {
  NARU_CHECKS("TCB-061");
  establish();
  peer.inject(tcp().ack().seq(101).stream(100));
  peer.expect(tcp().ack(1).length(0));
  peer.inject(tcp().ack().seq(1).stream(100));
  peer.expect(tcp().ack(201).length(0));
}

// --- in bursts ---------------------------------------------------------------------------

class Burst : public DelayedAck {
 protected:
  // n segments of this size, in the ring before the stack looks.
  void inject(std::size_t n, std::size_t size) {
    std::vector<Buffer> frames;
    for (std::size_t i = 0; i < n; ++i) frames.push_back(peer.render(tcp().ack().stream(size)));
    wire.inject_all(std::move(frames));
  }
};
NARU_ALL_NUMBERINGS(Burst);

TEST_P(Burst, IsAcknowledgedAsOne) {
  NARU_CHECKS("TCB-077");
  Socket socket = establish();
  inject(20, 1460);
  const std::vector<Seen> acks = peer.drain();
  EXPECT_GE(acks.size(), 1U);
  EXPECT_LE(acks.size(), 10U);
  EXPECT_EQ(acks.back().ack, 1U + 20 * 1460) << "without delay";
  peer.expect_silence(1s);
  socket.expect_stream(20 * 1460);
  peer.drain();
}

TEST_P(Burst, IsAnsweredAfterAllOfItWasRead) {
  NARU_CHECKS("TCB-077");
  Socket socket = establish();
  for (int i = 0; i < 5; ++i) {
    inject(64, 100);  // a whole burst of the link
    for (const Seen& ack : peer.drain()) {
      EXPECT_EQ((ack.ack - 1) % 6400, 0U) << "in the middle of the burst";
    }
    socket.expect_stream(6400);
    peer.drain();
  }
  wire.advance(500ms);
  peer.drain();
}

// Data and FIN in one burst: one ACK for both.
TEST_P(Burst, WithAnEndIsAcknowledgedAsOne) {
  NARU_CHECKS("TCB-077");
  Socket socket = establish();
  peer.inject_all({tcp().ack().stream(1460), tcp().ack().stream(1460), tcp().fin().ack()});
  peer.expect(tcp().ack(1 + 2 * 1460 + 1).length(0));
  peer.expect_silence(1s);
  socket.expect_stream(2920);
  socket.expect_eof();
}

}  // namespace
}  // namespace naru::test
