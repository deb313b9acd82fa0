// Urgent data (RFC 9293 3.8.5, RFC 6093). The pointer names the byte after it; sockets
// show its last byte out of band, as those of Linux do.

#include <algorithm>

#include "sequence_test.hpp"

namespace naru::test {
namespace {

class Urgent : public SequenceTest {
 protected:
  // The out-of-band byte, or why there is none.
  static std::string oob(Socket& socket, unsigned flags = 0) {
    std::uint8_t byte = 0;
    const auto n = socket.try_recv({&byte, 1}, flags | msg::kOob);
    if (!n) return std::string(naru::to_string(n.error()));
    return *n == 1 ? std::string(1, static_cast<char>(byte)) : "end of file";
  }
  static std::string name(Error error) { return std::string(naru::to_string(error)); }
  // One recv.
  static std::string recv(Socket& socket, std::size_t size = 100) {
    Buffer room(size);
    const auto n = socket.try_recv(room);
    if (!n) return name(n.error());
    room.resize(*n);
    return text(room);
  }
  static bool at_mark(Socket& socket) { return socket.get(SocketOption::at_mark) != 0; }
};
NARU_ALL_NUMBERINGS(Urgent);

// --- receiving ------------------------------------------------------------------------

TEST_P(Urgent, IsReadOutOfBand) {
  NARU_CHECKS("TCB-044", "TCB-046");
  Socket socket = establish();
  peer.inject(tcp().ack().data("abc!def").urg(4));
  EXPECT_TRUE(socket.is_ready(ready::kPri | ready::kIn));
  EXPECT_EQ(oob(socket, msg::kPeek), "!");
  EXPECT_EQ(oob(socket), "!");
  EXPECT_EQ(recv(socket), "abc");
  EXPECT_EQ(recv(socket), "def");
  socket.expect_nothing();
  EXPECT_FALSE(socket.is_ready(ready::kPri));
  peer.drain();
}

TEST_P(Urgent, IsReadInlineWhereAskedFor) {
  NARU_CHECKS("TCB-044", "TCB-048");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::oob_inline, 1));
  peer.inject(tcp().ack().data("abc!def").urg(4));
  EXPECT_EQ(oob(socket), name(Error::invalid));
  EXPECT_TRUE(socket.is_ready(ready::kPri));
  EXPECT_FALSE(at_mark(socket));
  EXPECT_EQ(recv(socket), "abc") << "reading stops at the mark";
  EXPECT_TRUE(at_mark(socket));
  EXPECT_EQ(recv(socket), "!def");
  EXPECT_FALSE(at_mark(socket));
  EXPECT_FALSE(socket.is_ready(ready::kPri)) << "the mark has passed";
  peer.drain();
}

// As Linux: EINVAL where there is nothing, EAGAIN where it is still on its way.
TEST_P(Urgent, AnswersWhereThereIsNone) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  EXPECT_EQ(oob(socket), name(Error::invalid));
  peer.inject(tcp().ack().data("ab").urg(5));
  EXPECT_EQ(oob(socket), name(Error::would_block));
  peer.inject(tcp().ack().data("cd!ef").urg(3));
  EXPECT_EQ(oob(socket), "!");
  EXPECT_EQ(oob(socket), name(Error::invalid)) << "it was read";
  EXPECT_EQ(socket.read(), "abcdef");
  EXPECT_EQ(oob(socket), name(Error::invalid));
  peer.drain();
}

TEST_P(Urgent, OnlyTheUrgentByteIsNothingToRead) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  peer.inject(tcp().ack().data("!").urg(1));
  EXPECT_TRUE(socket.is_ready(ready::kPri));
  EXPECT_FALSE(socket.is_ready(ready::kIn));
  EXPECT_EQ(socket.get(SocketOption::readable_bytes), 0);
  EXPECT_EQ(oob(socket), "!");
  socket.expect_nothing();
  peer.inject(tcp().ack().data("abc"));
  EXPECT_EQ(recv(socket), "abc");
  peer.drain();
}

// A stream that is read past an unread byte leaves it behind.
TEST_P(Urgent, IsLostWhenTheStreamPasses) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  peer.inject(tcp().ack().data("abc!def").urg(4));
  EXPECT_EQ(socket.read(), "abcdef");
  EXPECT_EQ(oob(socket), name(Error::invalid));
  EXPECT_FALSE(socket.is_ready(ready::kPri));
  peer.drain();
}

TEST_P(Urgent, ANewOneTakesThePlaceOfTheLast) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  peer.inject(tcp().ack().data("ab1cd").urg(3));
  peer.inject(tcp().ack().data("ef2gh").urg(3));
  EXPECT_EQ(oob(socket), "2");
  EXPECT_EQ(recv(socket), "ab1cdef") << "the older one is data as any other";
  EXPECT_EQ(recv(socket), "gh");
  peer.drain();
}

// One that points back is old.
TEST_P(Urgent, AnOldPointerChangesNothing) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  peer.inject(tcp().ack().data("ab!cd").urg(3));
  EXPECT_EQ(oob(socket), "!");
  EXPECT_EQ(socket.read(), "abcd");
  wire.advance(500ms);
  peer.inject(tcp().ack().seq(1).data("ab!cd").urg(3));  // again
  peer.inject(tcp().ack().seq(6).data("ef"));
  EXPECT_EQ(oob(socket), name(Error::invalid));
  EXPECT_FALSE(socket.is_ready(ready::kPri));
  EXPECT_EQ(socket.read(), "ef");
  peer.drain();
}

TEST_P(Urgent, OutOfOrderAndTwiceIsReadOnce) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  for (int copy = 0; copy < 2; ++copy) {
    peer.inject(tcp().ack().seq(4).data("d!f").urg(2));
    EXPECT_EQ(oob(socket), copy == 0 ? "!" : name(Error::invalid));
  }
  peer.inject(tcp().ack().seq(1).data("abc"));
  EXPECT_EQ(oob(socket), name(Error::invalid));
  EXPECT_EQ(recv(socket), "abcd");
  EXPECT_EQ(recv(socket), "f");
  peer.drain();
}

// Part of the segment is old: the pointer counts from its first byte all the same.
TEST_P(Urgent, TheOldPartOfASegmentDoesNotMoveIt) {
  NARU_CHECKS("TCB-044", "TCB-046");
  Socket socket = establish();
  peer.inject(tcp().ack().seq(1).data("abc"));
  peer.inject(tcp().ack().seq(1).data("abcd!f").urg(5));
  EXPECT_EQ(oob(socket), "!");
  EXPECT_EQ(recv(socket), "abcd");
  EXPECT_EQ(recv(socket), "f");
  peer.drain();
}

TEST_P(Urgent, OfAnyLengthIsReceived) {
  NARU_CHECKS("TCB-045");
  wire.set(Option::tcp_receive_buffer, 1'000'000);
  constexpr std::uint32_t kUrgent = 150'000;  // the number of the last urgent byte
  constexpr std::uint32_t kSegment = 1'000;
  Socket socket = establish();
  std::string read;
  for (std::uint32_t seq = 1; seq < kUrgent + kSegment; seq += kSegment) {
    const std::uint32_t pointer = kUrgent + 1 - seq;
    Segment segment = tcp().ack().seq(seq).stream(kSegment);
    if (seq <= kUrgent) segment.urg(static_cast<std::uint16_t>(std::min(pointer, 65'535U)));
    peer.inject(segment);
    peer.drain();
    EXPECT_TRUE(socket.is_ready(ready::kPri));
    EXPECT_FALSE(at_mark(socket));
    if (seq + kSegment <= kUrgent) read += socket.read();  // all of it is still urgent
  }
  EXPECT_EQ(oob(socket), std::string(1, static_cast<char>(stream_byte(kUrgent - 1))));
  read += socket.read();
  Buffer expected = stream(0, kUrgent + kSegment);
  expected.erase(expected.begin() + kUrgent - 1);
  EXPECT_TRUE(bytes(read) == expected);
  peer.drain();
}

TEST_P(Urgent, AnEndIsSeenBehindIt) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  peer.inject(tcp().fin().ack().data("abc!").urg(4));
  EXPECT_EQ(oob(socket), "!");
  EXPECT_EQ(recv(socket), "abc");
  socket.expect_eof();
  peer.drain();
}

// --- sending ---------------------------------------------------------------------------

TEST_P(Urgent, PointsBehindTheLastByte) {
  NARU_CHECKS("TCB-044", "TCB-046");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::no_delay, 1));
  socket.send("abc!", msg::kOob);
  peer.expect(tcp().psh().ack().urg(4).seq(1).data("abc!"));
  socket.send("de");
  EXPECT_EQ(peer.expect(tcp().ack().seq(5).data("de")).urgent_pointer, 0) << "not urgent any more";
  socket.send("!", msg::kOob);
  peer.expect(tcp().ack().urg(1).seq(7).data("!"));
  peer.inject(tcp().ack());
}

TEST_P(Urgent, IsRepeatedWithARetransmission) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  socket.send("abc!", msg::kOob);
  peer.expect(tcp().ack().urg(4).data("abc!"));
  peer.expect_between(100ms, 1s, tcp().ack().urg(4).seq(1).data("abc!"));
  peer.inject(tcp().ack());
}

TEST_P(Urgent, OfAnyLengthIsSent) {
  NARU_CHECKS("TCB-045");
  wire.set(Option::tcp_send_buffer, 1'000'000);
  constexpr std::uint32_t kAll = 150'000;
  Socket socket = establish();
  const Buffer data = stream(0, kAll);
  ASSERT_EQ(socket.try_send(data, msg::kOob), kAll);
  std::uint32_t next = 1;
  std::size_t urgent = 0;
  for (int rounds = 0; next <= kAll && rounds < 1000; ++rounds) {
    for (const Seen& seen : peer.drain()) {
      next = seen.end();
      const std::uint32_t distance = kAll + 1 - seen.seq;
      if (!seen.has(wire::kUrg)) {
        EXPECT_GT(distance, 65'535U) << "the pointer could have told";
        continue;
      }
      EXPECT_EQ(seen.urgent_pointer, std::min(distance, 65'535U));
      ++urgent;
    }
    peer.inject(tcp().ack());
  }
  EXPECT_EQ(next, kAll + 1);
  EXPECT_GE(urgent, 65'535U / 1460);
}

// RFC 9293 3.8.5: the window is for data; the pointer is told without.
TEST_P(Urgent, IsToldThroughAClosedWindow) {
  NARU_CHECKS("TCB-044", "TCB-079");
  Socket socket = establish();
  peer.inject(tcp().ack().window(0));
  socket.send("abc!", msg::kOob);
  const Seen probe = peer.expect_between(0s, 1s, tcp().ack().urg(5).seq(0).length(0));
  EXPECT_EQ(probe.seq + probe.urgent_pointer, 5U);
  peer.inject(tcp().ack().window(1000));
  peer.expect(tcp().ack().urg(4).seq(1).data("abc!"));
  peer.inject(tcp().ack());
}

// --- telling the program ------------------------------------------------------------------

TEST_P(Urgent, IsToldAtOnce) {
  NARU_CHECKS("TCB-047");
  Socket socket = establish();
  EXPECT_FALSE(socket.is_ready(ready::kPri));
  // Before the byte itself has come.
  peer.inject(tcp().ack().data("abc").urg(1000));
  EXPECT_TRUE(socket.is_ready(ready::kPri));
  EXPECT_EQ(oob(socket), name(Error::would_block));
  peer.drain();
}

TEST_P(Urgent, IsToldWithoutData) {
  NARU_CHECKS("TCB-047");
  Socket socket = establish();
  peer.inject(tcp().ack().urg(10));
  EXPECT_TRUE(socket.is_ready(ready::kPri));
  peer.inject(tcp().ack().data("123456789!"));
  EXPECT_EQ(oob(socket), "!");
  EXPECT_FALSE(socket.is_ready(ready::kPri));
  peer.drain();
}

TEST_P(Urgent, IsToldAgainWhenItMovesOn) {
  NARU_CHECKS("TCB-047");
  Socket socket = establish();
  peer.inject(tcp().ack().data("1").urg(1));
  EXPECT_EQ(oob(socket), "1");
  EXPECT_FALSE(socket.is_ready(ready::kPri));
  peer.inject(tcp().ack().data("2").urg(1));
  EXPECT_TRUE(socket.is_ready(ready::kPri));
  EXPECT_EQ(oob(socket), "2");
  peer.drain();
}

TEST_P(Urgent, TheProgramLearnsHowMuchRemains) {
  NARU_CHECKS("TCB-048");
  Socket socket = establish();
  peer.inject(tcp().ack().data("0123456789!after").urg(11));
  EXPECT_FALSE(at_mark(socket));
  EXPECT_EQ(socket.get(SocketOption::readable_bytes), 10) << "up to the mark";
  EXPECT_EQ(recv(socket, 4), "0123");
  EXPECT_FALSE(at_mark(socket));
  EXPECT_EQ(socket.get(SocketOption::readable_bytes), 6);
  EXPECT_EQ(recv(socket), "456789");
  EXPECT_TRUE(at_mark(socket));
  EXPECT_EQ(recv(socket, 2), "af");
  EXPECT_FALSE(at_mark(socket));
  EXPECT_EQ(recv(socket), "ter");
  EXPECT_FALSE(at_mark(socket));
  peer.drain();
}

// What an urgent byte has held must be given back: see Wire::finish. And it ends.
TEST_P(Urgent, LeavesNothingBehind) {
  NARU_CHECKS("TCB-044");
  Socket socket = establish();
  for (const bool in_line : {false, true}) {
    Socket::must(socket.set(SocketOption::oob_inline, in_line ? 1 : 0));
    peer.inject(tcp().ack().data("abc!def").urg(4));
    EXPECT_EQ(oob(socket), in_line ? name(Error::invalid) : "!");
    EXPECT_EQ(socket.read(), in_line ? "abc!def" : "abcdef");
    wire.advance(500ms);
    peer.drain();
    EXPECT_EQ(socket.readiness(), ready::kOut);
  }
  wire.set(Option::tcp_quiet_flows, 0);
  peer.inject(tcp().ack().data("x"));
  socket.expect_read("x");
  wire.advance(500ms);
  EXPECT_EQ(wire.stack().usage().flows, 0U) << "the connection rests";
  peer.drain();
}

}  // namespace
}  // namespace naru::test
