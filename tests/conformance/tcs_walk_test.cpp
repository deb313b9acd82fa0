// Every combination of flags, in every state, at every edge of sequence and
// acknowledgement numbers, against the model of dsl/reference_tcp.hpp.

#include <array>

#include "dsl/fixture.hpp"
#include "dsl/reference_tcp.hpp"

namespace naru::test {
namespace {

class Walk : public StackTest, public ::testing::WithParamInterface<std::tuple<TcpState, Open>> {
 protected:
  void SetUp() override {
    // Time stands still, so what is limited by time has to be free.
    wire.set(Option::tcp_challenge_ack_interval, 0);
    wire.set(Option::tcp_quick_acks, 1000);
    wire.set(Option::max_time_wait, 65'536);
    if (open() == Open::passive && state() != TcpState::closed) wire.listener();
    renew();
  }
  TcpState state() const { return std::get<0>(GetParam()); }
  Open open() const { return std::get<1>(GetParam()); }
  bool half_open() const { return state() == TcpState::syn_received && open() == Open::passive; }

  // A fresh connection in the state, from another port.
  void renew() {
    peer.restart(++port_);
    socket_ = reach(peer, state(), open());
    peer.drain();
    tcb_.state = state();
    tcb_.listening =
        state() == TcpState::listen || (open() == Open::passive && state() != TcpState::closed);
    tcb_.snd_nxt = peer.rcv_nxt();
    tcb_.snd_una = unacknowledged() ? tcb_.snd_nxt - 1 : tcb_.snd_nxt;
    tcb_.rcv_nxt = peer.snd_nxt();
    tcb_.rcv_wnd = right_edge() - tcb_.rcv_nxt;
    time_wait_ = wire.stack().usage().time_wait;
  }

  bool unacknowledged() const {
    return state() == TcpState::syn_received || state() == TcpState::fin_wait_1 ||
           state() == TcpState::closing || state() == TcpState::last_ack;
  }
  // Without window scaling the host offers all that the field can say, from the
  // first byte on.
  static std::uint32_t right_edge() { return 1 + 65'535; }

  // Gets rid of whatever the last segment has left.
  void discard() {
    if (tcb_.listening) accept_and_abort();
    for (const std::uint32_t seq : {tcb_.rcv_nxt, last_.seq + 1}) {
      peer.inject(tcp().rst().seq(seq));  // children in SYN-RECEIVED
    }
    if (socket_ && state() != TcpState::listen) (void)socket_.abort();
    peer.drain();
  }

  void accept_and_abort() {
    while (const Result<Accepted> child = wire.listener().try_accept()) {
      Socket::must(Socket(wire, child->socket).abort());
    }
  }

  void try_segment(const Arriving& segment) {
    last_ = segment;
    const Outcome expected = react(tcb_, segment);
    peer.inject(tcp()
                    .flags(segment.flags)
                    .seq(segment.seq)
                    .ack_number(segment.ack)
                    .data(Buffer(segment.length, 'x')));
    check_answer(expected);
    check_state(expected);
    if (!expected.changed) return;
    discard();
    renew();
  }

  void check_answer(const Outcome& expected) {
    const std::vector<Seen> answers = peer.drain();
    if (expected.answer == Outcome::Answer::none) {
      EXPECT_TRUE(answers.empty()) << "answered, where the model is silent";
      return;
    }
    ASSERT_EQ(answers.size(), 1U) << "the model sends one segment";
    static constexpr std::array<std::uint8_t, 5> kFlags{0, wire::kAck, wire::kSyn | wire::kAck,
                                                        wire::kRst, wire::kRst | wire::kAck};
    const Seen& answer = answers[0];
    EXPECT_EQ(flag_names(answer.flags),
              flag_names(kFlags[static_cast<std::size_t>(expected.answer)]));
    EXPECT_EQ(answer.seq,
              expected.answer == Outcome::Answer::reset_with_ack ? 0U - peer.irs() : expected.seq);
    if (expected.answer == Outcome::Answer::reset) return;
    EXPECT_EQ(answer.ack, expected.ack);
  }

  void check_state(const Outcome& expected) {
    const Stack::Usage usage = wire.stack().usage();
    EXPECT_EQ(usage.time_wait - time_wait_, entered_time_wait(expected)) << "in TIME-WAIT";
    if (state() == TcpState::listen || state() == TcpState::closed ||
        state() == TcpState::time_wait) {
      return;
    }
    if (half_open()) return check_half_open(expected, usage);
    const bool gone = expected.next == TcpState::closed || expected.next == TcpState::time_wait;
    const TcpState actual = state_of(wire, socket_);
    if (gone) {
      EXPECT_TRUE(actual == TcpState::closed || actual == TcpState::time_wait) << name_of(actual);
    } else {
      EXPECT_EQ(name_of(actual), name_of(expected.next));
    }
  }

  std::uint32_t entered_time_wait(const Outcome& expected) const {
    if (state() == TcpState::time_wait) return expected.changed ? -1U : 0U;
    return expected.next == TcpState::time_wait ? 1 : 0;
  }

  // No program holds the connection yet: the listener tells.
  void check_half_open(const Outcome& expected, const Stack::Usage& usage) {
    EXPECT_EQ(usage.connections, expected.next == TcpState::closed ? 1U : 2U);
    const bool complete =
        expected.next == TcpState::established || expected.next == TcpState::close_wait;
    EXPECT_EQ(wire.listener().is_ready(ready::kIn), complete);
  }

  Tcb tcb_;
  Arriving last_;
  Socket socket_;
  std::uint16_t port_ = 1024;
  std::uint32_t time_wait_ = 0;
};

TEST_P(Walk, AllFlagsAtAllEdges) {
  NARU_CHECKS("TCS-050");
  for (unsigned flags = 0; flags < 256; ++flags) {
    const std::uint32_t right = tcb_.rcv_nxt + tcb_.rcv_wnd;
    for (const std::uint32_t seq :
         {tcb_.rcv_nxt - 1, tcb_.rcv_nxt, tcb_.rcv_nxt + 1, right - 1, right}) {
      for (const std::uint32_t ack : {tcb_.snd_una - 1, tcb_.snd_una, tcb_.snd_nxt,
                                      tcb_.snd_nxt + 1, tcb_.snd_una - 70'000}) {
        for (const std::uint32_t length : {0U, 10U}) {
          try_segment({static_cast<std::uint8_t>(flags), seq, ack, length});
          ASSERT_FALSE(HasFailure())
              << name_of(state()) << ": flags " << flag_names(static_cast<std::uint8_t>(flags))
              << " seq RCV.NXT" << std::showpos << static_cast<std::int32_t>(seq - tcb_.rcv_nxt)
              << " ack SND.NXT" << static_cast<std::int32_t>(ack - tcb_.snd_nxt) << std::noshowpos
              << " length " << length << wire.history();
        }
      }
    }
  }
  discard();
  EXPECT_GE(wire.stack().counters().get(Counter::tcp_in), 256U * 5 * 5 * 2);
}

INSTANTIATE_TEST_SUITE_P(All, Walk,
                         ::testing::Combine(::testing::ValuesIn(kStates),
                                            ::testing::ValuesIn(kOpens)),
                         [](const auto& info) {
                           return std::string(word_of(std::get<0>(info.param))) +
                                  std::string(name_of(std::get<1>(info.param)));
                         });

}  // namespace
}  // namespace naru::test
