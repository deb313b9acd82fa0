// Sockets by their descriptors: Linux's answers.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>

#include <naru/socket/clock.hpp>

#include "fixture.hpp"

namespace naru::posix::test {
namespace {

TEST_F(PosixTest, TakesStreamsAndDatagramsOfIp) {
  EXPECT_TRUE(Sockets::takes(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(Sockets::takes(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
  EXPECT_FALSE(Sockets::takes(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  EXPECT_FALSE(Sockets::takes(AF_UNIX, SOCK_STREAM, 0));
}

TEST_F(PosixTest, NumbersAreTheLowestFreeAndReal) {
  const int hole = ::dup(0);
  ::close(hole);
  const int fd = tcp(SOCK_CLOEXEC | SOCK_NONBLOCK);
  EXPECT_EQ(fd, hole);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fds().fcntl(fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
  struct stat s {};
  EXPECT_EQ(fds().fstat(fd, s), 0);
  EXPECT_TRUE(S_ISSOCK(s.st_mode));
  EXPECT_EQ(fds().close(fd), 0);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(open_sockets(), 0U);
}

// The rows of SOC-018, SOC-020, SOC-026: unconnected, then connected, then shut.
TEST_F(PosixTest, StatesAnswerAsLinux) {
  const int fresh = tcp();
  EXPECT_EQ(send(fresh, "x"), -EPIPE);
  EXPECT_EQ(recv(fresh), error(ENOTCONN));
  EXPECT_EQ(sockets().shutdown(fresh, SHUT_WR), -ENOTCONN);
  EXPECT_EQ(sockets().accept(fresh, nullptr, nullptr, 0), -EINVAL);
  EXPECT_EQ(connect(fresh, 9), -ECONNREFUSED);
  const auto [client, server] = connected();
  EXPECT_EQ(connect(client, 80), -EISCONN);
  EXPECT_EQ(recv(client, MSG_DONTWAIT), error(EAGAIN));
  EXPECT_EQ(send(client, "hello"), 5);
  EXPECT_EQ(recv(server, MSG_PEEK), "hello");
  EXPECT_EQ(recv(server), "hello");
  EXPECT_EQ(sockets().shutdown(client, SHUT_WR), 0);
  EXPECT_EQ(recv(server), "");
  EXPECT_EQ(send(client, "x"), -EPIPE);
  EXPECT_EQ(send(server, "bye"), 3);
  EXPECT_EQ(fds().close(server), 0);
  EXPECT_EQ(recv(client), "bye");
  EXPECT_EQ(recv(client), "");
  EXPECT_EQ(recv(99), error(EBADF));
}

TEST_F(PosixTest, ANonBlockingConnectIsToldBySoError) {
  const int fd = tcp(SOCK_NONBLOCK);
  EXPECT_EQ(connect(fd, 9), -EINPROGRESS);
  pollfd p{fd, POLLOUT, 0};
  EXPECT_EQ(library->polling.poll({&p, 1}, monotonic_now() + kLong, nullptr), 1);
  EXPECT_EQ(p.revents, POLLOUT | POLLERR | POLLHUP);
  int number = 0;
  socklen_t size = sizeof number;
  EXPECT_EQ(sockets().get_option(fd, SOL_SOCKET, SO_ERROR, &number, &size), 0);
  EXPECT_EQ(number, ECONNREFUSED);
}

TEST_F(PosixTest, AWaitEndsAtItsTimeout) {
  const auto [client, server] = connected();
  const timeval limit{0, 30'000};
  EXPECT_EQ(sockets().set_option(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  const Time start = monotonic_now();
  EXPECT_EQ(recv(client), error(EAGAIN));
  EXPECT_GE(monotonic_now() - start, 30ms);
}

TEST_F(PosixTest, AThreadThatReceivesIsWokenByData) {
  const auto [client, server] = connected();
  std::string got;
  std::thread reader([&, c = client] { got = recv(c); });
  std::this_thread::sleep_for(30ms);
  send(server, "wake");
  reader.join();
  EXPECT_EQ(got, "wake");
}

TEST_F(PosixTest, ASocketIsClosedWhenTheLastCallLeavesIt) {
  const auto [client, server] = connected();
  std::string got;
  std::thread reader([&, c = client] { got = recv(c); });
  std::this_thread::sleep_for(30ms);
  EXPECT_EQ(fds().close(client), 0);
  EXPECT_EQ(open_sockets(), 2U) << "the call has it";
  send(server, "late");
  reader.join();
  EXPECT_EQ(got, "late");
  EXPECT_EQ(open_sockets(), 1U);
  EXPECT_EQ(recv(server), "");
}

TEST_F(PosixTest, ABlockingSendEndsWhenAllIsTaken) {
  const auto [client, server] = connected();
  const std::string much(3'000'000, 'm');
  std::size_t got = 0;
  std::thread reader([&, s = server] {
    for (std::string piece; !(piece = recv(s)).empty();) got += piece.size();
  });
  EXPECT_EQ(send(client, much), static_cast<long>(much.size()));
  fds().close(client);
  reader.join();
  EXPECT_EQ(got, much.size());
}

TEST_F(PosixTest, AVectorIsOneWriteAlsoWithEmptyParts) {
  const auto [client, server] = connected();
  char a[] = "head";
  char b[] = "body";
  const iovec parts[] = {{nullptr, 0}, {a, 4}, {nullptr, 0}, {b, 4}, {nullptr, 0}};
  EXPECT_EQ(sockets().send(client, parts, 0), 8);
  EXPECT_EQ(recv(server, MSG_DONTWAIT), "headbody") << "nothing is held back";
  const iovec bad{nullptr, 4};
  EXPECT_EQ(sockets().send(client, {&bad, 1}, 0), -EFAULT);
}

TEST_F(PosixTest, WithoutANumberAConnectionStaysInTheQueue) {
  const int l = listener(80);
  const int client = tcp();
  ASSERT_EQ(connect(client, 80), 0);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{static_cast<rlim_t>(client) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  EXPECT_EQ(sockets().accept(l, nullptr, nullptr, 0), -EMFILE);
  ::setrlimit(RLIMIT_NOFILE, &before);
  const auto server = static_cast<int>(sockets().accept(l, nullptr, nullptr, 0));
  EXPECT_EQ(send(server, "here"), 4);
  EXPECT_EQ(recv(client), "here");
  EXPECT_EQ(open_sockets(), 3U);
}

TEST_F(PosixTest, ADatagramKeepsItsEdges) {
  const auto from = static_cast<int>(sockets().socket(AF_INET, SOCK_DGRAM, 0));
  const auto to = static_cast<int>(sockets().socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(bind(to, 53), 0);
  EXPECT_EQ(send(from, "x"), -EDESTADDRREQ);
  EXPECT_EQ(connect(from, 53), 0);
  send(from, "one");
  send(from, "two");
  EXPECT_EQ(recv(to), "one");
  EXPECT_EQ(recv(to), "two");
  EXPECT_EQ(recv(to, MSG_DONTWAIT), error(EAGAIN));
}

TEST_F(PosixTest, OptionsAreKeptAndUnknownOnesAreTold) {
  const int fd = tcp();
  const int on = 1;
  EXPECT_EQ(sockets().set_option(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(sockets().get_option(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(sockets().get_option(fd, SOL_SOCKET, SO_DOMAIN, &value, &size), 0);
  EXPECT_EQ(value, AF_INET);
  EXPECT_EQ(sockets().set_option(fd, SOL_SOCKET, 9999, &on, sizeof on), -ENOPROTOOPT);
  EXPECT_EQ(sockets().set_option(fd, IPPROTO_TCP, TCP_NODELAY, &on, 2), -EINVAL);
}

}  // namespace
}  // namespace naru::posix::test
