// How connections end, and what the program hears of it (RFC 9293 3.5.3, 3.6).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class End : public SequenceTest {
 protected:
  // Of a socket that TCP is done with, in Linux's table.
  static constexpr std::uint8_t kDone = ready::kIn | ready::kOut | ready::kHup | ready::kRdHup;

  static Error send_error(Socket& socket) {
    const auto sent = socket.try_send(bytes("x"));
    return sent ? Error::none : sent.error();
  }
};
NARU_ALL_NUMBERINGS(End);
// What only one kind of open knows.
class ActiveEnd : public End {};
INSTANTIATE_TEST_SUITE_P(All, ActiveEnd,
                         ::testing::ValuesIn(kNumberings + 3, std::end(kNumberings)), name_of_case);
class PassiveEnd : public End {};
INSTANTIATE_TEST_SUITE_P(All, PassiveEnd, ::testing::ValuesIn(kNumberings, kNumberings + 3),
                         name_of_case);

TEST_P(End, AResetMayCarryData) {
  NARU_CHECKS("TCB-017");
  for (const TcpState state : {TcpState::established, TcpState::fin_wait_1, TcpState::fin_wait_2}) {
    SCOPED_TRACE(name_of(state));
    Socket socket = reach(state);
    peer.inject(tcp().rst().stream(20));
    peer.expect_silence(10s);
    socket.expect_recv(Error::reset);
    socket.expect_eof();  // and not the data
    EXPECT_EQ(socket.info().bytes_received, 0U);
    EXPECT_EQ(state_of(wire, socket), TcpState::closed);
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

TEST_P(ActiveEnd, AResetWithDataRefusesAConnection) {
  NARU_CHECKS("TCB-017");
  Socket socket = reach(TcpState::syn_sent);
  peer.inject(tcp().rst().ack(1).seq(0).data("no room"));
  EXPECT_EQ(socket.take_error(), Error::refused);
}

TEST_P(End, ANormalCloseReadsAsTheEnd) {
  NARU_CHECKS("TCB-018");
  Socket socket = establish();
  EXPECT_EQ(socket.readiness(), ready::kOut);
  peer.inject(tcp().fin().ack().data("last"));
  peer.expect(tcp().ack(6));
  EXPECT_EQ(socket.readiness(), ready::kIn | ready::kOut | ready::kRdHup);
  socket.expect_read("last");
  socket.expect_eof();
  socket.expect_eof();
  EXPECT_EQ(socket.take_error(), Error::none);
  EXPECT_EQ(socket.readiness(), ready::kIn | ready::kOut | ready::kRdHup);
  EXPECT_EQ(send_error(socket), Error::none) << "the other direction lives";
  peer.expect(tcp().ack(6).data("x"));
}

TEST_P(End, AnAbortReadsAsAReset) {
  NARU_CHECKS("TCB-018");
  Socket socket = establish();
  peer.inject(tcp().rst().seq(1));
  EXPECT_EQ(socket.readiness(), kDone | ready::kErr);
  socket.expect_recv(Error::reset);
  EXPECT_EQ(socket.readiness(), kDone);
  socket.expect_eof();
  EXPECT_EQ(send_error(socket), Error::broken_pipe);
}

TEST_P(End, AnAbortIsToldBySend) {
  NARU_CHECKS("TCB-018");
  Socket socket = establish();
  peer.inject(tcp().rst().seq(1));
  EXPECT_EQ(send_error(socket), Error::reset);
  EXPECT_EQ(send_error(socket), Error::broken_pipe);
  socket.expect_eof();
}

TEST_P(End, AnAbortIsToldBySoError) {
  NARU_CHECKS("TCB-018");
  Socket socket = establish();
  peer.inject(tcp().rst().seq(1));
  EXPECT_EQ(socket.take_error(), Error::reset);
  EXPECT_EQ(socket.take_error(), Error::none);
  EXPECT_EQ(socket.readiness(), kDone);
}

TEST_P(End, WhatCameBeforeAnAbortCanBeReadFirst) {
  NARU_CHECKS("TCB-018");
  Socket socket = establish();
  peer.inject(tcp().ack().data("hello"));
  peer.inject(tcp().rst());
  EXPECT_EQ(socket.readiness(), kDone | ready::kErr);
  std::array<std::uint8_t, 10> room{};
  EXPECT_EQ(socket.try_recv(room), 5U);
  socket.expect_recv(Error::reset);
  socket.expect_eof();
  peer.drain();
}

// Before the program has accepted it: the connection is handed out all the same.
TEST_P(PassiveEnd, AResetBeforeAcceptIsToldAfterIt) {
  NARU_CHECKS("TCB-018");
  wire.listener();
  peer.inject(plain_syn().syn());
  peer.expect(tcp().syn().ack(1));
  peer.inject(tcp().ack());
  peer.inject(tcp().rst());
  Socket socket = wire.listener().accept();
  socket.expect_recv(Error::reset);
}

TEST_P(End, CloseWithUnreadDataResets) {
  NARU_CHECKS("TCB-019");
  Socket socket = establish();
  peer.inject(tcp().ack().stream(100));
  wire.advance(500ms);
  peer.drain();
  Socket::must(socket.close());
  peer.expect(tcp().rst().ack(101).seq(1));
  peer.expect_silence(120s);
  EXPECT_EQ(wire.stack().usage().connections, open() == Open::passive ? 1U : 0U);
}

TEST_P(End, CloseWithUnreadDataBehindAFinResets) {
  NARU_CHECKS("TCB-019");
  Socket socket = establish();
  peer.inject(tcp().fin().ack().stream(100));
  peer.drain();
  Socket::must(socket.close());
  peer.expect(tcp().rst().ack(102).seq(1));
  peer.expect_silence(120s);
}

TEST_P(End, CloseWithEverythingReadDoesNot) {
  NARU_CHECKS("TCB-019");
  Socket socket = establish();
  peer.inject(tcp().ack().stream(100));
  socket.expect_stream(100);
  wire.advance(500ms);
  peer.drain();
  Socket::must(socket.close());
  peer.expect(tcp().fin().ack(101).seq(1));
}

TEST_P(End, DataAfterCloseIsReset) {
  NARU_CHECKS("TCB-019");
  for (const bool fin_acknowledged : {false, true}) {
    Socket socket = establish();
    Socket::must(socket.close());
    peer.expect(tcp().fin().ack(1).seq(1));
    if (fin_acknowledged) peer.inject(tcp().ack());
    peer.inject(tcp().ack(fin_acknowledged ? 2 : 1).data("late"));
    const Seen reset = peer.next();
    EXPECT_TRUE(reset.has(wire::kRst));
    EXPECT_EQ(reset.seq, 2U);
    peer.expect_silence(120s);
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

TEST_P(End, DataAfterAHalfCloseIsTaken) {
  NARU_CHECKS("TCB-019");
  Socket socket = reach(TcpState::fin_wait_2);
  peer.inject(tcp().ack().data("late"));
  socket.expect_read("late");
  wire.advance(500ms);
  peer.expect(tcp().ack(5).length(0));
}

// --- TIME-WAIT ---------------------------------------------------------------------------

class TwoMsl : public SequenceTest {
 protected:
  // The host closes first.
  void close(Segment options = plain_syn()) {
    Socket socket = establish(options);
    Socket::must(socket.close());
    peer.expect(tcp().fin().ack(1));
    peer.inject(stamped(tcp().fin().ack()));
    peer.expect(tcp().ack(2));
  }
  Segment stamped(Segment segment) const {
    return timestamp == 0 ? segment : segment.ts(timestamp);
  }
  void expect_acknowledged() {
    peer.inject(stamped(tcp().fin().ack(2).seq(1)));
    peer.expect(tcp().ack(2).seq(2).length(0));
  }
  std::uint32_t waiting() { return wire.stack().usage().time_wait; }

  std::uint32_t timestamp = 0;
};
NARU_ALL_NUMBERINGS(TwoMsl);

TEST_P(TwoMsl, IsAMinuteWhereNothingElseIsSaid) {
  NARU_CHECKS("TCB-020");
  close();
  wire.advance(59s);
  EXPECT_EQ(waiting(), 1U);
  expect_acknowledged();  // and it starts again
  wire.advance(59s);
  expect_acknowledged();
  wire.advance(61s);
  EXPECT_EQ(waiting(), 0U);
  peer.inject(tcp().fin().ack(2).seq(1));
  peer.expect(tcp().rst().seq(2));
}

TEST_P(TwoMsl, IsWhatTheOptionSays) {
  NARU_CHECKS("TCB-020");
  for (const std::int64_t ms : {2'000, 120'000, 240'000}) {
    wire.set(Option::tcp_time_wait, ms);
    close();
    wire.advance(std::chrono::milliseconds(ms - 500));
    EXPECT_EQ(waiting(), 1U);
    wire.advance(1s);
    EXPECT_EQ(waiting(), 0U);
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

TEST_P(TwoMsl, OnlyTheActiveCloserWaits) {
  NARU_CHECKS("TCB-020");
  Socket socket = reach(TcpState::last_ack);
  peer.inject(tcp().ack());
  EXPECT_EQ(state_of(wire, socket), TcpState::closed);
  EXPECT_EQ(waiting(), 0U);
}

TEST_P(TwoMsl, BothWaitAfterASimultaneousClose) {
  NARU_CHECKS("TCB-020");
  reach(TcpState::closing);
  peer.inject(tcp().ack());
  EXPECT_EQ(waiting(), 1U);
  wire.advance(59s);
  EXPECT_EQ(waiting(), 1U);
  wire.advance(2s);
  EXPECT_EQ(waiting(), 0U);
}

// A new connection takes its place where its SYN cannot be an old one (RFC 6191).
TEST_P(TwoMsl, IsCutShortByANewerSyn) {
  NARU_CHECKS("TCB-021");
  wire.set(Option::tcp_challenge_ack_interval, 0);
  struct Case {
    std::uint32_t stamp;  // of the old connection; 0: none
    std::uint32_t new_stamp;
    std::uint32_t seq;
    bool accepted;
  };
  constexpr std::uint32_t kBefore = 0U - 100'000U;
  for (const Case& c :
       {Case{0, 0, 3, true}, Case{0, 0, 2'000'000, true}, Case{0, 0, 1, false},
        Case{0, 0, kBefore, false}, Case{500, 600, 3, true}, Case{500, 600, kBefore, true},
        Case{500, 500, kBefore, false}, Case{500, 400, kBefore, false}, Case{500, 400, 3, false}}) {
    SCOPED_TRACE(std::to_string(c.stamp) + " " + std::to_string(c.new_stamp) + " " +
                 std::to_string(c.seq));
    timestamp = c.stamp;
    Segment options = plain_syn();
    if (c.stamp != 0) options.ts(c.stamp);
    close(options);
    wire.listener(peer.host_port());
    const std::uint32_t old_end = peer.irs() + 2;
    Segment syn = tcp().syn().mss(1460).seq(c.seq);
    if (c.new_stamp != 0) syn.ts(c.new_stamp);
    peer.inject(syn);
    if (c.accepted) {
      peer.expect(tcp().syn().ack(c.seq + 1));
      EXPECT_LT(peer.irs() - old_end, 0x8000'0000U) << "the new ISN lies above the old numbers";
    } else {
      peer.expect(tcp().ack(2).seq(2).length(0));
      EXPECT_EQ(waiting(), 1U);
    }
    wire.advance(std::chrono::minutes(10));
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

}  // namespace
}  // namespace naru::test
