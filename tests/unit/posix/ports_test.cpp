// The end of the ephemeral ports.
#include <cerrno>
#include <set>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::posix::test {
namespace {

TEST_F(PosixTest, PortsRunOutAndComeBack) {
  NARU_CHECKS("SOC-045", "SOC-011");
  constexpr int kPorts = 10;
  Stack& stack = fds().session().stack();
  ASSERT_TRUE(stack.set_option(Option::port_range_first, 50'000));
  ASSERT_TRUE(stack.set_option(Option::port_range_last, 50'000 + kPorts - 1));
  const int l = listener(80);
  std::vector<int> all;
  for (int i = 0; i < kPorts; ++i) {
    all.push_back(tcp());
    EXPECT_EQ(connect(all.back(), 80), 0) << i;
  }
  const int more = tcp();
  EXPECT_EQ(connect(more, 80), -EADDRNOTAVAIL);
  // Another destination has ports of its own.
  listener(81);
  EXPECT_EQ(connect(tcp(), 81), 0);
  const linger at_once{1, 0};
  EXPECT_EQ(sockets().set_option(all[3], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  EXPECT_EQ(fds().close(all[3]), 0);
  EXPECT_EQ(connect(more, 80), 0) << "the port is free again";
  EXPECT_GE(l, 0);
}

TEST_F(PosixTest, PortsOfConnectionsAreNotGivenOutAsFreeOnes) {
  NARU_CHECKS("SOC-004");
  constexpr int kPorts = 4;
  Stack& stack = fds().session().stack();
  ASSERT_TRUE(stack.set_option(Option::port_range_first, 50'000));
  ASSERT_TRUE(stack.set_option(Option::port_range_last, 50'000 + kPorts - 1));
  listener(80);
  std::set<std::uint16_t> taken;
  const auto port_of = [this](int fd) {
    sockaddr_in a{};
    socklen_t length = sizeof a;
    EXPECT_EQ(sockets().local_name(fd, reinterpret_cast<sockaddr*>(&a), &length), 0);
    return ntohs(a.sin_port);
  };
  for (int i = 0; i + 1 < kPorts; ++i) {
    const int client = tcp();
    ASSERT_EQ(connect(client, 80), 0);
    taken.insert(port_of(client));
  }
  for (int i = 0; i < 50; ++i) {
    const int fd = tcp();
    ASSERT_EQ(bind(fd, 0), 0);
    EXPECT_FALSE(taken.contains(port_of(fd)));
    EXPECT_EQ(fds().close(fd), 0);
  }
  // Where there is no other, one that nobody is bound to will do.
  const int fourth = tcp();
  ASSERT_EQ(bind(fourth, 0), 0);
  const int fifth = tcp();
  ASSERT_EQ(bind(fifth, 0), 0);
  EXPECT_TRUE(taken.contains(port_of(fifth)));
}

}  // namespace
}  // namespace naru::posix::test
