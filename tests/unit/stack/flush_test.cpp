// Calls that were collected are carried out as if each had had its own turn.
#include <array>
#include <string_view>

#include "two_hosts.hpp"

namespace naru::test {
namespace {

struct Flush : TwoHosts {
  // A server that has said its last words, and a question that waits at its link.
  Flush() {
    const SocketId listener = *b->open_tcp();
    EXPECT_TRUE(b->bind(listener, {IpAddr::any_v4(), 80}));
    EXPECT_TRUE(b->listen(listener, 1));
    client = *a->open_tcp();
    EXPECT_EQ(a->connect(client, Endpoint{*IpAddr::parse("10.0.0.2"), 80}).error(),
              Error::in_progress);
    settle();
    const SocketId server = b->accept(listener)->socket;
    EXPECT_TRUE(a->send(client, bytes("a question")));
    a->poll(now);
    EXPECT_TRUE(b->send(server, bytes("no")));
    EXPECT_TRUE(b->close(server));
  }
  static Bytes bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }
  Result<std::size_t> answer() {
    settle();
    std::array<std::uint8_t, 16> room{};
    return a->recv(client, room);
  }

  SocketId client;
};

TEST_F(Flush, LastWordsGoBeforeWhatHasComeMeanwhile) {
  b->flush(now);
  EXPECT_EQ(answer(), 2U);
}

// RFC 1122 4.2.2.13: what comes for nobody resets the connection, with all that was unsent.
TEST_F(Flush, WithoutItWhatHasComeGoesFirst) { EXPECT_EQ(answer().error(), Error::reset); }

}  // namespace
}  // namespace naru::test
