// Opening: both at once, resets on the way, listeners side by side (RFC 9293 3.5, 3.9.1).

#include "sequence_test.hpp"
#include "unit/stack/two_hosts.hpp"

namespace naru::test {
namespace {

// --- simultaneous open -------------------------------------------------------------

// Two real stacks whose SYNs cross.
struct Crossing : TwoHosts {
  static SocketId bound(VirtualHost& host, std::uint16_t port) {
    const SocketId socket = *host->open_tcp();
    EXPECT_TRUE(host->bind(socket, {IpAddr::any_v4(), port}));
    return socket;
  }
  // Both know the other's MAC address, so that no SYN has to wait for ARP.
  void warm_up() {
    const SocketId socket = *a->open_tcp();
    EXPECT_EQ(a->connect(socket, {ip4("10.0.0.2"), 9}).error(), Error::in_progress);
    settle();
    EXPECT_TRUE(a->close(socket));
  }
};

TEST_F(Crossing, SynsMakeOneConnection) {
  NARU_CHECKS("TCB-015");
  warm_up();
  const SocketId left = bound(a, 1000);
  const SocketId right = bound(b, 2000);
  ASSERT_EQ(a->connect(left, {ip4("10.0.0.2"), 2000}).error(), Error::in_progress);
  ASSERT_EQ(b->connect(right, {ip4("10.0.0.1"), 1000}).error(), Error::in_progress);
  settle();
  EXPECT_EQ(a->tcp_info(left)->state, TcpState::established);
  EXPECT_EQ(b->tcp_info(right)->state, TcpState::established);
  EXPECT_EQ(a->usage().connections, 1U);
  EXPECT_EQ(b->usage().connections, 1U);
  EXPECT_EQ(a->take_error(left), Error::none);
  EXPECT_EQ(b->take_error(right), Error::none);

  ASSERT_EQ(a->send(left, bytes("from the left")), 13U);
  ASSERT_EQ(b->send(right, bytes("from the right")), 14U);
  settle();
  Buffer room(100);
  room.resize(*a->recv(left, room));
  EXPECT_EQ(text(room), "from the right");
  room.resize(100);
  room.resize(*b->recv(right, room));
  EXPECT_EQ(text(room), "from the left");
  advance(10s);
  EXPECT_EQ(a->counters().get(Counter::tcp_retransmits), 0U);
  EXPECT_EQ(b->counters().get(Counter::tcp_retransmits), 0U);
}

class Simultaneous : public SequenceTest {};
INSTANTIATE_TEST_SUITE_P(All, Simultaneous,
                         ::testing::ValuesIn(kNumberings + 3, std::end(kNumberings)), name_of_case);

// RFC 9293 3.5 figure 8, with the host's SYN-ACK lost.
TEST_P(Simultaneous, ALostAnswerIsRepeated) {
  NARU_CHECKS("TCB-015");
  Socket socket = reach(TcpState::syn_sent);
  peer.inject(plain_syn().syn());
  peer.expect(tcp().syn().ack(1).seq(0));
  EXPECT_EQ(socket.state(), TcpState::syn_received);
  peer.expect_between(900ms, 3010ms, tcp().syn().ack(1).seq(0));
  peer.inject(tcp().ack());
  EXPECT_EQ(socket.state(), TcpState::established);
  EXPECT_TRUE(socket.is_ready(ready::kOut));
  EXPECT_EQ(wire.stack().usage().connections, 1U);
  peer.expect_silence(5s);
}

// --- a reset in SYN-RECEIVED -----------------------------------------------------------

class ResetInSynReceived : public SequenceTest {};
NARU_ALL_NUMBERINGS(ResetInSynReceived);

TEST_P(ResetInSynReceived, EndsWhereTheOpenCameFrom) {
  NARU_CHECKS("TCB-016");
  Socket socket = reach(TcpState::syn_received);
  peer.inject(tcp().rst().seq(1));
  peer.expect_silence(120s);
  if (open() == Open::active) {
    // The row REFUSED of Linux's table.
    EXPECT_EQ(socket.readiness(),
              ready::kIn | ready::kOut | ready::kErr | ready::kHup | ready::kRdHup);
    EXPECT_EQ(socket.take_error(), Error::refused);
    EXPECT_EQ(socket.take_error(), Error::none);
    EXPECT_FALSE(socket.is_ready(ready::kErr));
    socket.expect_eof();
    return;
  }
  // Back in LISTEN, and nobody was told.
  Socket listener = wire.listener();
  EXPECT_EQ(listener.readiness(), 0);
  EXPECT_EQ(listener.try_accept().error(), Error::would_block);
  EXPECT_EQ(listener.state(), TcpState::listen);
  EXPECT_EQ(wire.stack().usage().connections, 1U);
  peer.restart(peer.port());
  Socket next = test::establish(peer);
  EXPECT_EQ(next.state(), TcpState::established);
}

// --- listeners ---------------------------------------------------------------------------

struct Listening : StackTest {
  const IpAddr second = ip4("10.0.0.9");

  Socket listen_on(const Endpoint& local) {
    Socket socket = wire.tcp_socket();
    Socket::must(socket.bind(local));
    Socket::must(socket.listen(4));
    return socket;
  }
  void expect_carries(Peer& from, Socket& socket, std::string_view text) {
    from.inject(tcp().ack().data(text));
    socket.expect_read(text);
    wire.advance(500ms);
    from.drain();
    socket.send(text);
    from.expect(tcp().ack().data(text));
    from.inject(tcp().ack());
  }
};

TEST_F(Listening, DoesNotDisturbALiveConnection) {
  NARU_CHECKS("TCB-062");
  Socket first = listen_on({IpAddr::any_v4(), 80});
  peer.inject(plain_syn().syn());
  peer.expect(tcp().syn().ack(1));
  peer.inject(tcp().ack());
  Socket live = first.accept();
  expect_carries(peer, live, "one");

  Socket::must(first.close());
  expect_carries(peer, live, "two");
  Socket again = wire.tcp_socket();  // Linux: beside a live connection with SO_REUSEADDR only
  Socket::must(live.set(SocketOption::reuse_address, 1));
  Socket::must(again.set(SocketOption::reuse_address, 1));
  Socket::must(again.bind({IpAddr::any_v4(), 80}));
  Socket::must(again.listen(4));
  expect_carries(peer, live, "three");

  Peer other(wire, ip4("10.0.0.3"), 50'000);
  other.inject(plain_syn().syn());
  other.expect(tcp().syn().ack(1));
  other.inject(tcp().ack());
  Socket newer = again.accept();
  expect_carries(other, newer, "four");
  expect_carries(peer, live, "five");
}

TEST_F(Listening, OnAnyAddressOfAPort) {
  NARU_CHECKS("TCB-062");
  ASSERT_TRUE(wire.stack().add_address(wire.interface(), {second, 24}));
  Socket on_first = listen_on({Wire::kHost, 80});
  Socket on_second = listen_on({second, 80});
  Peer other(wire, ip4("10.0.0.3"), 50'000);
  peer.inject(plain_syn().syn());
  peer.expect(tcp().syn().ack(1).src(Wire::kHost));
  other.inject(plain_syn().syn().dst(second));
  other.expect(tcp().syn().ack(1).src(second));
  peer.inject(tcp().ack());
  other.inject(tcp().ack().dst(second));
  Socket a = on_first.accept();
  Socket b = on_second.accept();
  EXPECT_EQ(on_first.try_accept().error(), Error::would_block);
  EXPECT_EQ(on_second.try_accept().error(), Error::would_block);
  EXPECT_EQ(a.local().addr, Wire::kHost);
  EXPECT_EQ(b.local().addr, second);

  Socket::must(on_first.close());
  other.restart(50'001);
  other.inject(plain_syn().syn().dst(second));
  other.expect(tcp().syn().ack(1).src(second));
  peer.restart(40'001);
  peer.inject(plain_syn().syn());
  peer.expect(tcp().rst().ack(1));
}

TEST_F(Listening, AgainOnTheSameAddressIsRefused) {
  NARU_CHECKS("TCB-062");
  listen_on({Wire::kHost, 80});
  for (const IpAddr& addr : {Wire::kHost, IpAddr::any_v4()}) {
    Socket other = wire.tcp_socket();
    EXPECT_EQ(other.bind({addr, 80}).error(), Error::address_in_use);
  }
}

// With connections on the same local port in SYN-SENT and in SYN-RECEIVED.
TEST_F(Listening, BesideHandshakesOnThePort) {
  NARU_CHECKS("TCB-062");
  peer.host_is_bound = true;
  Socket sent = reach(peer, TcpState::syn_sent, Open::active);
  Peer crossing(wire, ip4("10.0.0.3"), 50'000);
  crossing.host_is_bound = true;
  Socket received = reach(crossing, TcpState::syn_received, Open::active);

  Socket listener = wire.tcp_socket();
  Socket::must(listener.set(SocketOption::reuse_address, 1));
  Socket::must(listener.bind({Wire::kHost, kBoundPort}));
  Socket::must(listener.listen(4));
  EXPECT_EQ(sent.state(), TcpState::syn_sent);
  EXPECT_EQ(received.state(), TcpState::syn_received);

  Peer third(wire, ip4("10.0.0.4"), 60'000, kBoundPort);
  third.inject(plain_syn().syn());
  third.expect(tcp().syn().ack(1));
  third.inject(tcp().ack());
  EXPECT_EQ(listener.accept().remote(), third.endpoint());

  peer.inject(plain_syn().syn().ack());
  peer.expect(tcp().ack(1));
  crossing.inject(tcp().ack());
  EXPECT_EQ(sent.state(), TcpState::established);
  EXPECT_EQ(received.state(), TcpState::established);
  EXPECT_EQ(listener.try_accept().error(), Error::would_block);
}

}  // namespace
}  // namespace naru::test
