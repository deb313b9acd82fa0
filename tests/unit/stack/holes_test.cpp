// What must always have room: the bytes that fill the first hole.
#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct Holes : StackTest {
  // Every other 100 bytes, the first 200 not.
  void leave_holes(std::uint32_t count) {
    for (std::uint32_t i = 1; i <= count; ++i) {
      peer.inject(tcp().ack().seq(1 + 200 * i).stream(100));
    }
    peer.drain();
  }
};

TEST_F(Holes, AreFilledHoweverManyThereAre) {
  wire.set(Option::max_small_packets, 4096);
  Socket server = establish(peer);
  leave_holes(100);
  EXPECT_GT(wire.stack().counters().get(Drop::tcp_reassembly_full), 0U);
  peer.inject(tcp().ack().seq(1).stream(100));
  server.expect_stream(100);
  peer.drain();
  peer.inject(tcp().ack().seq(101).stream(100));
  server.expect_stream(200);
  peer.drain();
}

TEST_F(Holes, LeaveBuffersForWhatFillsThem) {
  NARU_CHECKS("LNK-015");
  wire.set(Option::max_small_packets, 16);
  Socket server = establish(peer);
  leave_holes(40);
  EXPECT_GT(wire.stack().counters().get(Drop::tcp_no_memory), 0U);
  peer.inject(tcp().ack().seq(1).stream(200));
  server.expect_stream(300);
  peer.drain();
}

}  // namespace
}  // namespace naru::test
