// What happens to connections before the program accepts them.
#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct AcceptQueue : StackTest {
  void connect(Peer& from) {
    from.inject(tcp().syn().mss(1460));
    from.expect(tcp().syn().ack(1));
    from.inject(tcp().ack());
  }
};

TEST_F(AcceptQueue, KeepsAConnectionThatIsResetWithAnAckDue) {
  Socket listener = wire.listener(80);
  connect(peer);
  peer.inject_all({tcp().psh().ack().stream(100), tcp().rst()});
  Peer other(wire, ip4("10.0.0.3"));
  connect(other);
  Socket first = listener.accept();
  EXPECT_EQ(first.take_error(), Error::reset);
  first.expect_stream(100);
  Socket second = listener.accept();
  other.inject(tcp().psh().ack().stream(10));
  second.expect_stream(10);
  other.drain();
}

// An accepted socket whose connection has ended, and that was dissolved, is a socket like
// any other.
TEST_F(AcceptQueue, TakesNoSocketThatConnectsLater) {
  Socket socket = establish(peer);
  peer.inject(tcp().rst());
  EXPECT_EQ(socket.state(), TcpState::closed);
  socket.take_error();
  EXPECT_EQ(socket.connect(peer.endpoint()).error(), Error::is_connected);  // as Linux
  socket.must(wire.stack().disconnect(socket.id()));
  peer.host_is_bound = false;
  peer.restart(peer.port() + 1);
  EXPECT_EQ(socket.connect(peer.endpoint()).error(), Error::in_progress);
  peer.expect(tcp().syn());
  peer.inject(plain_syn().syn().ack(1));
  peer.expect(tcp().ack(1));
  EXPECT_EQ(socket.state(), TcpState::established);
  EXPECT_FALSE(wire.listener(peer.host_port()).try_accept());
}

}  // namespace
}  // namespace naru::test
