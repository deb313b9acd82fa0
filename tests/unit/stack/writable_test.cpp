// A program that waits for room in the send buffer is told as soon as readiness says so.
#include <algorithm>

#include "dsl/fixture.hpp"

namespace naru::test {
namespace {

struct Writable : StackTest {
  // Fills a send buffer of `size` bytes; then the peer acknowledges about a third, then more.
  void fill_and_acknowledge(std::int64_t size, int third_and) {
    Socket socket = establish(peer);
    socket.must(socket.set(SocketOption::send_buffer, size));
    const auto filled = static_cast<std::uint32_t>(*socket.try_send(stream(0, 100'000)));
    ASSERT_FALSE(socket.is_ready(ready::kOut));
    peer.drain();
    wire.take_events();
    const auto acked = static_cast<std::uint32_t>(static_cast<int>(filled) / 3 + third_and);
    const bool told = told_after(socket, acked);
    EXPECT_EQ(told, socket.is_ready(ready::kOut)) << acked << " of " << filled;
    const bool told_later = told_after(socket, acked + 100);
    EXPECT_EQ(told_later, !told) << acked << " of " << filled;
    EXPECT_TRUE(socket.is_ready(ready::kOut));
    socket.must(socket.abort());
    peer.drain();
    peer.host_is_bound = false;
    peer.restart(peer.port() + 1);
  }

  bool told_after(Socket& socket, std::uint32_t acked) {
    peer.inject(tcp().ack(1 + acked));
    return std::ranges::any_of(wire.take_events(), [&](const SocketEvent& event) {
      return event.socket == socket.id() && (event.readiness & ready::kOut) != 0;
    });
  }
};

TEST_F(Writable, IsToldAsSoonAsItIsSo) {
  for (const int size : {6000, 6001, 6002}) {
    for (int third_and = -3; third_and <= 3; ++third_and) fill_and_acknowledge(size, third_and);
  }
}

// Who never had a send() refused, and polls because readiness says that there is no room.
TEST_F(Writable, IsToldAlsoAfterASendThatTookEverything) {
  Socket socket = establish(peer);
  socket.must(socket.set(SocketOption::send_buffer, 6000));
  EXPECT_EQ(socket.try_send(stream(0, 11'000)), 11'000U);
  ASSERT_FALSE(socket.is_ready(ready::kOut));
  peer.drain();
  wire.take_events();
  EXPECT_TRUE(told_after(socket, 11'000));
}

}  // namespace
}  // namespace naru::test
