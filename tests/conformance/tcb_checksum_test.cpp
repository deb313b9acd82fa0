// The checksum: right on all that is sent, checked on all that arrives (RFC 9293 3.1).

#include "sequence_test.hpp"
#include "unit/stack/two_hosts.hpp"

namespace naru::test {
namespace {

// With a sum that shares nothing with the stack.
bool verifies(Bytes segment, const IpAddr& src, const IpAddr& dst) {
  return slow_checksum(segment, slow_pseudo_sum(src, dst, 6, segment.size())) == 0;
}
bool verifies(const Frame& frame) {
  const wire::Ipv4View ip = frame.ipv4();
  return verifies(ip.payload(), ip.src(), ip.dst());
}

class SentChecksum : public SequenceTest {
 protected:
  // The next segment, of this kind, and right.
  Seen expect(const Segment& segment, Where where = Where::current()) {
    return check(peer.expect(segment, where));
  }
  Seen expect_after(Duration after, const Segment& segment, Where where = Where::current()) {
    return check(peer.expect_after(after, segment, where));
  }
  static Seen check(Seen seen) {
    EXPECT_TRUE(verifies(seen.frame)) << flag_names(seen.flags);
    return seen;
  }
};
NARU_ALL_NUMBERINGS(SentChecksum);

TEST_P(SentChecksum, OfTheHandshake) {
  NARU_CHECKS("TCB-003");
  if (open() == Open::active) {
    Socket socket = wire.tcp_socket();
    ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
    expect(tcp().syn());
    peer.inject(tcp().syn().ack().mss(1460).ts(1).sack_ok().wscale(3));
    expect(tcp().ack(1).length(0));
  } else {
    wire.listener();
    peer.inject(tcp().syn().mss(1460).ts(1).sack_ok().wscale(3));
    expect(tcp().syn().ack(1));
    expect_after(1s, tcp().syn().ack(1));
  }
}

TEST_P(SentChecksum, OfDataOfAnyLength) {
  NARU_CHECKS("TCB-003");
  for (const Segment& options : {plain_syn(), plain_syn().ts(1).sack_ok()}) {
    Socket socket = establish(options);
    Socket::must(socket.set(SocketOption::no_delay, 1));
    for (const std::size_t n : {1U, 2U, 3U, 255U, 256U, 257U, 1447U, 1448U}) {
      socket.send_stream(n);
      expect(tcp().ack().stream(n));
      peer.inject(tcp().ack());
    }
    socket.send(std::string(1000, '\0'));
    expect(tcp().ack().length(1000));
    socket.send(std::string(1000, '\xff'));
    expect(tcp().ack().length(1000));
    peer.inject(tcp().ack());
    Socket::must(socket.abort());
    expect(tcp().rst().ack());
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }
}

TEST_P(SentChecksum, OfFinRetransmissionAndAcks) {
  NARU_CHECKS("TCB-003");
  Socket socket = establish(plain_syn().sack_ok());
  peer.inject(tcp().ack().seq(1001).stream(100));
  expect(tcp().ack(1).sack({{1001, 1101}}));
  peer.inject(tcp().rst().seq(5));  // challenged
  expect(tcp().ack(1).length(0));
  socket.send_stream(77);
  expect(tcp().ack(1).stream(77));
  check(peer.expect_between(100ms, 1s, tcp().ack(1).stream(77)));
  peer.inject(tcp().ack());
  Socket::must(socket.shutdown(Shutdown::send));
  expect(tcp().fin().ack(1));
}

TEST_P(SentChecksum, OfProbes) {
  NARU_CHECKS("TCB-003");
  Socket socket = establish();
  Socket::must(socket.set(SocketOption::keep_alive, 1));
  Socket::must(socket.set(SocketOption::keep_idle, 10));
  expect_after(10s, tcp().ack(1).length(0));
  peer.inject(tcp().ack().window(0));
  socket.send("x");
  check(peer.expect_between(100ms, 1s, tcp().ack(1)));
}

TEST_P(SentChecksum, OfRepliesWithoutAConnection) {
  NARU_CHECKS("TCB-003");
  peer.restart(peer.port(), 4711);
  peer.inject(tcp().syn());
  expect(tcp().rst().ack(1).seq(0));
  peer.inject(tcp().ack(77).data("who?"));
  EXPECT_TRUE(verifies(peer.next().frame));
  wire.set(Option::tcp_syn_cookies, 2);
  wire.listener();
  peer.restart(peer.port() + 1);
  peer.inject(tcp().syn().mss(1460).ts(5));
  expect(tcp().syn().ack(1));
}

// Between two stacks, where a link of naru makes the checksums and not the test.
struct LinkChecksum : TwoHosts {
  // All that waits at an end.
  void check(link::Link& end) {
    for (std::size_t i = 0; i < wire.waiting_count(end); ++i) {
      const Bytes bytes = wire.waiting(end, i);
      const Frame frame{now, Buffer(bytes.begin(), bytes.end())};
      if (!frame.is_ipv4(6)) continue;
      EXPECT_TRUE(verifies(frame)) << frame.to_string(Time{});
      ++segments;
    }
  }
  void turn() {
    a->poll(now);
    check(wire.b());
    b->poll(now);
    check(wire.a());
    now += 1ms;
  }

  std::size_t segments = 0;
};

TEST_F(LinkChecksum, IsRightOnEverySegmentOfAConnection) {
  NARU_CHECKS("TCB-003");
  const SocketId listener = *b->open_tcp();
  ASSERT_TRUE(b->bind(listener, {IpAddr::any_v4(), 80}));
  ASSERT_TRUE(b->listen(listener, 1));
  const SocketId client = *a->open_tcp();
  ASSERT_EQ(a->connect(client, {ip4("10.0.0.2"), 80}).error(), Error::in_progress);
  for (int i = 0; i < 10; ++i) turn();
  const SocketId server = b->accept(listener)->socket;
  Buffer room(65'536);
  std::size_t received = 0;
  std::size_t sent = 0;
  for (std::size_t n = 1; n < 30'000; n = n * 3 / 2 + 1) {  // odd and even, cut by the link
    sent += *a->send(client, stream(sent, n));
    for (int i = 0; i < 4; ++i) turn();
    while (const auto got = b->recv(server, room)) received += *got;
  }
  for (int i = 0; i < 200; ++i) turn();
  while (const auto got = b->recv(server, room)) received += *got;
  EXPECT_EQ(received, sent);
  ASSERT_TRUE(a->close(client));
  for (int i = 0; i < 10; ++i) turn();
  ASSERT_TRUE(b->abort(server));
  for (int i = 0; i < 10; ++i) turn();
  EXPECT_GT(segments, sent / 1460);
}

class ReceivedChecksum : public SequenceTest {};
NARU_ALL_NUMBERINGS(ReceivedChecksum);

// Each bit of a segment with data, from the IP header to the last byte.
TEST_P(ReceivedChecksum, OneWrongBitIsSilentlyDropped) {
  NARU_CHECKS("TCB-004");
  Socket socket = establish();
  constexpr std::size_t kEthernet = 14;
  const Segment segment = tcp().ack().seq(1).stream(21);
  const Buffer good = peer.preview(segment);
  for (std::size_t bit = kEthernet * 8; bit < good.size() * 8; ++bit) {
    Buffer bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    wire.inject(std::move(bad));
  }
  wire.expect_silence(1s);
  socket.expect_nothing();
  EXPECT_EQ(socket.state(), TcpState::established);
  const TcpInfo info = socket.info();
  EXPECT_EQ(info.bytes_received, 0U);

  peer.inject(segment);
  socket.expect_stream(21);
  wire.advance(500ms);
  EXPECT_EQ(peer.drain().back().ack, 22U);
}

TEST_P(ReceivedChecksum, IsLookedAtInEveryKindOfSegment) {
  NARU_CHECKS("TCB-004");
  wire.listener(81);
  peer.restart(peer.port(), 81);
  peer.inject(tcp().syn().mss(1460).bad_checksum());
  peer.expect_silence(1s);
  EXPECT_EQ(wire.stack().usage().connections, 1U) << "only the listener";

  peer.restart(peer.port(), 80);
  Socket socket = establish();
  socket.send("data");
  peer.expect(tcp().ack(1).data("data"));
  const std::uint64_t before = wire.stack().counters().get(Drop::tcp_bad_checksum);
  for (const Segment& segment :
       {tcp().ack(5).seq(1), tcp().rst().seq(1), tcp().fin().ack(5).seq(1), tcp().syn().seq(1),
        tcp().ack(5).seq(1).window(1), tcp().ack(9'000).seq(1)}) {
    wire.inject(peer.preview(Segment(segment).bad_checksum()));
  }
  peer.expect_silence(100ms);
  EXPECT_EQ(socket.state(), TcpState::established);
  EXPECT_EQ(socket.get(SocketOption::unsent_bytes), 4) << "acknowledged by a bad segment";
  EXPECT_EQ(socket.info().send_window, 65'535U);
  EXPECT_EQ(wire.stack().counters().get(Drop::tcp_bad_checksum), before + 6);
  peer.inject(tcp().ack());
}

}  // namespace
}  // namespace naru::test
