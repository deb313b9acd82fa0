// When short segments wait: Nagle's algorithm, cork and MSG_MORE (RFC 9293 3.7.4).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class Nagle : public SequenceTest {};
NARU_ALL_NUMBERINGS(Nagle);

TEST_P(Nagle, OneSmallSegmentIsUnacknowledgedAtMost) {
  NARU_CHECKS("TCB-029");
  Socket socket = establish();
  for (int i = 0; i < 10; ++i) socket.send_stream(1);
  peer.expect(tcp().ack().seq(1).stream(1));
  peer.expect_silence(50ms);
  peer.inject(tcp().ack());
  peer.expect(tcp().ack().seq(2).stream(9));
  socket.send_stream(1);
  peer.expect_silence();
  peer.inject(tcp().ack());
  peer.expect(tcp().ack().seq(11).stream(1));
  peer.inject(tcp().ack());
}

TEST_P(Nagle, FullSegmentsDoNotWait) {
  NARU_CHECKS("TCB-029");
  Socket socket = establish();
  socket.send_stream(1);
  peer.expect(tcp().ack().seq(1).stream(1));
  socket.send_stream(1459);
  peer.expect_silence();
  socket.send_stream(1461 + 10);
  peer.expect(tcp().ack().seq(2).stream(1460));
  peer.expect(tcp().ack().seq(1462).stream(1460));
  peer.expect_silence(50ms);
  peer.inject(tcp().ack());
  peer.expect(tcp().ack().seq(2922).stream(10));
  peer.inject(tcp().ack());
}

// A part of what is unacknowledged is not all of it.
TEST_P(Nagle, WaitsForTheSmallSegmentItself) {
  NARU_CHECKS("TCB-029");
  Socket socket = establish();
  socket.send_stream(1460 + 5);
  peer.expect(tcp().ack().seq(1).stream(1460));
  peer.expect(tcp().ack().seq(1461).stream(5));
  socket.send_stream(3);
  peer.inject(tcp().ack(1461));
  peer.expect_silence();
  peer.inject(tcp().ack(1466));
  peer.expect(tcp().ack().seq(1466).stream(3));
  peer.inject(tcp().ack());
}

TEST_P(Nagle, DoesNotHoldAFin) {
  NARU_CHECKS("TCB-029");
  Socket socket = establish();
  socket.send_stream(1);
  peer.expect(tcp().ack().seq(1).stream(1));
  socket.send_stream(1);
  peer.expect_silence();
  Socket::must(socket.shutdown(Shutdown::send));
  peer.expect(tcp().fin().ack().seq(2).stream(1));
}

TEST_P(Nagle, CanBeTurnedOff) {
  NARU_CHECKS("TCB-030");
  Socket socket = establish();
  EXPECT_EQ(socket.get(SocketOption::no_delay), 0);
  Socket::must(socket.set(SocketOption::no_delay, 1));
  EXPECT_EQ(socket.get(SocketOption::no_delay), 1);
  for (std::uint32_t i = 0; i < 10; ++i) {
    socket.send_stream(1);
    peer.expect(tcp().psh().ack().seq(1 + i).stream(1));
  }
  peer.expect_silence();
  peer.inject(tcp().ack());
}

TEST_P(Nagle, CanBeTurnedOffForOneConnectionOnly) {
  NARU_CHECKS("TCB-030");
  Socket quick = establish();
  Socket::must(quick.set(SocketOption::no_delay, 1));
  Peer other(wire, ip4("10.0.0.3"), 50'000);
  Socket slow = test::establish(other);
  for (int i = 0; i < 3; ++i) {
    quick.send_stream(1);
    slow.send_stream(1);
  }
  EXPECT_EQ(peer.drain().size(), 3U);
  EXPECT_EQ(other.drain().size(), 1U);
}

TEST_P(Nagle, TurnedOffReleasesWhatItHeld) {
  NARU_CHECKS("TCB-030");
  Socket socket = establish();
  socket.send_stream(1);
  socket.send_stream(1);
  peer.expect(tcp().ack().seq(1).stream(1));
  peer.expect_silence();
  Socket::must(socket.set(SocketOption::no_delay, 1));
  peer.expect(tcp().ack().seq(2).stream(1));
  Socket::must(socket.set(SocketOption::no_delay, 0));
  socket.send_stream(1);
  peer.expect_silence(50ms);
  peer.inject(tcp().ack());
  peer.expect(tcp().ack().seq(3).stream(1));
}

// --- no indefinite buffering -----------------------------------------------------------

class Cork : public SequenceTest {};
NARU_ALL_NUMBERINGS(Cork);

TEST_P(Cork, HoldsShortSegmentsForATime) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::no_delay, 1));
  Socket::must(socket.set(SocketOption::cork, 1));
  socket.send_stream(100);
  socket.send_stream(100);
  peer.expect_silence(150ms);
  peer.expect_after(50ms, tcp().psh().ack().seq(1).stream(200));  // RFC 9293 3.9.1.2: not for ever
  peer.inject(tcp().ack());
}

TEST_P(Cork, HoldsEachWriteAnew) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::cork, 1));
  socket.send_stream(100);
  wire.advance(100ms);
  socket.send_stream(1360);  // a full segment: nothing is held any more
  peer.expect(tcp().ack().seq(1).stream(1460));
  peer.inject(tcp().ack().data("unread"));  // the connection does not come to rest
  wire.advance(10s);
  peer.drain();
  socket.send_stream(100);
  peer.expect_silence(150ms);
  peer.expect_after(50ms, tcp().ack().seq(1461).stream(100));
  peer.inject(tcp().ack());
}

TEST_P(Cork, LetsFullSegmentsPass) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::cork, 1));
  socket.send_stream(3000);
  peer.expect(tcp().ack().seq(1).stream(1460));
  peer.expect(tcp().ack().seq(1461).stream(1460));
  peer.expect_silence();
  Socket::must(socket.set(SocketOption::cork, 0));
  peer.expect(tcp().psh().ack().seq(2921).stream(80));
  peer.inject(tcp().ack());
}

TEST_P(Cork, PulledOutWithNothingHeldChangesNothing) {
  NARU_CHECKS("TCB-029");
  Socket socket = establish();
  socket.send_stream(1);
  peer.expect(tcp().ack().seq(1).stream(1));
  Socket::must(socket.set(SocketOption::cork, 1));
  Socket::must(socket.set(SocketOption::cork, 0));
  socket.send_stream(1);
  peer.expect_silence(50ms);  // Nagle still holds it
  peer.inject(tcp().ack());
  peer.expect(tcp().ack().seq(2).stream(1));
  peer.inject(tcp().ack());
}

TEST_P(Cork, MoreHoldsUntilTheLastWrite) {
  NARU_CHECKS("TCB-068", "TCB-080");
  Socket socket = establish();
  socket.send("head", msg::kMore);
  peer.expect_silence(100ms);
  socket.send("body");
  peer.expect(tcp().psh().ack().seq(1).data("headbody"));
  peer.inject(tcp().ack());
  socket.send("head", msg::kMore);
  peer.expect_after(200ms, tcp().psh().ack().seq(9).data("head"));
  peer.inject(tcp().ack());
}

TEST_P(Cork, DoesNotHoldAFin) {
  NARU_CHECKS("TCB-068");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::cork, 1));
  socket.send_stream(10);
  peer.expect_silence();
  Socket::must(socket.shutdown(Shutdown::send));
  peer.expect(tcp().fin().ack().seq(1).stream(10));
}

}  // namespace
}  // namespace naru::test
