// TIME-WAIT (RFC 9293 3.10.7.4, RFC 1337, RFC 6191) and ABORT (RFC 9293 3.10.5).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class TimeWait : public SequenceTest {
 protected:
  // TIME-WAIT with the socket closed. The peer's next number is 2, the host's too.
  void enter(const Segment& options = plain_syn()) {
    Socket socket = establish(options);
    Socket::must(socket.close());
    peer.expect(tcp().fin().ack());
    peer.inject(stamped(tcp().ack()));
    peer.inject(stamped(tcp().fin().ack()));
    peer.expect(tcp().ack(2));
    ASSERT_EQ(waiting(), 1U);
  }
  // With the timestamp option that the connection has agreed on.
  Segment stamped(Segment segment) const {
    return timestamp == 0 ? segment : segment.ts(timestamp);
  }
  std::uint32_t waiting() { return wire.stack().usage().time_wait; }

  std::uint32_t timestamp = 0;
};
NARU_ALL_NUMBERINGS(TimeWait);

TEST_P(TimeWait, LastsTwoMsl) {
  NARU_CHECKS("TCB-020");
  wire.set(Option::tcp_time_wait, 60'000);
  enter();
  wire.advance(59'900ms);
  EXPECT_EQ(waiting(), 1U);
  wire.advance(1s);
  EXPECT_EQ(waiting(), 0U);
  peer.inject(tcp().ack());
  peer.expect(tcp().rst().seq(2));
}

TEST_P(TimeWait, IsNotAssassinatedByAReset) {
  NARU_CHECKS("TCS-038", "TCS-044");
  enter();
  for (const std::uint32_t seq : {2U, 1U, 3U, 1000U, 0x8000'0000U}) {
    peer.inject(tcp().rst().seq(seq));
    peer.inject(tcp().rst().ack().seq(seq));
    peer.expect_silence();
    EXPECT_EQ(waiting(), 1U);
  }
}

TEST_P(TimeWait, ARepeatedFinIsAcknowledgedAndStartsItAgain) {
  NARU_CHECKS("TCS-039", "TCB-020");
  wire.set(Option::tcp_time_wait, 60'000);
  enter();
  wire.advance(50s);
  peer.inject(tcp().fin().ack().seq(1));
  peer.expect(tcp().ack(2).seq(2).length(0));
  wire.advance(50s);
  EXPECT_EQ(waiting(), 1U) << "the timer was restarted";
  wire.advance(11s);
  EXPECT_EQ(waiting(), 0U);
}

TEST_P(TimeWait, OldDataIsAcknowledged) {
  NARU_CHECKS("TCS-039");
  enter();
  peer.inject(tcp().ack().seq(1).data("old"));
  peer.expect(tcp().ack(2).seq(2).length(0));
  for (int i = 0; i < 1000; ++i) peer.inject(tcp().ack().seq(1).data("old"));
  EXPECT_LE(peer.drain().size(), 1000U);
  EXPECT_EQ(waiting(), 1U);
}

// A new connection on the same tuple. For an active open nobody listens on the
// port, so a listener is made for it.
class Reuse : public TimeWait {
 protected:
  void listen() {
    if (open() == Open::active) wire.listener(peer.host_port());
  }
  void expect_new_connection(const Segment& syn) {
    const std::uint32_t old_iss = peer.irs();
    peer.inject(syn);
    const Seen answer = peer.expect(tcp().syn().ack());
    EXPECT_EQ(waiting(), 0U);
    EXPECT_LT(peer.irs() - (old_iss + 2), 0x8000'0000U) << "the new ISN is above the old SND.NXT";
    EXPECT_EQ(answer.seq, 0U);
  }
  void expect_challenge(const Segment& syn) {
    peer.inject(syn);
    peer.expect(tcp().ack(2).seq(2).length(0));
    EXPECT_EQ(waiting(), 1U);
  }
};
NARU_ALL_NUMBERINGS(Reuse);

TEST_P(Reuse, ByAHigherSequenceNumber) {
  NARU_CHECKS("TCS-040", "TCB-021");
  enter();
  listen();
  expect_challenge(tcp().syn().seq(1).mss(1460));
  wire.advance(1s);
  expect_challenge(tcp().syn().seq(0U - 100'000U).mss(1460));
  wire.advance(1s);
  expect_new_connection(tcp().syn().seq(3).mss(1460));
}

TEST_P(Reuse, ByALaterTimestamp) {
  NARU_CHECKS("TCS-040", "TCB-021");
  timestamp = 5000;
  enter(plain_syn().ts(5000));
  listen();
  expect_challenge(tcp().syn().seq(0U - 1000U).mss(1460).ts(4000));
  wire.advance(1s);
  expect_new_connection(tcp().syn().seq(0U - 1000U).mss(1460).ts(6000));
}

TEST_P(Reuse, ByALaterTimestampAndAHigherSequenceNumber) {
  NARU_CHECKS("TCS-040", "TCB-021");
  timestamp = 5000;
  enter(plain_syn().ts(5000));
  listen();
  expect_new_connection(tcp().syn().seq(1000).mss(1460).ts(6000));
}

TEST_P(Reuse, ByTheSameTimestampAndAHigherSequenceNumber) {
  NARU_CHECKS("TCS-040", "TCB-021");
  timestamp = 5000;
  enter(plain_syn().ts(5000));
  listen();
  expect_challenge(tcp().syn().seq(0U - 1000U).mss(1460).ts(5000));
  wire.advance(1s);
  expect_new_connection(tcp().syn().seq(1000).mss(1460).ts(5000));
}

struct TimeWaitTable : StackTest {};

TEST_F(TimeWaitTable, IsBoundedAndForgetsTheOldest) {
  NARU_CHECKS("TCS-041");
  wire.set(Option::max_time_wait, 64);
  for (std::uint16_t i = 0; i < 3000; ++i) {
    peer.restart(static_cast<std::uint16_t>(1024 + i));
    Socket server = establish(peer);
    Socket::must(server.close());
    peer.expect(tcp().fin().ack());
    peer.inject(tcp().fin().ack());
    peer.expect(tcp().ack(2));
    ASSERT_LE(wire.stack().usage().time_wait, 64U);
    ASSERT_EQ(wire.stack().usage().connections, 1U);
  }
  EXPECT_EQ(wire.stack().usage().time_wait, 64U);
  peer.restart(1024 + 2999);  // the newest is remembered
  peer.set_rcv_nxt(0);
  peer.inject(tcp().fin().ack().seq(1));
  EXPECT_EQ(peer.drain().size(), 1U);
  EXPECT_EQ(wire.stack().counters().get(Counter::tcp_time_wait_evicted), 3000U - 64U);
}

using StateAndOpen = std::tuple<TcpState, Open>;
class Abort : public StackTest, public ::testing::WithParamInterface<StateAndOpen> {};
class AbortByClose : public Abort {};

std::string name_of_way(const ::testing::TestParamInfo<StateAndOpen>& info) {
  return std::string(word_of(std::get<0>(info.param))) +
         std::string(name_of(std::get<1>(info.param)));
}

// The states in which a program has a socket to close.
std::vector<StateAndOpen> ways_with_a_socket() {
  std::vector<StateAndOpen> ways;
  for (const TcpState state : kStates) {
    ways.emplace_back(state, Open::active);
    if (state != TcpState::syn_received) ways.emplace_back(state, Open::passive);
  }
  return ways;
}

// RFC 9293 3.10.5: where both sides have finished, nothing is left to say.
TEST_P(Abort, SendsAResetWhereTheRfcAsksForOne) {
  NARU_CHECKS("TCS-042");
  const auto [state, open] = GetParam();
  Socket socket = reach(peer, state, open);
  const std::uint32_t nxt = peer.rcv_nxt();
  const bool resets = state == TcpState::syn_received || state == TcpState::established ||
                      state == TcpState::fin_wait_1 || state == TcpState::fin_wait_2 ||
                      state == TcpState::close_wait;
  if (open == Open::passive && state == TcpState::syn_received) {
    Socket::must(wire.listener().abort());  // nobody else holds it
  } else {
    Socket::must(socket.abort());
  }
  if (resets) {
    const Seen reset = peer.next();
    EXPECT_TRUE(reset.has(wire::kRst));
    EXPECT_EQ(reset.seq, nxt);
  }
  peer.expect_silence(120s);
  const Stack::Usage usage = wire.stack().usage();
  EXPECT_LE(usage.connections, 1U);
  EXPECT_EQ(usage.flows, 0U);
}

// SO_LINGER with no time, then close: the same.
TEST_P(AbortByClose, LingerZeroMakesCloseAnAbort) {
  NARU_CHECKS("TCS-042");
  const auto [state, open] = GetParam();
  Socket socket = reach(peer, state, open);
  const bool resets = state == TcpState::syn_received || state == TcpState::established ||
                      state == TcpState::fin_wait_1 || state == TcpState::fin_wait_2 ||
                      state == TcpState::close_wait;
  Socket::must(socket.set(SocketOption::linger, 0));
  Socket::must(socket.close());
  EXPECT_EQ(!peer.quiet() && peer.next().has(wire::kRst), resets);
  peer.expect_silence(120s);
  EXPECT_LE(wire.stack().usage().connections, 1U);
}

INSTANTIATE_TEST_SUITE_P(All, Abort,
                         ::testing::Combine(::testing::ValuesIn(kStates),
                                            ::testing::ValuesIn(kOpens)),
                         name_of_way);
INSTANTIATE_TEST_SUITE_P(All, AbortByClose, ::testing::ValuesIn(ways_with_a_socket()), name_of_way);

}  // namespace
}  // namespace naru::test
