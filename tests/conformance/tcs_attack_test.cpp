// RST, SYN and ACK from someone who guesses (RFC 5961), in every synchronised state.

#include "sequence_test.hpp"

namespace naru::test {
namespace {

// A state and an open.
using Place = std::tuple<TcpState, Open>;

class InState : public StackTest, public ::testing::WithParamInterface<Place> {
 protected:
  // The connection, with every challenge answered and the window as the peer knows it.
  void SetUp() override {
    wire.set(Option::tcp_challenge_ack_interval, 0);
    socket = reach(peer, state(), open());
    connections = wire.stack().usage().connections;
  }
  TcpState state() const { return std::get<0>(GetParam()); }
  Open open() const { return std::get<1>(GetParam()); }

  void expect_unchanged() {
    EXPECT_EQ(wire.stack().usage().connections, connections);
    if (!socket) return;
    EXPECT_EQ(socket.state(), state());
  }
  std::uint32_t nxt() const { return peer.snd_nxt(); }
  std::uint32_t right() const { return nxt() + kWindow; }

  // Without window scaling the first window is the largest that fits the field,
  // less what was received of it.
  static constexpr std::uint32_t kWindow = 65'535;

  Socket socket;
  std::uint32_t connections = 0;
};

std::string name_of_place(const ::testing::TestParamInfo<Place>& info) {
  return std::string(word_of(std::get<0>(info.param))) +
         std::string(name_of(std::get<1>(info.param)));
}

INSTANTIATE_TEST_SUITE_P(
    All, InState,
    ::testing::Combine(::testing::Values(TcpState::syn_received, TcpState::established,
                                         TcpState::fin_wait_1, TcpState::fin_wait_2,
                                         TcpState::close_wait, TcpState::closing,
                                         TcpState::last_ack),
                       ::testing::ValuesIn(kOpens)),
    name_of_place);

TEST_P(InState, AResetHasToBeExact) {
  NARU_CHECKS("TCS-020", "TCS-044");
  for (const std::uint32_t seq : {nxt() + 1, nxt() + 1000, nxt() + 30'000}) {
    peer.inject(tcp().rst().seq(seq));
    peer.expect(tcp().ack(nxt()).seq(peer.rcv_nxt()).length(0));
    expect_unchanged();
  }
  for (const std::uint32_t seq : {nxt() - 1, nxt() + 70'000, nxt() - 70'000, nxt() + 0x8000'0000}) {
    peer.inject(tcp().rst().seq(seq));
    peer.expect_silence();
    expect_unchanged();
  }
  peer.inject(tcp().rst().seq(nxt()));
  peer.expect_silence();
  EXPECT_EQ(state_of(wire, socket), TcpState::closed);
}

TEST_P(InState, ASynIsChallengedWhereverItLies) {
  NARU_CHECKS("TCS-023", "TCS-014");
  const std::uint32_t next = nxt();
  for (const std::uint32_t distance :
       {0U, 1U, 30'000U, 70'000U, 0U - 2U, 0U - 70'000U, 0x8000'0000U}) {
    for (Segment syn : {tcp().syn(), tcp().syn().ack()}) {
      peer.inject(syn.seq(next + distance).mss(1460));
      peer.expect(tcp().ack(next).seq(peer.rcv_nxt()).length(0));
      expect_unchanged();
    }
  }
}

TEST_P(InState, ChallengesAreLimited) {
  NARU_CHECKS("TCS-023", "TCS-026");
  wire.set(Option::tcp_challenge_ack_interval, 500);
  for (int i = 0; i < 1000; ++i) {
    peer.inject(tcp().syn().seq(nxt() + 10).mss(1460));
    peer.inject(tcp().rst().seq(nxt() + 10));
  }
  EXPECT_EQ(peer.drain().size(), 1U);
  expect_unchanged();
}

// After SYN-RECEIVED: there an acknowledgement that does not fit is reset.
class Attack : public SequenceTest {};
NARU_ALL_NUMBERINGS(Attack);

TEST_P(Attack, AResetWithAnOldTimestampCounts) {
  NARU_CHECKS("TCS-021");
  Socket socket = establish(plain_syn().ts(1'000'000));
  peer.inject(tcp().rst().seq(1).ts(1, 0));
  peer.expect_silence();
  EXPECT_EQ(socket.take_error(), Error::reset);
}

// Linux takes a RST at the end of the out-of-order data; naru challenges it as any
// other that is not exact.
TEST_P(Attack, AResetBehindOutOfOrderDataIsChallenged) {
  NARU_CHECKS("TCS-022");
  wire.set(Option::tcp_challenge_ack_interval, 0);
  Socket socket = establish(plain_syn().sack_ok());
  peer.inject(tcp().ack().seq(101).stream(100));
  peer.expect(tcp().ack(1).sack({{101, 201}}));
  for (const std::uint32_t seq : {101U, 150U, 201U, 202U}) {
    peer.inject(tcp().rst().seq(seq));
    peer.expect(tcp().ack(1));
    EXPECT_EQ(socket.state(), TcpState::established);
  }
}

TEST_P(Attack, AnAckOlderThanTheLargestWindowIsRefused) {
  NARU_CHECKS("TCS-024");
  wire.set(Option::tcp_challenge_ack_interval, 0);
  peer.set_window(2000);
  Socket socket = establish();
  for (std::uint32_t sent = 0; sent < 5000; sent += 1000) {
    socket.send_stream(1000);
    peer.expect(tcp().ack().seq(1 + sent).stream(1000));
    peer.inject(tcp().ack());
  }
  const std::uint32_t una = 5001;
  for (const std::uint32_t ack : {una - 2001, una - 3000, una + 1, una + 0x8000'0000}) {
    peer.inject(tcp().seq(1).ack(ack).data("forged"));
    peer.expect(tcp().ack(1).seq(una).length(0));
    peer.set_snd_nxt(1);
    socket.expect_nothing();
  }
  peer.inject(tcp().seq(1).ack(una - 2000).data("real"));
  socket.expect_read("real");
  peer.drain();
}

// CVE-2023-52881: nobody can acknowledge what lies before the SYN.
TEST_P(Attack, AnAckBelowTheIssIsRefused) {
  NARU_CHECKS("TCS-025", "TCS-024");
  wire.set(Option::tcp_challenge_ack_interval, 0);
  Socket socket = establish();
  for (const std::uint32_t ack : {0U - 1U, 0U - 1000U, 0U - 60'000U}) {
    peer.inject(tcp().seq(1).ack(ack).data("forged"));
    peer.expect(tcp().ack(1).seq(1).length(0));
    peer.set_snd_nxt(1);
    socket.expect_nothing();
  }
  peer.inject(tcp().seq(1).ack(1).data("real"));
  socket.expect_read("real");
  peer.drain();
}

TEST_P(Attack, SegmentsWithoutAckAreDropped) {
  NARU_CHECKS("TCS-027");
  Socket socket = establish();
  for (const unsigned flags : {0U, 0U | wire::kPsh, 0U | wire::kUrg, 0U | wire::kFin,
                               0U | wire::kFin | wire::kPsh | wire::kUrg}) {
    peer.inject(tcp().flags(static_cast<std::uint8_t>(flags)).seq(1).data("data"));
    peer.inject(tcp().flags(static_cast<std::uint8_t>(flags)).seq(1));
  }
  peer.expect_silence(1s);
  socket.expect_nothing();
  EXPECT_EQ(socket.state(), TcpState::established);
}

// Two endpoints that disagree answer each other, but not for ever: the peer here
// answers every ACK with one that does not fit.
TEST_P(Attack, AnAckStormDies) {
  NARU_CHECKS("TCS-045");
  Socket socket = establish();
  int acks = 0;
  for (const Time end = wire.now() + 10s; wire.now() < end; wire.advance(1ms)) {
    peer.inject(tcp().seq(100'000'000).ack(50'000'000));
    acks += static_cast<int>(peer.drain().size());
  }
  EXPECT_GE(acks, 1);
  EXPECT_LE(acks, 50) << "in ten seconds";
  EXPECT_EQ(socket.state(), TcpState::established);
}

// CVE-2016-5696: no counter is shared that another connection could observe.
TEST_P(Attack, ChallengesOfOneConnectionLeaveOthersAlone) {
  NARU_CHECKS("TCS-026");
  wire.set(Option::tcp_challenge_ack_interval, 500);
  establish();
  Peer other(wire, ip4("10.0.0.3"), 41'000);
  Socket second = test::establish(other);
  const std::uint32_t packets = wire.stack().usage().packets;
  for (int i = 0; i < 1000; ++i) peer.inject(tcp().rst().seq(100));
  peer.drain();
  other.inject(tcp().rst().seq(100));
  other.expect(tcp().ack(1).seq(1));
  EXPECT_EQ(second.state(), TcpState::established);
  EXPECT_EQ(wire.stack().usage().packets, packets) << "what was not answered is freed";
}

// Numbers half the space away compare as neither before nor after: every field
// that carries one is range-checked first.
TEST_P(Attack, NumbersHalfTheSpaceAwayDoNoDamage) {
  NARU_CHECKS("TCS-047");
  wire.set(Option::tcp_challenge_ack_interval, 0);
  Socket socket = establish(plain_syn().sack_ok());
  socket.send_stream(3000);
  peer.drain();
  const std::uint32_t una = 1;
  for (std::uint32_t base : {una + 0x8000'0000U, una + 0x7fff'ffffU, una + 3000 + 0x8000'0000U}) {
    for (std::uint32_t off = 0; off <= 4; ++off) {
      const std::uint32_t far = base + off - 2;
      peer.inject(tcp().seq(1).ack(far));
      peer.inject(tcp().seq(1).ack(far).data("forged"));
      peer.inject(tcp().seq(1).ack(una).sack({{far, far + 1000}}));
      peer.inject(tcp().seq(1).ack(una).sack({{una + 1000, far}, {far, una + 2000}}));
      peer.inject(tcp().seq(1).ack(una).sack({{una + 2000, una + 1000}, {una - 10, una - 5}}));
      peer.inject(tcp().seq(1 + far).ack(una).data("forged"));
      peer.inject(tcp().fin().seq(1 + far).ack(far));
      peer.inject(tcp().rst().seq(1 + far));
      peer.inject(tcp().syn().seq(1 + far).ack(far));
      peer.set_snd_nxt(1);
    }
  }
  peer.drain();
  EXPECT_EQ(socket.state(), TcpState::established);
  socket.expect_nothing();
  peer.inject(tcp().seq(1).ack(3001).urg(0xffff).data("real"));
  EXPECT_EQ(socket.info().unacked, 0U);
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 0);
  peer.drain();
  socket.send("still here");
  peer.expect(tcp().seq(3001).ack(5).data("still here"));
}

}  // namespace
}  // namespace naru::test
