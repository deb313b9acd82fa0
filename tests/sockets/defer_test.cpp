// TCP_DEFER_ACCEPT: connections are told of when their data has come.
#include "sockets.hpp"

namespace naru::sockets {
namespace {

Fd deferring(int seconds) {
  Fd fd = listener();
  EXPECT_EQ(error_of(set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds)), 0);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

TEST(DeferAccept, IsReadBackInRetransmissions) {
  NARU_CHECKS("SOC-034", "SOC-036");
  const Fd fd = tcp();
  for (const auto& [seconds, read_back] : {std::pair{0, 0}, {1, 1}, {2, 3}, {4, 7}, {30, 31}}) {
    EXPECT_EQ(error_of(set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds)), 0);
    EXPECT_EQ(get(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), read_back) << seconds;
  }
}

TEST(DeferAccept, WaitsForData) {
  NARU_CHECKS("SOC-036");
  const Fd l = deferring(30);
  const Fd client = tcp();
  ASSERT_EQ(connect(client, name_of(l)), 0);
  EXPECT_FALSE(wait_for(l, POLLIN, kSoon));
  EXPECT_EQ(error_of(::accept(l, nullptr, nullptr)), EAGAIN);
  EXPECT_EQ(send(client, "hello"), 5);
  ASSERT_TRUE(wait_for(l, POLLIN));
  const Fd server(::accept(l, nullptr, nullptr));
  EXPECT_EQ(recv(server), "hello");
}

TEST(DeferAccept, NotForEver) {
  NARU_CHECKS("SOC-036");
  const Fd l = deferring(1);
  const Fd client = tcp();
  ASSERT_EQ(connect(client, name_of(l)), 0);
  EXPECT_FALSE(wait_for(l, POLLIN, kSoon));
  ASSERT_TRUE(wait_for(l, POLLIN));
  const Fd server(::accept(l, nullptr, nullptr));
  EXPECT_EQ(send(server, "banner"), 6);
  EXPECT_EQ(recv(client), "banner");
}

}  // namespace
}  // namespace naru::sockets
