// What is learnt of the round-trip time when ACKs are lost.
#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct Timeout : StackTest {
  // The host's timestamp on its next segment, one byte long.
  std::uint32_t expect_byte(Duration after = {}) {
    const Seen seen = peer.expect_between(after * 9 / 10, after * 11 / 10 + 1ms, tcp().length(1));
    return seen.options.timestamps->value;
  }
};

TEST_F(Timeout, AnAckThatWaitedForTheTimerIsNoRoundTrip) {
  Socket server = establish(peer, Open::passive, tcp().mss(1460).ts(1000));
  server.send("a");
  peer.inject(tcp().ack().ts(2000, expect_byte()));
  const Duration srtt = server.info().srtt;
  const Duration rto = server.info().rto;
  server.send("b");
  const std::uint32_t original = expect_byte();
  // It arrives, but its ACK is lost: only the third repetition is answered, and the
  // answer echoes what came first.
  for (const int times : {1, 2, 4}) expect_byte(rto * times);
  peer.inject(tcp().ack().ts(3000, original));
  EXPECT_LT(server.info().srtt, srtt + 50ms);
  server.send("c");
  peer.inject(tcp().ack().ts(4000, expect_byte()));
  EXPECT_LE(server.info().rto, rto + 50ms);
}

TEST_F(Timeout, AnAckOfARepetitionIsARoundTrip) {
  Socket server = establish(peer, Open::passive, tcp().mss(1460).ts(1000));
  server.send("a");
  peer.inject(tcp().ack().ts(2000, expect_byte()));
  const Duration rto = server.info().rto;
  server.send("b");
  expect_byte();
  expect_byte(rto);
  const std::uint32_t repetition = expect_byte(rto * 2);
  wire.advance(100ms);
  peer.inject(tcp().ack().ts(3000, repetition));
  EXPECT_EQ(server.info().backoff, 0);
  EXPECT_GT(server.info().srtt, 10ms);
}

}  // namespace
}  // namespace naru::test
