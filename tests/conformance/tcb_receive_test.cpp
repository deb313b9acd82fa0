// What a receiver keeps and looks at: data out of order, and RST, URG and ACK without
// room for data (RFC 9293 3.10.7.4).

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class OutOfOrder : public SequenceTest {};
NARU_ALL_NUMBERINGS(OutOfOrder);

TEST_P(OutOfOrder, SegmentsAreKept) {
  NARU_CHECKS("TCB-078");
  Socket socket = establish();
  for (const std::uint32_t seq : {301U, 101U, 401U}) {
    peer.inject(tcp().ack().seq(seq).stream(100));
    peer.expect(tcp().ack(1).length(0));
    socket.expect_nothing();
  }
  peer.inject(tcp().ack().seq(1).stream(100));
  peer.expect(tcp().ack(201).length(0));
  socket.expect_stream(200);
  peer.inject(tcp().ack().seq(201).stream(100));
  EXPECT_EQ(peer.next().ack, 501U);
  socket.expect_stream(300);
  peer.drain();
}

// As many as come in a window: every second one first.
TEST_P(OutOfOrder, ManyHolesAreFilled) {
  NARU_CHECKS("TCB-078");
  Socket socket = establish(plain_syn().sack_ok());
  constexpr std::uint32_t kSegments = 40;
  for (const std::uint32_t first : {1U, 0U}) {
    for (std::uint32_t i = first; i < kSegments; i += 2) {
      peer.inject(tcp().ack().seq(1 + i * 1000).stream(1000));
    }
  }
  EXPECT_EQ(peer.drain().back().ack, 1 + kSegments * 1000);
  socket.expect_stream(kSegments * 1000);
  peer.drain();
}

class ClosedWindow : public SequenceTest {
 protected:
  void SetUp() override {
    SequenceTest::SetUp();
    wire.set(Option::tcp_receive_buffer_max, 4'096);
    wire.set(Option::tcp_receive_buffer, 4'096);
    wire.set(Option::tcp_challenge_ack_interval, 0);
    socket = establish();
    while (nxt != edge) {
      const std::uint32_t n = std::min(edge - nxt, 1'000U);
      peer.inject(tcp().ack().seq(nxt).stream(n));
      nxt += n;
      wire.advance(100ms);
      for (const Seen& seen : peer.drain()) edge = std::max(edge, seen.ack + seen.window);
    }
    peer.inject(tcp().ack().seq(nxt).data("no room"));
    peer.set_snd_nxt(nxt);
    peer.expect(tcp().ack(nxt).window(0));
  }

  Socket socket;
  std::uint32_t nxt = 1;
  std::uint32_t edge = 1 + 4'096;
};
NARU_ALL_NUMBERINGS(ClosedWindow);

TEST_P(ClosedWindow, AResetIsTaken) {
  NARU_CHECKS("TCB-079");
  peer.inject(tcp().rst().seq(nxt));
  peer.expect_silence();
  EXPECT_EQ(socket.take_error(), Error::reset);
}

TEST_P(ClosedWindow, AResetWithDataIsTaken) {
  NARU_CHECKS("TCB-079", "TCB-017");
  peer.inject(tcp().rst().seq(nxt).data("go away"));
  peer.expect_silence();
  EXPECT_EQ(socket.take_error(), Error::reset);
  EXPECT_EQ(socket.read().size(), nxt - 1) << "and its data are not";
}

TEST_P(ClosedWindow, AResetElsewhereIsNot) {
  NARU_CHECKS("TCB-079");
  for (const std::uint32_t seq : {nxt - 1, nxt + 1, nxt + 100}) {
    peer.inject(tcp().rst().seq(seq));
    peer.inject(tcp().rst().seq(seq).data("go away"));
    peer.expect_silence();
    EXPECT_EQ(socket.state(), TcpState::established);
  }
}

TEST_P(ClosedWindow, UrgentDataIsAnnounced) {
  NARU_CHECKS("TCB-079", "TCB-047");
  for (const bool with_data : {false, true}) {
    const auto pointer = static_cast<std::uint16_t>(with_data ? 900 : 400);
    Segment segment = tcp().ack().seq(nxt).urg(pointer);
    if (with_data) segment.data("no room");
    peer.inject(segment);
    peer.set_snd_nxt(nxt);
    EXPECT_TRUE(socket.is_ready(ready::kPri));
    peer.drain();
  }
}

TEST_P(ClosedWindow, AcknowledgementsAndWindowsAreTaken) {
  NARU_CHECKS("TCB-079");
  socket.send("data");
  peer.expect(tcp().ack(nxt).data("data"));
  peer.inject(tcp().ack().seq(nxt).data("no room").window(777));
  peer.set_snd_nxt(nxt);
  peer.expect(tcp().ack(nxt).length(0));
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 0);
  EXPECT_EQ(socket.info().send_window, 777U);
}

}  // namespace
}  // namespace naru::test
