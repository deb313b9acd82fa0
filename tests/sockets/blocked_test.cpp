// A descriptor is closed while another thread waits in a call on its socket: the call goes
// on, and the socket is closed when the last of them leaves.
#include <future>
#include <set>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

// The answer of a call in a thread of its own, which waits when this returns.
template <class Call>
auto waiting(Call call) {
  auto answer = std::async(std::launch::async, std::move(call));
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(kSoon)), std::future_status::timeout);
  return answer;
}

TEST(ClosedMeanwhile, AReceiveStillGetsWhatComes) {
  NARU_CHECKS("SOC-027", "SOC-047");
  auto [client, server] = connected();
  auto got = waiting([fd = static_cast<int>(client)] { return recv(fd); });
  client.close();
  EXPECT_EQ(recv(server, MSG_DONTWAIT), "EAGAIN") << "it is not closed yet";
  EXPECT_EQ(send(server, "late"), 4);
  EXPECT_EQ(got.get(), "late");
  EXPECT_EQ(recv(server), "") << "now it is";
}

TEST(ClosedMeanwhile, OfTwoTheLastToLeaveCloses) {
  NARU_CHECKS("SOC-027", "SOC-047");
  auto [client, server] = connected();
  auto first = waiting([fd = static_cast<int>(client)] { return recv(fd, 0, 4); });
  auto second = waiting([fd = static_cast<int>(client)] { return recv(fd, 0, 4); });
  client.close();
  send(server, "one.");
  sleep_ms(kSoon);
  EXPECT_EQ(recv(server, MSG_DONTWAIT), "EAGAIN");
  send(server, "two.");
  EXPECT_EQ((std::set<std::string>{first.get(), second.get()}),
            (std::set<std::string>{"one.", "two."}));
  EXPECT_EQ(recv(server), "");
}

TEST(ClosedMeanwhile, AnAcceptStillAccepts) {
  NARU_CHECKS("SOC-027", "SOC-047");
  Fd l = listener();
  const sockaddr_in where = name_of(l);
  auto accepted = waiting([fd = static_cast<int>(l)] { return ::accept(fd, nullptr, nullptr); });
  l.close();
  const Fd client = tcp();
  ASSERT_EQ(connect(client, where), 0);
  const Fd end(accepted.get());
  ASSERT_GE(end, 0);
  EXPECT_EQ(send(end, "hello"), 5);
  EXPECT_EQ(recv(client), "hello");
  EXPECT_EQ(error_of(connect(tcp(), where)), ECONNREFUSED) << "now nobody listens";
}

TEST(ClosedMeanwhile, ASendGoesOn) {
  NARU_CHECKS("SOC-027", "SOC-047");
  auto [client, server] = connected();
  const std::string much(8 << 20, 's');
  auto sent = waiting([&, fd = static_cast<int>(client)] { return send(fd, much); });
  client.close();
  std::size_t got = 0;
  for (std::string piece; !(piece = recv(server, 0, 1 << 16)).empty() && piece[0] == 's';) {
    got += piece.size();
  }
  EXPECT_EQ(sent.get(), static_cast<long>(much.size()));
  EXPECT_EQ(got, much.size());
}

TEST(ClosedMeanwhile, ADatagramIsStillReceived) {
  NARU_CHECKS("SOC-027", "SOC-047");
  Fd to = bound_udp();
  const sockaddr_in where = name_of(to);
  auto got = waiting([fd = static_cast<int>(to)] { return recv(fd); });
  to.close();
  const Fd from = udp();
  EXPECT_EQ(::sendto(from, "late", 4, 0, generic(where), sizeof where), 4);
  EXPECT_EQ(got.get(), "late");
  const Fd next = udp();
  EXPECT_EQ(bind(next, where), 0) << "the port is free";
}

TEST(ClosedMeanwhile, ThenTheNumberIsAnotherSocket) {
  NARU_CHECKS("SOC-027", "SOC-047");
  auto [client, server] = connected();
  auto got = waiting([fd = static_cast<int>(client)] { return recv(fd); });
  const int number = client;
  client.close();
  auto [other, far] = connected();
  ASSERT_EQ(::dup2(other, number), number);
  send(far, "for the other");
  EXPECT_EQ(got.wait_for(std::chrono::milliseconds(kSoon)), std::future_status::timeout);
  send(server, "for the first");
  EXPECT_EQ(got.get(), "for the first");
  EXPECT_EQ(recv(number), "for the other");
  ::close(number);
}

TEST(ClosedMeanwhile, ByDup2AsWell) {
  NARU_CHECKS("SOC-027", "SOC-047");
  auto [client, server] = connected();
  auto got = waiting([fd = static_cast<int>(client)] { return recv(fd); });
  const Fd nothing(::open("/dev/null", O_RDONLY));
  ASSERT_EQ(::dup2(nothing, client), static_cast<int>(client));
  EXPECT_EQ(recv(server, MSG_DONTWAIT), "EAGAIN");
  send(server, "late");
  EXPECT_EQ(got.get(), "late");
  EXPECT_EQ(recv(server), "");
}

TEST(ClosedMeanwhile, AShutdownBeforeEndsTheCall) {
  NARU_CHECKS("SOC-026", "SOC-047");
  auto [client, server] = connected();
  auto got = waiting([fd = static_cast<int>(client)] { return recv(fd); });
  ::shutdown(client, SHUT_RD);
  client.close();
  EXPECT_EQ(got.get(), "");
  EXPECT_TRUE(wait_for(server, POLLRDHUP));
}

// poll looks at the number again when it wakes, and it is bad by then.
TEST(ClosedMeanwhile, APollGoesOnAndFindsABadNumber) {
  NARU_CHECKS("SOC-029", "SOC-047");
  auto [client, server] = connected();
  const auto poll_until = [fd = static_cast<int>(client)](int ms) {
    pollfd p{fd, POLLIN, 0};
    const int n = ::poll(&p, 1, ms);
    return std::pair(n, p.revents);
  };
  auto woken = waiting([&] { return poll_until(kLong); });
  auto timed = waiting([&] { return poll_until(300); });
  client.close();
  EXPECT_EQ(timed.get(), std::pair(1, short{POLLNVAL}));
  EXPECT_EQ(recv(server, MSG_DONTWAIT), "EAGAIN") << "the other poll has it open";
  EXPECT_EQ(send(server, "x"), 1);
  EXPECT_EQ(woken.get(), std::pair(1, short{POLLNVAL}));
  EXPECT_EQ(recv(server), "ECONNRESET") << "what was sent was not read";
}

// Another process closes the last descriptor that there is.
TEST(ClosedMeanwhile, ByAllProcesses) {
  NARU_CHECKS("SOC-027", "SOC-048");
  auto [client, server] = connected();
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(server);
    char byte = 0;
    (void)::read(go[0], &byte, 1);
    ::_exit(0);
  }
  auto got = waiting([fd = static_cast<int>(client)] { return recv(fd); });
  client.close();
  ASSERT_EQ(::write(go[1], "g", 1), 1);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(recv(server, MSG_DONTWAIT), "EAGAIN") << "the call has it";
  send(server, "late");
  EXPECT_EQ(got.get(), "late");
  EXPECT_EQ(recv(server), "");
  for (const int fd : go) ::close(fd);
}

}  // namespace
}  // namespace naru::sockets
