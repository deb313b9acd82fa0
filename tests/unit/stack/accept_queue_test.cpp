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

}  // namespace
}  // namespace naru::test
