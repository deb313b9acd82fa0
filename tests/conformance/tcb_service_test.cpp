// What a program chooses for the packets of a connection: DiffServ and TTL (RFC 9293
// 3.9.1).

#include "sequence_test.hpp"

namespace naru::test {
namespace {

constexpr std::uint8_t kExpedited = 0xb8;       // EF, RFC 3246
constexpr std::uint8_t kHighThroughput = 0x28;  // AF11, RFC 2597

class Service : public SequenceTest {};
NARU_ALL_NUMBERINGS(Service);

TEST_P(Service, DiffServIsSeenAndCanBeChanged) {
  NARU_CHECKS("TCB-066");
  Socket socket = establish();
  socket.send("a");
  peer.expect(tcp().ack().tos(0));
  peer.inject(tcp().ack());
  for (const std::uint8_t tos : {kExpedited, kHighThroughput, std::uint8_t{0xfc}}) {
    Socket::must(socket.set(SocketOption::tos, tos));
    EXPECT_EQ(socket.get(SocketOption::tos), tos);
    socket.send("a");
    peer.expect(tcp().ack().tos(tos));
    peer.expect_between(100ms, 10s, tcp().ack().tos(tos));  // again
    peer.inject(tcp().ack().data("b"));
    wire.advance(500ms);
    EXPECT_EQ(peer.next().frame.ipv4().tos(), tos);  // an ACK
    socket.read();
  }
  Socket::must(socket.shutdown(Shutdown::send));
  peer.expect(tcp().fin().ack().tos(0xfc));
}

// The two bits below belong to ECN (RFC 3168).
TEST_P(Service, EcnBitsAreNotTheProgramsToSet) {
  NARU_CHECKS("TCB-066");
  Socket socket = establish();
  for (const std::uint8_t bits : {1, 2, 3}) {
    Socket::must(socket.set(SocketOption::tos, kExpedited | bits));
    socket.send("a");
    peer.expect(tcp().ack().tos(kExpedited));
    peer.inject(tcp().ack());
  }
}

TEST_P(Service, EverySegmentOfAConnectionHasIt) {
  NARU_CHECKS("TCB-066", "TCB-067");
  Socket socket;
  if (open() == Open::active) {
    socket = wire.tcp_socket();
  } else {
    socket = wire.listener();
  }
  Socket::must(socket.set(SocketOption::tos, kExpedited));
  Socket::must(socket.set(SocketOption::ttl, 255));
  const auto chosen = [] { return tcp().tos(kExpedited).ttl(255); };
  if (open() == Open::active) {
    ASSERT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
    peer.expect(chosen().syn());
    peer.inject(plain_syn().syn().ack());
    peer.expect(chosen().ack(1));
  } else {
    peer.inject(plain_syn().syn());
    peer.expect(chosen().syn().ack(1));
    peer.inject(tcp().ack());
    socket = socket.accept();
  }
  socket.send("a");
  peer.expect(chosen().ack().data("a"));
  peer.inject(tcp().ack());
  peer.inject(tcp().rst().seq(5));
  peer.expect(chosen().ack(1));  // a challenge
  Socket::must(socket.abort());
  peer.expect(chosen().rst().ack(1));
}

TEST_P(Service, TtlIsSeenAndCanBeChanged) {
  NARU_CHECKS("TCB-067");
  Socket socket = establish();
  EXPECT_EQ(socket.get(SocketOption::ttl), 64);
  for (const int ttl : {1, 17, 255}) {
    Socket::must(socket.set(SocketOption::ttl, ttl));
    EXPECT_EQ(socket.get(SocketOption::ttl), ttl);
    socket.send("a");
    peer.expect(tcp().ack().ttl(static_cast<std::uint8_t>(ttl)));
    peer.inject(tcp().ack());
  }
  Socket::must(socket.set(SocketOption::ttl, -1));
  socket.send("a");
  peer.expect(tcp().ack().ttl(64));
  peer.inject(tcp().ack());
  for (const int ttl : {0, 256, -2}) {
    EXPECT_EQ(socket.set(SocketOption::ttl, ttl).error(), Error::invalid);
  }
}

TEST_P(Service, TheDefaultTtlIsAnOption) {
  NARU_CHECKS("TCB-067");
  wire.set(Option::ip_default_ttl, 33);
  Socket socket = establish();
  socket.send("a");
  peer.expect(tcp().ack().ttl(33));
  peer.inject(tcp().ack());
}

}  // namespace
}  // namespace naru::test
