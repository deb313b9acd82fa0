// The end of the ephemeral ports.
#include <cerrno>

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

}  // namespace
}  // namespace naru::posix::test
