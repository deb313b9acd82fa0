// A peer that does not answer: advice to routing at R1, the end at R2 (RFC 9293 3.8.3).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class BlackHole : public SequenceTest {
 protected:
  // The row of Linux's table for a connection that has failed and not yet said so.
  static constexpr std::uint8_t kFailed =
      ready::kIn | ready::kOut | ready::kErr | ready::kHup | ready::kRdHup;

  void expect_failed(Socket& socket, Error error) {
    EXPECT_EQ(socket.state(), TcpState::closed);
    EXPECT_EQ(socket.readiness(), kFailed);
    EXPECT_EQ(socket.take_error(), error);
    EXPECT_EQ(socket.take_error(), Error::none);
  }
  // The time from now until the connection fails, at most `limit`.
  Duration time_to_failure(Socket& socket, Duration limit) {
    const Time start = wire.now();
    while (!socket.is_ready(ready::kErr) && wire.step(start + limit)) {
    }
    return wire.now() - start;
  }
};
NARU_ALL_NUMBERINGS(BlackHole);

TEST_P(BlackHole, EndsAtR2) {
  NARU_CHECKS("TCB-034", "TCB-037");
  Socket socket = establish();
  socket.send("hello?");
  peer.expect(tcp().ack().data("hello?"));
  const Duration r2 = time_to_failure(socket, std::chrono::hours(2));
  const std::vector<Seen> again = peer.drain();
  EXPECT_EQ(again.size(), 15U) << "tcp.retries2";
  for (const Seen& seen : again) EXPECT_EQ(text(seen.payload), "hello?");
  EXPECT_GE(r2, 100s) << "RFC 9293 3.8.3 SHLD-11";
  EXPECT_LE(r2, std::chrono::minutes(30)) << "Linux: 15.4 minutes";
  expect_failed(socket, Error::timed_out);
  peer.expect_silence(600s);
}

// The first hop is asked whether it is still there.
TEST_P(BlackHole, DoubtsTheNeighbourAtR1) {
  NARU_CHECKS("TCB-034", "TCB-037");
  Socket socket = establish();
  wire.set(Option::arp_reachable_time, 1'200'000);  // or it is asked for its age
  wire.answer_arp = false;
  peer.inject(tcp().ack().data("fresh"));
  wire.advance(500ms);
  peer.drain();
  socket.send("hello?");
  peer.expect(tcp().ack().data("hello?"));
  int retransmissions = 0;
  while (wire.frames().empty() && wire.step(wire.now() + 60s)) {
    retransmissions += static_cast<int>(peer.drain().size());
  }
  EXPECT_GE(retransmissions, 3) << "RFC 9293 3.8.3 SHLD-10";
  EXPECT_LE(retransmissions, 5);
  wire.expect(arp().op(1).tpa(Wire::kPeer));
  wire.forget_frames();
}

// And another router is taken, where the doubt proves right.
TEST_P(BlackHole, ChangesTheRouterAfterR1) {
  NARU_CHECKS("TCB-034");
  const IpAddr other_gateway = ip4("10.0.0.253");
  Peer far(wire, ip4("192.0.2.1"));
  wire.set(Option::arp_reachable_time, 1'200'000);
  ASSERT_TRUE(
      wire.stack().add_route({IpAddr::any_v4(), 0}, other_gateway, wire.interface()).has_value());
  Socket socket = test::establish(far, open());
  socket.send("hello?");
  const MacAddr first = far.expect(tcp().ack().data("hello?")).frame.ethernet().dst();
  wire.silent.insert(first == Wire::mac_of(Wire::kGateway) ? Wire::kGateway : other_gateway);
  bool changed = false;
  for (int tries = 0; tries < 10 && !changed; ++tries) {
    const Seen again = far.expect_between(0s, 120s, tcp().ack().data("hello?"));
    changed = again.frame.ethernet().dst() != first;
  }
  EXPECT_TRUE(changed);
  far.inject(tcp().ack());
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 0);
}

TEST_P(BlackHole, EndsWhenTheProgramsTimeIsOver) {
  NARU_CHECKS("TCB-035");
  for (const int seconds : {5, 30, 200, 2'000}) {
    Socket socket = establish();
    Socket::must(socket.set(SocketOption::user_timeout, seconds * 1000));
    EXPECT_EQ(socket.get(SocketOption::user_timeout), seconds * 1000);
    if (seconds > 500) wire.set(Option::tcp_retries2, 127);
    socket.send("hello?");
    const Duration r2 = time_to_failure(socket, std::chrono::hours(2));
    EXPECT_NEAR(std::chrono::duration<double>(r2).count(), seconds, 0.1);
    expect_failed(socket, Error::timed_out);
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

// The time counts from the oldest byte that waits, not from the last one acknowledged.
TEST_P(BlackHole, TheProgramsTimeStartsWithTheData) {
  NARU_CHECKS("TCB-035");
  for (const std::uint16_t window : {65'535, 0}) {
    Socket socket = establish();
    Socket::must(socket.set(SocketOption::user_timeout, 10'000));
    peer.inject(tcp().ack().data("unread"));  // so that the connection does not rest
    peer.inject(tcp().ack().window(window));
    wire.advance(100s);
    peer.drain();
    socket.send("hello?");
    peer.expect_between(0s, 1s, tcp().ack());  // the data, or a probe of the closed window
    wire.advance(8s);
    EXPECT_EQ(socket.state(), TcpState::established);
    const Duration rest = time_to_failure(socket, 60s);
    EXPECT_LE(rest, 2s + 10ms);
    expect_failed(socket, Error::timed_out);
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

TEST_P(BlackHole, TheProgramCanAllowMoreTries) {
  NARU_CHECKS("TCB-035");
  wire.set(Option::tcp_retries2, 3);
  Socket socket = establish();
  socket.send("hello?");
  time_to_failure(socket, std::chrono::hours(2));
  EXPECT_EQ(peer.drain().size(), 1U + 3);
  expect_failed(socket, Error::timed_out);
}

TEST_P(BlackHole, CanBeSeenBeforeItIsTheEnd) {
  NARU_CHECKS("TCB-036");
  Socket socket = establish();
  socket.send("hello?");
  for (std::uint8_t i = 0; i < 8; ++i) {
    EXPECT_EQ(socket.info().retransmits, i);
    EXPECT_EQ(socket.info().backoff, i);
    EXPECT_EQ(socket.info().total_retransmits, i);
    EXPECT_EQ(socket.info().unacked, 1U);
    peer.expect_between(0s, 120s, tcp().ack().data("hello?"));
    if (i == 0) {
      peer.expect_between(0s, 120s, tcp().ack().data("hello?"));
    }
  }
  peer.inject(tcp().ack());
  EXPECT_EQ(socket.info().retransmits, 0U) << "no trouble any more";
  EXPECT_EQ(socket.info().total_retransmits, 8U);
}

// What an unanswered keep-alive has used up is not taken from R2.
TEST_P(BlackHole, KeepAlivesDoNotCountAsRetransmissions) {
  NARU_CHECKS("TCB-037");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::keep_alive, 1));
  Socket::must(socket.set(SocketOption::keep_idle, 10));
  Socket::must(socket.set(SocketOption::keep_interval, 1));
  Socket::must(socket.set(SocketOption::keep_count, 20));
  wire.advance(25s);
  EXPECT_GE(peer.drain().size(), 10U);
  socket.send("hello?");
  const Duration r2 = time_to_failure(socket, std::chrono::hours(2));
  EXPECT_GE(r2, 100s);
  EXPECT_EQ(peer.drain().size(), 1U + 15);
  expect_failed(socket, Error::timed_out);
}

// --- the SYN ---------------------------------------------------------------------------------

class SynBlackHole : public BlackHole {
 protected:
  Socket connect() { return reach(TcpState::syn_sent); }
};
INSTANTIATE_TEST_SUITE_P(All, SynBlackHole,
                         ::testing::ValuesIn(kNumberings + 3, std::end(kNumberings)), name_of_case);

TEST_P(SynBlackHole, IsTriedForThreeMinutes) {
  NARU_CHECKS("TCB-038");
  Socket socket = connect();
  for (Duration wait = 1s; wait <= 64s; wait *= 2) peer.expect_after(wait, tcp().syn().seq(0));
  const Duration rest = time_to_failure(socket, std::chrono::hours(1));
  EXPECT_GE(rest + 127s, 180s) << "RFC 9293 3.8.3 MUST-23";
  expect_failed(socket, Error::timed_out);
  peer.expect_silence(600s);
}

TEST_P(SynBlackHole, IsTriedAsOftenAsTheProgramSays) {
  NARU_CHECKS("TCB-038");
  for (const int count : {1, 2, 3, 10}) {
    Socket socket = wire.tcp_socket();
    Socket::must(socket.set(SocketOption::syn_count, count));
    ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
    peer.expect(tcp().syn());
    const Duration all = time_to_failure(socket, std::chrono::hours(2));
    EXPECT_EQ(peer.drain().size(), static_cast<std::size_t>(count));
    double expected = 0;
    for (int i = 0; i <= count; ++i) expected += std::min(120.0, static_cast<double>(1 << i));
    EXPECT_NEAR(std::chrono::duration<double>(all).count(), expected, 0.1);
    expect_failed(socket, Error::timed_out);
  }
}

TEST_P(SynBlackHole, EndsWhenTheProgramsTimeIsOver) {
  NARU_CHECKS("TCB-038", "TCB-035");
  Socket socket = wire.tcp_socket();
  Socket::must(socket.set(SocketOption::user_timeout, 20'000));
  ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
  const Duration all = time_to_failure(socket, std::chrono::hours(2));
  EXPECT_NEAR(std::chrono::duration<double>(all).count(), 20, 0.1);
  expect_failed(socket, Error::timed_out);
  peer.drain();
}

// MUST-22: also R1.
TEST_P(SynBlackHole, DoubtsTheNeighbourAtR1) {
  NARU_CHECKS("TCB-038", "TCB-034");
  connect();
  wire.set(Option::arp_reachable_time, 1'200'000);
  wire.answer_arp = false;
  int retransmissions = 0;
  while (wire.frames().empty() && wire.step(wire.now() + 120s)) {
    retransmissions += static_cast<int>(peer.drain().size());
  }
  EXPECT_GE(retransmissions, 3);
  EXPECT_LE(retransmissions, 5);
  wire.expect(arp().op(1).tpa(Wire::kPeer));
  wire.forget_frames();
}

// Nobody answers ARP: that is known at once, and not only after R2.
TEST_P(SynBlackHole, WithoutANeighbourFailsAtOnce) {
  NARU_CHECKS("TCB-038");
  wire.silent.insert(ip4("10.0.0.77"));
  Socket socket = wire.tcp_socket();
  ASSERT_EQ(socket.connect({ip4("10.0.0.77"), 80}).error(), Error::in_progress);
  EXPECT_LE(time_to_failure(socket, 60s), 5s);
  expect_failed(socket, Error::host_unreachable);
}

}  // namespace
}  // namespace naru::test
