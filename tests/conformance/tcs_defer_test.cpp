// TCP_DEFER_ACCEPT: a listener that hears of connections when their data has come (tcp(7)).

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

class Defer : public StackTest {
 protected:
  // A listener that waits so long, and a client whose handshake ends with a bare ACK.
  void open(int seconds) {
    listener = wire.listener();
    Socket::must(listener.set(SocketOption::defer_accept, seconds));
    peer.inject(tcp().syn().mss(1460));
    peer.expect(tcp().syn().ack(1));
    peer.inject(tcp().ack());
    EXPECT_EQ(listener.try_accept().error(), Error::would_block);
    EXPECT_FALSE(listener.is_ready(ready::kIn));
  }

  Socket listener;
};

TEST_F(Defer, TheTimeIsRoundedToRetransmissionsOfTheSynAck) {
  NARU_CHECKS("SOC-036");
  listener = wire.listener();
  struct {
    int seconds;
    int read_back;
  } const cases[] = {{0, 0}, {1, 1}, {2, 3}, {3, 3}, {4, 7}, {10, 15}, {100, 127}, {-1, 0}};
  for (const auto& c : cases) {
    Socket::must(listener.set(SocketOption::defer_accept, c.seconds));
    EXPECT_EQ(listener.get(SocketOption::defer_accept), c.read_back) << c.seconds;
  }
}

TEST_F(Defer, DataMakesTheConnectionAcceptable) {
  NARU_CHECKS("SOC-036");
  open(10);
  peer.expect_silence(500ms);
  peer.inject(tcp().ack().data("hello"));
  EXPECT_TRUE(listener.is_ready(ready::kIn));
  Socket server = listener.accept();
  server.expect_read("hello");
  EXPECT_EQ(server.get(SocketOption::defer_accept), 15) << "inherited, as in Linux";
  peer.drain();
}

TEST_F(Defer, DataWithTheAckNeedsNoWait) {
  NARU_CHECKS("SOC-036");
  listener = wire.listener();
  Socket::must(listener.set(SocketOption::defer_accept, 10));
  peer.inject(tcp().syn().mss(1460));
  peer.expect(tcp().syn().ack(1));
  peer.inject(tcp().ack().data("hello"));
  listener.accept().expect_read("hello");
  peer.drain();
}

TEST_F(Defer, AFinIsNewsEnough) {
  NARU_CHECKS("SOC-036");
  open(10);
  peer.inject(tcp().fin().ack());
  listener.accept().expect_eof();
  peer.drain();
}

TEST_F(Defer, AResetEndsItAndTheProgramNeverHears) {
  NARU_CHECKS("SOC-036");
  open(10);
  peer.inject(tcp().rst().seq(1));
  EXPECT_EQ(listener.try_accept().error(), Error::would_block);
  EXPECT_EQ(wire.stack().usage().connections, 1U) << "the listener's";
}

// Nothing is sent before the last retransmission of the time given; the ACK that this one
// brings is taken.
TEST_F(Defer, WhenTheTimeIsOverTheConnectionIsTakenAsItIs) {
  NARU_CHECKS("SOC-036");
  open(7);
  peer.inject(tcp().ack());  // one more changes nothing
  peer.expect_between(6900ms, 7200ms, tcp().syn().seq(0).ack(1));
  EXPECT_EQ(listener.try_accept().error(), Error::would_block);
  peer.inject(tcp().ack());
  Socket server = listener.accept();
  server.send("banner");
  peer.expect(tcp().ack(1).data("banner"));
}

TEST_F(Defer, AClientThatHasGoneIsGivenUp) {
  NARU_CHECKS("SOC-036");
  open(1);
  wire.advance(300s);
  peer.drain();
  EXPECT_EQ(listener.try_accept().error(), Error::would_block);
  EXPECT_EQ(wire.stack().usage().connections, 1U);
}

// Longer than SYN-ACKs are repeated for.
TEST_F(Defer, ALongTimeIsKept) {
  NARU_CHECKS("SOC-036");
  open(200);
  wire.advance(150s);
  EXPECT_EQ(wire.stack().usage().connections, 2U);
  peer.inject(tcp().ack().data("late"));
  listener.accept().expect_read("late");
  peer.drain();
}

}  // namespace
}  // namespace naru::test
