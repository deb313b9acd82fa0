// Segment sizes (RFC 9293 3.7.1) and when small ones go (3.7.4, 3.9.1.2).

#include <algorithm>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct Mss : StackTest {
  // The payload of the first full segment that the host sends.
  std::size_t first_payload(const Segment& syn, Open open = Open::passive) {
    Socket socket = establish(peer, open, syn);
    socket.send_stream(4000);
    std::size_t largest = 0;
    for (const Seen& seen : peer.drain()) largest = std::max(largest, seen.payload.size());
    Socket::must(socket.abort());
    peer.drain();
    peer.restart(static_cast<std::uint16_t>(peer.port() + 1));
    return largest;
  }
};

TEST_F(Mss, OfThePeerIsNeverExceeded) {
  NARU_CHECKS("TCB-022");
  for (const Open open : kOpens) {
    EXPECT_EQ(first_payload(tcp().mss(536), open), 536U);
    EXPECT_EQ(first_payload(tcp().mss(1000), open), 1000U);
    EXPECT_EQ(first_payload(tcp().mss(1460), open), 1460U);
    EXPECT_EQ(first_payload(tcp().mss(65'535), open), 1460U) << "the path's limit";
  }
}

TEST_F(Mss, ThatIsTooSmallToBeTrueIsNotFollowed) {
  NARU_CHECKS("TCB-022");
  for (const std::uint16_t mss : {0, 1, 40}) {
    const std::size_t size = first_payload(tcp().mss(mss));
    EXPECT_GE(size, 48U);
    EXPECT_LE(size, 536U);
  }
}

TEST_F(Mss, IsInEverySyn) {
  NARU_CHECKS("TCB-022", "TCB-023");
  wire.listener();
  peer.inject(tcp().syn());  // even where the peer sends none
  peer.expect(tcp().syn().ack(1).mss(1460));
  peer.inject(tcp().rst().seq(1));
  peer.restart(41'000);
  Socket client = wire.tcp_socket();
  (void)client.connect(peer.endpoint());
  peer.expect(tcp().syn().mss(1460));
  peer.expect_after(1s, tcp().syn().mss(1460));
}

TEST_F(Mss, Of536IsAssumedWhereThePeerSaysNothing) {
  NARU_CHECKS("TCB-024");
  for (const Open open : kOpens) EXPECT_EQ(first_payload(tcp(), open), 536U);
}

TEST_F(Mss, LeavesRoomForOptions) {
  NARU_CHECKS("TCB-025");
  for (const Open open : kOpens) {
    EXPECT_EQ(first_payload(tcp().mss(1460).ts(1), open), 1448U);
    EXPECT_EQ(first_payload(tcp().mss(1000).ts(1), open), 988U);
    EXPECT_EQ(first_payload(tcp().ts(1), open), 524U);
  }
}

// SACK blocks of an ACK that carries data leave less room still.
TEST_F(Mss, LeavesRoomForSackBlocks) {
  NARU_CHECKS("TCB-025");
  Socket socket = establish(peer, Open::passive, plain_syn().sack_ok().ts(1));
  peer.inject(tcp().ack().ts(2).seq(2001).stream(10));
  peer.inject(tcp().ack().ts(2).seq(3001).stream(10));
  peer.drain();
  socket.send_stream(3000);
  const std::vector<Seen> sent = peer.drain();
  ASSERT_FALSE(sent.empty());
  std::size_t total = 0;
  for (const Seen& seen : sent) {
    total += seen.payload.size();
    EXPECT_LE(seen.frame.ipv4().total_length(), 1500);
  }
  EXPECT_EQ(total, 3000U);
}

class MssOfMtu : public StackTest, public ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(MssOfMtu, IsItsSizeLessTheFixedHeaders) {
  NARU_CHECKS("TCB-026");
  wire.link.card.mtu = GetParam();
  wire.listener();
  const auto expected = static_cast<std::uint16_t>(GetParam() - 40);
  peer.inject(tcp().syn().mss(1460).ts(1));
  peer.expect(tcp().syn().ack(1).mss(expected));
  peer.inject(tcp().rst().seq(1));
  peer.restart(41'000);
  Socket client = wire.tcp_socket();
  (void)client.connect(peer.endpoint());
  peer.expect(tcp().syn().mss(expected));
}
INSTANTIATE_TEST_SUITE_P(All, MssOfMtu, ::testing::Values(576U, 1280U, 1500U, 9000U, 65'535U));

TEST_F(Mss, IsSentOnSynsOnlyAndIgnoredElsewhere) {
  NARU_CHECKS("TCB-027");
  Socket socket = establish(peer);
  peer.inject(tcp().ack().mss(100));
  peer.inject(tcp().ack().mss(100).data("data"));
  peer.expect(tcp().ack(5).without(wire::kOptionMss));
  socket.send_stream(2000);
  peer.expect(tcp().stream(1460).without(wire::kOptionMss));
  peer.expect(tcp().stream(540).without(wire::kOptionMss));
  Socket::must(socket.shutdown(Shutdown::send));
  peer.expect(tcp().fin().ack().without(wire::kOptionMss));
}

TEST_F(Mss, FollowsThePath) {
  NARU_CHECKS("TCB-028", "MTU-001");
  Socket socket = establish(peer);
  socket.send_stream(2920);
  const Seen first = peer.expect(tcp().stream(1460).dont_fragment());
  peer.expect(tcp().stream(1460));
  peer.inject_error(icmp(3, 4).rest(0, 1400).src(Wire::kGateway), first);
  std::uint32_t next = 1;
  for (const Seen& seen : peer.drain()) {  // sent again at once, in smaller pieces
    EXPECT_LE(seen.frame.ipv4().total_length(), 1400);
    EXPECT_EQ(seen.seq, next);
    next = seen.end();
  }
  EXPECT_GT(next, 1U);
  peer.inject(tcp().ack(2921));
  socket.send_stream(1500);
  for (const Seen& seen : peer.drain()) EXPECT_LE(seen.frame.ipv4().total_length(), 1400);
}

struct Nagle : StackTest {};

TEST_F(Nagle, HoldsSmallSegmentsWhileOneIsInFlight) {
  NARU_CHECKS("TCB-029");
  Socket socket = establish(peer);
  for (const char c : std::string_view("0123456789")) socket.send({&c, 1});
  peer.expect(tcp().ack().data("0"));
  peer.expect_silence();
  peer.inject(tcp().ack());
  peer.expect(tcp().psh().ack().data("123456789"));
}

TEST_F(Nagle, LetsFullSegmentsGo) {
  NARU_CHECKS("TCB-029");
  Socket socket = establish(peer);
  socket.send_stream(100);
  peer.expect(tcp().stream(100));
  socket.send_stream(1500);
  peer.expect(tcp().seq(101).stream(1460));
  peer.expect_silence();
  peer.inject(tcp().ack());
  peer.expect(tcp().seq(1561).stream(40));
}

TEST_F(Nagle, CanBeTurnedOff) {
  NARU_CHECKS("TCB-030");
  Socket socket = establish(peer);
  Socket::must(socket.set(SocketOption::no_delay, 1));
  for (const char c : std::string_view("0123456789")) {
    socket.send({&c, 1});
    peer.expect(tcp().psh().ack().data({static_cast<std::uint8_t>(c)}));
  }
}

TEST_F(Nagle, TurnedOffLaterLetsGoWhatWaits) {
  NARU_CHECKS("TCB-030");
  Socket socket = establish(peer);
  socket.send("a");
  socket.send("b");
  peer.expect(tcp().data("a"));
  peer.expect_silence();
  Socket::must(socket.set(SocketOption::no_delay, 1));
  peer.expect(tcp().data("b"));
}

TEST_F(Nagle, PushMarksTheEndOfWhatIsQueued) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish(peer);
  socket.send_stream(3000);
  peer.expect(tcp().ack().seq(1).stream(1460));
  peer.expect(tcp().ack().seq(1461).stream(1460));
  peer.expect(tcp().psh().ack().seq(2921).stream(80));
  peer.expect_silence();
}

// Nothing is kept back for longer than it takes to fill a segment or hear an ACK.
TEST_F(Nagle, NothingIsBufferedForEver) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish(peer);
  socket.send("first");
  peer.expect(tcp().psh().ack().data("first"));
  socket.send("second");
  peer.inject(tcp().ack());
  peer.expect(tcp().psh().ack().data("second"));
  peer.inject(tcp().ack());
  socket.send("third", msg::kMore);
  peer.expect_between(0s, 500ms, tcp().data("third"));
}

}  // namespace
}  // namespace naru::test
