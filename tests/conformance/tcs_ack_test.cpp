// What an acknowledgement does, and what header fields may say (RFC 9293 3.10.7.4
// fifth, 3.1).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class Ack : public SequenceTest {};
NARU_ALL_NUMBERINGS(Ack);

// RFC 9293 3.10.7.4: SND.WL1 and SND.WL2 keep old segments from changing the window.
TEST_P(Ack, OnlyNewerSegmentsUpdateTheWindow) {
  NARU_CHECKS("TCS-028");
  peer.set_window(10'000);
  Socket socket = establish();
  socket.send_stream(3000);
  peer.drain();
  const auto window = [&] { return socket.info().send_window; };

  peer.inject(tcp().seq(1).ack(1461).stream(10).window(5000));  // WL1 = 1, WL2 = 1461
  EXPECT_EQ(window(), 5000U);
  peer.inject(tcp().seq(11).ack(1461).window(6000));  // WL1 < SEQ
  EXPECT_EQ(window(), 6000U);
  peer.inject(tcp().seq(11).ack(1461).window(4000));  // WL1 = SEQ, WL2 = ACK: allowed
  EXPECT_EQ(window(), 4000U);
  peer.inject(tcp().seq(11).ack(2921).window(7000));  // WL2 < ACK
  EXPECT_EQ(window(), 7000U);
  peer.inject(tcp().seq(11).ack(1461).window(60'000));  // a reordered ACK
  EXPECT_EQ(window(), 7000U);
  peer.inject(tcp().seq(1).ack(2921).stream(10).window(60'000));  // an old segment
  EXPECT_EQ(window(), 7000U);
  peer.inject(tcp().seq(11).ack(3001).window(8000));
  EXPECT_EQ(window(), 8000U);
  peer.drain();
}

TEST_P(Ack, ADuplicateChangesNothing) {
  NARU_CHECKS("TCS-029");
  Socket socket = establish();
  peer.inject(tcp().ack(1));
  peer.inject(tcp().ack(1));
  peer.expect_silence();
  socket.send("data");
  peer.expect(tcp().seq(1).data("data"));
  peer.inject(tcp().ack(1));
  peer.expect_silence();
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 4);
  peer.inject(tcp().ack(5));
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 0);
}

TEST_P(Ack, OfWhatWasNeverSentIsAnsweredAndDropped) {
  NARU_CHECKS("TCS-029");
  wire.set(Option::tcp_challenge_ack_interval, 0);
  Socket socket = establish();
  socket.send("data");
  peer.expect(tcp().seq(1).data("data"));
  for (const std::uint32_t ack : {6U, 1000U, 0x7fff'0000U}) {
    peer.inject(tcp().seq(1).ack(ack).data("forged"));
    peer.set_snd_nxt(1);
    peer.expect(tcp().ack(1).seq(5).length(0));
  }
  socket.expect_nothing();
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 4);
}

// Data that is in flight is acknowledged piece by piece across the wrap.
TEST_P(Ack, EveryByteCanBeAcknowledgedAlone) {
  NARU_CHECKS("TCS-029");
  Socket socket = establish();
  socket.send_stream(600);
  peer.expect(tcp().seq(1).stream(600));
  for (std::uint32_t ack = 2; ack <= 601; ++ack) {
    peer.inject(tcp().seq(1).ack(ack));
    EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 601 - ack);
  }
  peer.expect_silence();
}

class Header : public SequenceTest {};
NARU_ALL_NUMBERINGS(Header);

TEST_P(Header, ReservedBitsAreIgnored) {
  NARU_CHECKS("TCS-048");
  Socket socket = establish();
  std::string expected;
  for (const std::uint8_t bits : {0x1, 0x2, 0x4, 0x8, 0xe, 0xf}) {
    peer.inject(tcp().ack().data("x").reserved(bits));
    expected += 'x';
  }
  wire.advance(500ms);
  socket.expect_read(expected);
  EXPECT_EQ(peer.drain().back().ack, 7U);
}

TEST_P(Header, ReservedBitsAreSentAsZero) {
  NARU_CHECKS("TCS-048");
  Socket socket = establish(plain_syn().sack_ok().ts(1).wscale(7));
  socket.send_stream(2000);
  Socket::must(socket.shutdown(Shutdown::send));
  peer.inject(tcp().syn().seq(0));
  peer.inject(tcp().seq(1).ack(3002));
  for (const Seen& seen : peer.drain()) {
    EXPECT_EQ(seen.frame.ipv4().payload()[12] & 0x0f, 0);
  }
}

TEST_P(Header, AWrongDataOffsetIsDropped) {
  NARU_CHECKS("TCS-049");
  Socket socket = establish();
  for (const std::uint8_t words : {0, 1, 2, 3, 4, 6, 15}) {
    peer.inject(tcp().seq(1).ack().data_offset(words));
    if (words < 5 || words == 15) peer.inject(tcp().seq(1).ack().data_offset(words).data("data"));
  }
  peer.expect_silence(1s);
  socket.expect_nothing();
  EXPECT_EQ(socket.state(), TcpState::established);
}

}  // namespace
}  // namespace naru::test
