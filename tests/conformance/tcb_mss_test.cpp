// The maximum segment size: told, obeyed, and kept below the path's (RFC 9293 3.7.1,
// 3.7.2).

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class Mss : public SequenceTest {
 protected:
  // The largest payload of what the host sends now, with all of it acknowledged. What
  // is sent goes out whole.
  std::size_t largest(Socket& socket, std::size_t bytes) {
    socket.send_stream(bytes);
    std::size_t most = 0;
    std::size_t sum = 0;
    for (int rounds = 0; sum < bytes && rounds < 100; ++rounds) {
      for (const Seen& seen : peer.drain()) {
        most = std::max(most, seen.payload.size());
        sum += seen.payload.size();
      }
      peer.inject(acknowledgement());
    }
    EXPECT_EQ(sum, bytes);
    return most;
  }
  Segment acknowledgement() {
    Segment ack = tcp().ack();
    if (stamp_ != 0) ack.ts(++stamp_);
    return ack;
  }
  Socket connect(Segment options) {
    Socket socket = establish(options);
    stamp_ = socket.info().timestamps ? 1'000 : 0;
    return socket;
  }
  void start_again() {
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }

 private:
  std::uint32_t stamp_ = 0;
};
NARU_ALL_NUMBERINGS(Mss);

TEST_P(Mss, OfThePeerIsNeverExceeded) {
  NARU_CHECKS("TCB-022");
  for (const auto& [told, used] : {std::pair<std::uint16_t, std::size_t>{536, 536},
                                   {1000, 1000},
                                   {1459, 1459},
                                   {1460, 1460},
                                   {1461, 1460},
                                   {65'535, 1460}}) {
    Socket socket = connect(tcp().mss(told));
    EXPECT_EQ(largest(socket, 20'000), used);
    start_again();
  }
}

// A peer that wants tiny segments would cost us dearly: there is a least (documented).
TEST_P(Mss, HasALeast) {
  NARU_CHECKS("TCB-022");
  const auto least = static_cast<std::size_t>(wire.stack().option(Option::tcp_min_send_mss));
  for (const std::uint16_t told : {0, 1, 40}) {
    Socket socket = connect(tcp().mss(told));
    EXPECT_EQ(largest(socket, 2'000), least);
    start_again();
  }
}

TEST_P(Mss, IsToldInEverySyn) {
  NARU_CHECKS("TCB-022", "TCB-023");
  if (open() == Open::active) {
    Socket socket = wire.tcp_socket();
    ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
    peer.expect(tcp().syn().mss(1460));
    peer.expect_after(1s, tcp().syn().mss(1460));
    peer.inject(plain_syn().syn());  // and in the answer of a simultaneous open
    peer.expect(tcp().syn().ack(1).mss(1460));
  } else {
    wire.listener();
    peer.inject(tcp().syn());  // also where the peer tells none
    peer.expect(tcp().syn().ack(1).mss(1460));
    peer.expect_after(1s, tcp().syn().ack(1).mss(1460));
    wire.set(Option::tcp_syn_cookies, 2);
    start_again();
    peer.inject(plain_syn().syn());
    peer.expect(tcp().syn().ack(1).mss(1460));
  }
}

TEST_P(Mss, IsTheDefaultWhereThePeerTellsNone) {
  NARU_CHECKS("TCB-024");
  Socket socket = connect(tcp());
  EXPECT_EQ(largest(socket, 10'000), 536U);
  start_again();
  Socket other = connect(tcp().ts(1));
  EXPECT_EQ(largest(other, 10'000), 536U - 12);
}

TEST_P(Mss, LeavesRoomForTheOptionsOfEverySegment) {
  NARU_CHECKS("TCB-025", "MTU-016");
  for (const std::uint16_t told : {700, 1460, 9000}) {
    Socket socket = connect(tcp().mss(told).ts(1).sack_ok());
    EXPECT_EQ(largest(socket, 10'000), std::min<std::size_t>(told, 1460) - 12);
    // With SACK blocks to report, the segment as a whole is no longer.
    peer.inject(acknowledgement().seq(101).stream(100));
    peer.drain();
    socket.send_stream(5'000);
    for (const Seen& seen : peer.drain()) {
      const auto view = wire::TcpView::parse(seen.frame.ipv4().payload());
      EXPECT_LE(view->options().size() + seen.payload.size(), std::min<std::size_t>(told, 1460));
    }
    start_again();
  }
}

class Mtu : public SequenceTest {};
NARU_ALL_NUMBERINGS(Mtu);

// RFC 9293 3.7.1 MUST-67: the fixed headers are subtracted, the options not.
TEST_P(Mtu, GivesTheMssThatIsTold) {
  NARU_CHECKS("TCB-026", "MTU-015");
  for (const std::uint16_t mtu :
       std::initializer_list<std::uint16_t>{576, 1280, 1500, 9000, 65'535}) {
    for (const bool timestamps : {false, true}) {
      Wire other;
      Peer far(other);
      other.link.card.mtu = mtu;
      other.set(Option::tcp_timestamps, timestamps ? 1 : 0);
      if (open() == Open::active) {
        Socket socket = other.tcp_socket();
        ASSERT_EQ(socket.connect(far.endpoint()).error(), Error::in_progress);
        far.expect(tcp().syn().mss(mtu - 40));
      } else {
        other.listener();
        far.inject(tcp().syn().mss(1000).ts(1));
        far.expect(tcp().syn().ack(1).mss(mtu - 40));
      }
      other.finish();
    }
  }
}

TEST_P(Mss, BelongsToTheSynOnly) {
  NARU_CHECKS("TCB-027");
  Socket socket = connect(plain_syn());
  peer.inject(tcp().ack().mss(100));
  peer.inject(tcp().ack().mss(100).data("x"));
  wire.advance(500ms);
  for (const Seen& seen : peer.drain()) EXPECT_FALSE(seen.options.mss);
  EXPECT_EQ(largest(socket, 10'000), 1460U);
  peer.inject(tcp().fin().ack().mss(100));
  peer.expect(tcp().ack().without(wire::kOptionMss));
  socket.send_stream(5'000);
  for (const Seen& seen : peer.drain()) EXPECT_FALSE(seen.options.mss);
  EXPECT_EQ(socket.info().send_mss, 1460U);
}

// --- the path ---------------------------------------------------------------------------

// "Fragmentation needed", from a router on the way.
void too_big(Peer& peer, const Seen& segment, std::uint16_t mtu) {
  peer.inject_error(icmp(3, 4).rest(0, mtu).src(ip4("198.51.100.1")), segment);
}

TEST_P(Mss, FollowsASmallerPath) {
  NARU_CHECKS("TCB-028", "MTU-001");
  Socket socket = connect(plain_syn());
  socket.send_stream(4'380);
  const std::vector<Seen> first = peer.drain();
  ASSERT_EQ(first.size(), 3U);
  const TcpInfo before = socket.info();
  const Time told_at = wire.now();
  too_big(peer, first[0], 1'300);
  EXPECT_EQ(socket.info().send_mss, 1'260U);
  EXPECT_FALSE(peer.quiet()) << "sent again at once, not by a timer";
  EXPECT_EQ(wire.now(), told_at);
  const TcpInfo after = socket.info();
  EXPECT_EQ(after.ssthresh, before.ssthresh) << "no congestion";
  EXPECT_EQ(after.cwnd, before.cwnd);
  EXPECT_EQ(after.backoff, 0U);
  // All of it comes again, in pieces that fit.
  std::uint32_t next = 1;
  for (int rounds = 0; next < 4'381 && rounds < 20; ++rounds) {
    for (const Seen& seen : peer.drain()) {
      EXPECT_LE(seen.payload.size(), 1'260U);
      EXPECT_EQ(seen.seq, next);
      EXPECT_EQ(seen.payload, stream(seen.seq - 1, seen.payload.size()));
      next = seen.end();
    }
    peer.inject(tcp().ack(next));
  }
  EXPECT_EQ(next, 4'381U);
  EXPECT_EQ(largest(socket, 10'000), 1'260U);
}

TEST_P(Mss, IsThePathsLessTheOptionsOfTcp) {
  NARU_CHECKS("MTU-016");
  Socket socket = connect(plain_syn().ts(1));
  ASSERT_TRUE(socket.info().timestamps);
  socket.send_stream(1'448);
  too_big(peer, peer.expect(tcp().ack().length(1'448)), 1'280);
  peer.drain();
  peer.inject(acknowledgement().ack(1'449));
  peer.set_rcv_nxt(1'449);
  EXPECT_EQ(largest(socket, 10'000), 1'280U - 40 - 12);
}

// RFC 5927 7.2: what has been acknowledged was not too big.
TEST_P(Mss, IgnoresNewsOfASegmentThatHasArrived) {
  NARU_CHECKS("MTU-007");
  Socket socket = connect(plain_syn());
  socket.send_stream(2'920);
  const std::vector<Seen> sent = peer.drain();
  ASSERT_EQ(sent.size(), 2U);
  peer.inject(tcp().ack(1'461));
  too_big(peer, sent[0], 1'300);
  EXPECT_EQ(socket.info().send_mss, 1'460U);
  EXPECT_EQ(socket.info().path_mtu, 1'500U);
  EXPECT_TRUE(peer.quiet());
  peer.inject(tcp().ack(2'921));
  peer.set_rcv_nxt(2'921);
  for (const Seen& segment : sent) too_big(peer, segment, 1'300);
  EXPECT_EQ(largest(socket, 10'000), 1'460U);
}

TEST_P(Mss, FollowsThePathUpAgain) {
  NARU_CHECKS("TCB-028");
  Socket socket = connect(plain_syn());
  socket.send_stream(1'460);
  too_big(peer, peer.expect(tcp().ack().length(1'460)), 1'300);
  peer.drain();
  peer.inject(tcp().ack(1'461));
  peer.set_rcv_nxt(1'461);
  EXPECT_EQ(largest(socket, 10'000), 1'260U);
  wire.advance(std::chrono::minutes(11));  // RFC 1191 6.3: ten minutes
  EXPECT_EQ(largest(socket, 10'000), 1'460U);
}

// Each connection to the same host learns what one of them was told.
TEST_P(Mss, OfOtherConnectionsOnThePathFollowsToo) {
  NARU_CHECKS("TCB-028");
  Socket socket = connect(plain_syn());
  Peer other(wire, Wire::kPeer, 50'000);
  Socket second = test::establish(other);
  socket.send_stream(1'460);
  too_big(peer, peer.expect(tcp().ack().length(1'460)), 1'300);
  peer.drain();
  second.send_stream(3'000);
  for (const Seen& seen : other.drain()) EXPECT_LE(seen.payload.size(), 1'260U);
  EXPECT_EQ(second.info().send_mss, 1'260U);
}

}  // namespace
}  // namespace naru::test
