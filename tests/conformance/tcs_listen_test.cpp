// CLOSED and LISTEN: segments that belong to no connection (RFC 9293 3.10.7.1 and
// 3.10.7.2), and the queues of a listener.

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;
using wire::kUrg;

struct Closed : StackTest {};
struct Listen : StackTest {};
struct Queues : StackTest {};

std::uint32_t connections_beside_listener(Wire& wire) {
  return wire.stack().usage().connections - 1;
}

TEST_F(Closed, WithoutAckTheResetAcknowledgesWhatCame) {
  NARU_CHECKS("TCS-001");
  struct {
    std::uint8_t flags;
    std::size_t length;
    std::uint32_t ack;
  } const cases[] = {{kSyn, 0, 101},  {kFin, 0, 101},         {0, 0, 100},          {kPsh, 50, 150},
                     {kSyn, 50, 151}, {kSyn | kFin, 10, 112}, {kFin | kPsh, 5, 106}};
  for (const auto& c : cases) {
    peer.inject(tcp().flags(c.flags).seq(100).data(Buffer(c.length, 'x')));
    const Seen reset = peer.expect(tcp().rst().ack(c.ack).seq(0).length(0));
    EXPECT_EQ(reset.window, 0) << "flags " << flag_names(c.flags);
  }
}

TEST_F(Closed, WithAckTheResetTakesItsNumber) {
  NARU_CHECKS("TCS-001");
  for (const unsigned flags : {+kAck, kSyn | kAck, kFin | kAck, kPsh | kAck | kUrg}) {
    peer.inject(tcp().flags(static_cast<std::uint8_t>(flags)).seq(7).ack(5000));
    peer.expect(tcp().rst().seq(5000).length(0));
  }
  peer.inject(tcp().ack(6000).data("data"));
  peer.expect(tcp().rst().seq(6000).length(0));
}

TEST_F(Closed, ResetsAreNotAnswered) {
  NARU_CHECKS("TCS-001", "TCS-044");
  for (unsigned others = 0; others < 256; ++others) {
    peer.inject(tcp().flags(static_cast<std::uint8_t>(others | kRst)).seq(1).ack_number(1));
  }
  peer.expect_silence();
}

TEST_F(Listen, ResetsAreIgnored) {
  NARU_CHECKS("TCS-002", "TCS-044");
  wire.listener();
  for (unsigned others = 0; others < 256; ++others) {
    peer.inject(tcp().flags(static_cast<std::uint8_t>(others | kRst)).seq(1).ack_number(1));
  }
  peer.expect_silence();
  EXPECT_EQ(connections_beside_listener(wire), 0U);
}

TEST_F(Listen, AcksAreAnsweredByAReset) {
  NARU_CHECKS("TCS-002");
  wire.listener();
  for (const unsigned others : {0U, 0U | kSyn, 0U | kFin, 0U | kPsh | kUrg, 0U | kSyn | kFin}) {
    peer.inject(tcp().flags(static_cast<std::uint8_t>(others | kAck)).seq(1).ack_number(4321));
    peer.expect(tcp().rst().seq(4321).length(0));
  }
  peer.inject(tcp().ack(99).data("data"));
  peer.expect(tcp().rst().seq(99));
  EXPECT_EQ(connections_beside_listener(wire), 0U);
}

TEST_F(Listen, SegmentsWithNeitherSynNorAckNorRstAreDropped) {
  NARU_CHECKS("TCS-002");
  wire.listener();
  for (const unsigned flags : {0U, 0U | kFin, 0U | kPsh, 0U | kFin | kPsh | kUrg, 0U | kUrg}) {
    peer.inject(tcp().flags(static_cast<std::uint8_t>(flags)).seq(1));
    peer.inject(tcp().flags(static_cast<std::uint8_t>(flags)).seq(1).data("data"));
  }
  peer.expect_silence();
  EXPECT_EQ(connections_beside_listener(wire), 0U);
}

TEST_F(Listen, ASynMakesAConnection) {
  NARU_CHECKS("TCS-002");
  wire.listener();
  peer.inject(tcp().syn().mss(1460));
  peer.expect(tcp().syn().seq(0).ack(1).length(0));
  EXPECT_EQ(connections_beside_listener(wire), 1U);
}

TEST_F(Listen, ContradictoryFlagsMakeNone) {
  NARU_CHECKS("TCS-003");
  wire.listener();
  for (const unsigned flags : {0U | kSyn | kFin, 0U | kSyn | kRst, 0U | kSyn | kFin | kRst,
                               0U | kSyn | kFin | kPsh | kUrg}) {
    peer.inject(tcp().flags(static_cast<std::uint8_t>(flags)).seq(0).mss(1460));
  }
  peer.expect_silence();
  EXPECT_EQ(connections_beside_listener(wire), 0U);
}

TEST_F(Listen, SynsWithHarmlessFlagsAreTaken) {
  NARU_CHECKS("TCS-003");
  wire.listener();
  std::uint16_t port = 50'000;
  for (const unsigned others :
       {0U | kPsh, 0U | kUrg, 0U | kPsh | kUrg, 0U | wire::kEce | wire::kCwr, 0U | wire::kEce}) {
    Peer client(wire, Wire::kPeer, port++);
    client.inject(tcp().flags(static_cast<std::uint8_t>(others | kSyn)).mss(1460));
    client.expect(tcp().syn().ack(1));
  }
  EXPECT_EQ(connections_beside_listener(wire), 5U);
}

// Data on a SYN is not acknowledged without Fast Open, so it comes again.
TEST_F(Listen, DataOnASynIsNotLost) {
  NARU_CHECKS("TCS-004");
  Socket listener = wire.listener();
  peer.inject(tcp().syn().mss(1460).data(stream(0, 100)));
  peer.expect(tcp().syn().seq(0).ack(1));
  peer.set_snd_nxt(1);
  peer.inject(tcp().ack());
  Socket server = listener.accept();
  server.expect_nothing();
  peer.inject(tcp().ack().stream(100));
  server.expect_stream(100);
  peer.drain();
}

TEST_F(Queues, AClosedListenerResetsItsConnections) {
  NARU_CHECKS("TCS-043");
  Socket listener = wire.listener();
  Peer half_open(wire, ip4("10.0.0.3"));
  Peer with_data(wire, ip4("10.0.0.4"));
  Peer accepted(wire, ip4("10.0.0.5"));
  Socket survivor = establish(accepted);
  half_open.inject(tcp().syn().mss(1460));
  half_open.expect(tcp().syn().ack(1));
  for (Peer* client : {&peer, &with_data}) {
    client->inject(tcp().syn().mss(1460));
    client->expect(tcp().syn().ack(1));
    client->inject(tcp().ack());
  }
  with_data.inject(tcp().ack().data("never read"));
  with_data.drain();

  Socket::must(listener.close());
  for (Peer* client : {&peer, &with_data, &half_open}) client->expect(tcp().rst().ack().seq(1));
  EXPECT_EQ(wire.stack().usage().connections, 1U) << "only the accepted one is left";
  EXPECT_EQ(survivor.state(), TcpState::established);
  accepted.expect_silence();
}

TEST_F(Queues, AcceptIsFirstInFirstOut) {
  NARU_CHECKS("TCS-054");
  Socket listener = wire.listener();
  std::vector<std::unique_ptr<Peer>> clients;
  for (std::uint16_t i = 0; i < 5; ++i) {
    clients.push_back(
        std::make_unique<Peer>(wire, Wire::kPeer, static_cast<std::uint16_t>(50'000 + i)));
    clients.back()->inject(tcp().syn().mss(1460));
    clients.back()->expect(tcp().syn().ack(1));
  }
  const std::size_t order[] = {3, 0, 4, 1, 2};
  for (const std::size_t i : order) clients[i]->inject(tcp().ack());
  for (const std::size_t i : order) {
    EXPECT_EQ(listener.accept().remote(), clients[i]->endpoint());
  }
}

// As Linux does: accept gives the connection, and reading tells what became of it.
TEST_F(Queues, AConnectionResetBeforeAcceptIsStillGiven) {
  NARU_CHECKS("TCS-054");
  Socket listener = wire.listener();
  peer.inject(tcp().syn().mss(1460));
  peer.expect(tcp().syn().ack(1));
  peer.inject(tcp().ack());
  peer.inject(tcp().rst().seq(1));
  Socket server = listener.accept();
  server.expect_recv(Error::reset);
  server.expect_eof();
}

// Clients that keep to the RFC: they repeat their SYN, and answer every SYN-ACK.
class Client {
 public:
  Client(Wire& wire, std::uint16_t port) : peer_(wire, Wire::kPeer, port) { send_syn(); }

  void run() {
    for (const Seen& seen : peer_.drain()) {
      resets_ += seen.has(kRst) ? 1 : 0;
      if (seen.has(kSyn)) answer();
    }
    if (!answered_ && peer_.wire().now() >= repeat_at_) send_syn();
  }
  bool answered() const { return answered_; }
  int resets() const { return resets_; }

 private:
  void send_syn() {
    peer_.inject(tcp().syn().seq(0).mss(1460));
    repeat_at_ = peer_.wire().now() + interval_;
    interval_ *= 2;
  }
  void answer() {
    answered_ = true;
    peer_.inject(tcp().ack().seq(1));
  }

  Peer peer_;
  Duration interval_ = 1s;
  Time repeat_at_{};
  bool answered_ = false;
  int resets_ = 0;
};

// What does not fit into the accept queue is not completed, and not forgotten.
TEST_F(Queues, AFullBacklogMakesClientsWait) {
  NARU_CHECKS("TCS-053");
  wire.set(Option::tcp_syn_cookies, 0);
  Socket listener = wire.listener(80, 1);
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint16_t i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(wire, static_cast<std::uint16_t>(50'000 + i)));
  }
  const auto run = [&](Duration duration) {
    for (const Time end = wire.now() + duration; wire.now() < end; wire.advance(100ms)) {
      for (const auto& client : clients) client->run();
    }
  };

  run(2s);
  int accepted = 0;
  while (listener.try_accept()) ++accepted;
  EXPECT_LE(accepted, 2) << "the queue held more than backlog + 1";
  EXPECT_GE(accepted, 1);
  for (int round = 0; round < 60 && accepted < 5; ++round) {
    run(1s);
    while (listener.try_accept()) ++accepted;
  }
  EXPECT_EQ(accepted, 5);
  for (const auto& client : clients) {
    EXPECT_TRUE(client->answered());
    EXPECT_EQ(client->resets(), 0);
  }
}

// The connection that a handshake makes is whole before the next segment of the
// same burst finds it.
TEST_F(Queues, AChildIsWholeBeforeItsFirstData) {
  NARU_CHECKS("TCS-055");
  Socket listener = wire.listener();
  Socket::must(listener.set(SocketOption::no_delay, 1));
  peer.inject(tcp().syn().mss(1000).sack_ok().wscale(7));
  peer.expect(tcp().syn().ack(1));
  peer.inject_all(
      {tcp().ack(), tcp().ack().stream(500), tcp().ack().stream(500), tcp().fin().ack()});
  Socket server = listener.accept();
  EXPECT_EQ(server.state(), TcpState::close_wait);
  EXPECT_EQ(server.remote(), peer.endpoint());
  EXPECT_EQ(server.local(), (Endpoint{Wire::kHost, 80}));
  EXPECT_EQ(server.get(SocketOption::no_delay), 1) << "inherited from the listener";
  EXPECT_TRUE(server.info().sack);
  server.expect_stream(1000);
  server.expect_eof();
  peer.drain();
}

}  // namespace
}  // namespace naru::test
