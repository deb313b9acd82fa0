// Rows LNK-014 and LNK-016: drivers that refuse, and buffers that come back.
#include <algorithm>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct Driver : StackTest {
  // A connection with a program on our side.
  Socket accept_one() {
    Socket listener = wire.listener(80);
    peer.inject(tcp().syn().mss(1460));
    peer.expect(tcp().syn().ack(1));
    peer.inject(tcp().ack());
    return listener.accept();
  }
};

TEST_F(Driver, RefusedFramesWaitAndNothingIsLost) {
  NARU_CHECKS("LNK-014");
  Socket server = accept_one();
  wire.link.room = 0;
  server.send_stream(3000);
  wire.advance(100ms);
  wire.expect_silence();
  // It looks again now and then, not in a busy loop.
  EXPECT_GT(wire.stack().next_deadline(), wire.now());
  wire.link.room = SIZE_MAX;
  wire.advance(5ms);
  peer.expect(tcp().ack(1).seq(1).stream(1460));
  peer.expect(tcp().ack(1).stream(1460));
  peer.expect(tcp().psh().ack(1).stream(80));
  peer.inject(tcp().ack());
}

TEST_F(Driver, TakesWhatItHasRoomForAndTheRestLater) {
  NARU_CHECKS("LNK-014");
  Socket server = accept_one();
  wire.link.room = 1;
  server.send_stream(3000);
  peer.expect(tcp().ack(1).seq(1).stream(1460));
  wire.expect_silence();
  wire.link.room = SIZE_MAX;
  wire.advance(5ms);
  peer.expect(tcp().ack(1).stream(1460));
  peer.expect(tcp().psh().ack(1).stream(80));
  peer.inject(tcp().ack());
}

TEST_F(Driver, ThatPromisesRoomItDoesNotHaveIsAskedAgainLater) {
  NARU_CHECKS("LNK-014");
  Socket server = accept_one();
  wire.link.room = 0;
  wire.link.promises_too_much = true;
  server.send_stream(3000);
  wire.advance(100ms);
  wire.expect_silence();
  EXPECT_GT(wire.stack().next_deadline(), wire.now());
  wire.link.room = SIZE_MAX;
  wire.advance(5ms);
  std::uint32_t received = 0;
  for (const Seen& seen : peer.drain()) received = std::max(received, seen.end() - 1);
  EXPECT_EQ(received, 3000U);
  peer.inject(tcp().ack());
}

// StackTest::TearDown asserts that no packet, send block or flow is in use; here the
// count is looked at in between, too.
TEST_F(Driver, BuffersComeBackToThePool) {
  NARU_CHECKS("LNK-016");
  const std::uint32_t before = wire.stack().usage().packets;
  Socket server = accept_one();
  peer.inject(tcp().psh().ack().stream(1000));
  EXPECT_GT(wire.stack().usage().packets, before) << "the data waits in a buffer";
  wire.forget_frames();
  server.expect_stream(1000);
  EXPECT_EQ(wire.stack().usage().packets, before);
}

}  // namespace
}  // namespace naru::test
