// A FIN is sent in the end, whatever is in its way at first.
#include <memory>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct Fin : StackTest {};

TEST_F(Fin, IsSentWhenThereIsARouteAgain) {
  Socket server = establish(peer);
  wire.link.up = false;
  wire.settle();
  server.must(server.close());
  wire.advance(3s);
  peer.drain();
  wire.link.up = true;
  peer.expect_between(0s, 10s, tcp().fin().ack());
  peer.inject(tcp().ack());
  wire.drain();
}

TEST_F(Fin, IsSentWhenThereIsAFlowAgain) {
  wire.set(Option::max_flows, 16);
  std::vector<std::unique_ptr<Peer>> others;
  std::vector<Socket> busy;
  for (std::uint16_t i = 0; i < 16; ++i) {
    others.push_back(std::make_unique<Peer>(wire, ip4("10.0.0.3"), 50'000 + i));
    busy.push_back(establish(*others.back()));
  }
  Socket server = establish(peer);
  for (Socket& socket : busy) socket.send("x");
  server.must(server.shutdown(Shutdown::send));
  peer.expect_silence();
  others[3]->drain();
  others[3]->inject(tcp().ack());
  peer.expect_between(0s, 2s, tcp().fin().ack());
  wire.forget_frames();
}

// tcp.max_orphans: who closes one too many resets it instead of delivering.
TEST_F(Fin, IsAResetWhereTooManyWaitForDelivery) {
  wire.set(Option::tcp_max_orphans, 1);
  Peer second(wire, ip4("10.0.0.3"), 50'000);
  Socket first_server = establish(peer);
  Socket second_server = establish(second);
  first_server.must(first_server.close());
  peer.expect(tcp().fin().ack());
  EXPECT_EQ(wire.stack().usage().orphans, 1U);
  second_server.must(second_server.close());
  second.expect(tcp().rst().ack());
  EXPECT_EQ(wire.stack().counters().get(Counter::tcp_orphans_reset), 1U);
  peer.inject(tcp().ack());
  EXPECT_EQ(wire.stack().usage().orphans, 0U) << "FIN-WAIT-2 has nothing to deliver";
  peer.inject(tcp().fin().ack());
  peer.expect(tcp().ack());
}

// A host goes away: who has not taken everything is told, also when the RST's number
// is not the one that it waits for.
TEST_F(Fin, IsAResetForOrphansWhenTheHostGoes) {
  Socket server = establish(peer);
  Peer second(wire, ip4("10.0.0.3"), 50'000);
  Socket open = establish(second);
  server.send("not acknowledged");
  peer.drain();
  server.must(server.close());
  peer.drain();
  wire.stack().abort_orphans();
  wire.settle();
  peer.expect(tcp().rst().ack());
  EXPECT_EQ(wire.stack().usage().orphans, 0U);
  peer.inject(tcp().ack());  // the challenge of RFC 5961 3.2
  peer.expect(tcp().rst());
  second.expect_silence();
  open.send("x");
  second.drain();
}

}  // namespace
}  // namespace naru::test
