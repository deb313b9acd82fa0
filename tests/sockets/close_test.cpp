// Connections are accepted and closed.
#include <atomic>
#include <sys/resource.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

TEST(Accept, FillsInThePeerAsFarAsThereIsRoom) {
  NARU_CHECKS("SOC-009");
  const Fd l = listener();
  const Fd client = tcp();
  ASSERT_EQ(connect(client, name_of(l)), 0);
  unsigned char bytes[32];
  std::memset(bytes, 0xee, sizeof bytes);
  socklen_t size = 4;
  const Fd end(::accept(l, reinterpret_cast<sockaddr*>(bytes), &size));
  ASSERT_GE(end, 0);
  EXPECT_EQ(size, sizeof(sockaddr_in)) << "what it would have been";
  const sockaddr_in peer = name_of(client);
  EXPECT_EQ(std::memcmp(bytes, &peer, 4), 0);
  EXPECT_EQ(bytes[4], 0xee);
}

TEST(Accept, WithFlagsAndWithoutInheritingThem) {
  NARU_CHECKS("SOC-009", "SOC-040");
  const Fd l = listener(16, SOCK_NONBLOCK | SOCK_CLOEXEC);
  EXPECT_EQ(error_of(::accept(l, nullptr, nullptr)), EAGAIN);
  const Fd clients[2] = {tcp(), tcp()};
  for (const Fd& c : clients) ASSERT_EQ(connect(c, name_of(l)), 0);
  const Fd plain(::accept(l, nullptr, nullptr));
  EXPECT_EQ(::fcntl(plain, F_GETFL), O_RDWR) << "O_NONBLOCK is the listener's";
  EXPECT_EQ(::fcntl(plain, F_GETFD), 0);
  const Fd flags(::accept4(l, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  EXPECT_EQ(::fcntl(flags, F_GETFL), O_RDWR | O_NONBLOCK);
  EXPECT_EQ(::fcntl(flags, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(error_of(::accept4(l, nullptr, nullptr, 0x100)), EINVAL);
}

TEST(Accept, InheritsTheListenersOptions) {
  NARU_CHECKS("SOC-009");
  const Fd l = listener();
  set(l, IPPROTO_TCP, TCP_NODELAY, 1);
  set(l, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(l, IPPROTO_TCP, TCP_KEEPIDLE, 77);
  set(l, IPPROTO_IP, IP_TOS, 0x10);
  set_linger(l, 1, 3);
  set_timeout(l, SO_RCVTIMEO, 5000);
  const Fd client = tcp();
  ASSERT_EQ(connect(client, name_of(l)), 0);
  const Fd end(::accept(l, nullptr, nullptr));
  EXPECT_EQ(get(end, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(get(end, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(get(end, IPPROTO_TCP, TCP_KEEPIDLE), 77);
  EXPECT_EQ(get(end, IPPROTO_IP, IP_TOS), 0x10);
  linger l2{};
  socklen_t size = sizeof l2;
  ::getsockopt(end, SOL_SOCKET, SO_LINGER, &l2, &size);
  EXPECT_EQ(l2.l_onoff, 1);
  EXPECT_EQ(l2.l_linger, 3);
  timeval t{};
  size = sizeof t;
  ::getsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &t, &size);
  EXPECT_EQ(t.tv_sec, 5);
}

TEST(Accept, AConnectionThatWasResetIsStillGiven) {
  NARU_CHECKS("SOC-009");
  const Fd l = listener();
  Fd client = tcp();
  ASSERT_EQ(connect(client, name_of(l)), 0);
  set_linger(client, 1, 0);
  client.close();
  const Fd end(::accept(l, nullptr, nullptr));
  ASSERT_GE(end, 0);
  EXPECT_EQ(recv(end), "ECONNRESET");
}

TEST(Accept, WithoutADescriptorTheConnectionWaits) {
  NARU_CHECKS("SOC-010");
  const Fd l = listener();
  const Fd client = tcp();
  ASSERT_EQ(connect(client, name_of(l)), 0);
  EXPECT_EQ(send(client, "patience"), 8);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{static_cast<rlim_t>(client) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(error_of(::accept(l, nullptr, nullptr)), EMFILE);
  EXPECT_TRUE(wait_for(l, POLLIN)) << "it is still there";
  ::setrlimit(RLIMIT_NOFILE, &before);
  const Fd end(::accept(l, nullptr, nullptr));
  ASSERT_GE(end, 0);
  EXPECT_EQ(recv(end), "patience");
}

// --- close ----------------------------------------------------------------------------------

TEST(Close, TheLastDescriptorEndsTheConnection) {
  NARU_CHECKS("SOC-027");
  auto [client, server] = connected();
  Fd copy(::dup(client));
  client.close();
  EXPECT_EQ(send(copy, "still"), 5);
  EXPECT_EQ(recv(server), "still");
  EXPECT_EQ(recv(server, MSG_DONTWAIT), "EAGAIN");
  copy.close();
  EXPECT_EQ(recv(server), "");
}

TEST(Close, WithUnreadDataIsAReset) {
  NARU_CHECKS("SOC-027");
  auto [client, server] = connected();
  EXPECT_EQ(send(server, "unread"), 6);
  ASSERT_TRUE(wait_for(client, POLLIN));
  client.close();
  EXPECT_EQ(recv(server), "ECONNRESET");
}

TEST(Close, OfAListenerResetsWhoWaits) {
  NARU_CHECKS("SOC-027");
  Fd l = listener();
  const Fd client = tcp();
  ASSERT_EQ(connect(client, name_of(l)), 0);
  l.close();
  EXPECT_EQ(recv(client), "ECONNRESET");
}

// Java's way to end a thread's call: another file takes the number, and a signal.
TEST(Close, ANumberThatBecomesAnotherSocket) {
  NARU_CHECKS("SOC-027");
  const auto [client, server] = connected();
  const auto [other, far] = connected();
  ASSERT_EQ(::dup2(other, client), static_cast<int>(client));
  EXPECT_EQ(recv(server), "") << "the first connection has ended";
  EXPECT_EQ(send(client, "through the number"), 18);
  EXPECT_EQ(recv(far), "through the number");
}

// --- linger -------------------------------------------------------------------------------------

// A connection whose peer reads nothing until it is asked to, with data in the way.
struct Stuffed {
  Fd client;
  Fd server;
  std::size_t sent = 0;
};

Stuffed stuffed() {
  Pair p = connected();
  Stuffed s{std::move(p.client), std::move(p.server), 0};
  const std::string piece(1 << 16, 's');
  long n = 0;
  while ((n = send(s.client, piece, MSG_DONTWAIT)) > 0) s.sent += static_cast<std::size_t>(n);
  return s;
}

std::size_t drain(int fd) {
  std::size_t got = 0;
  for (std::string piece; !(piece = recv(fd, 0, 1 << 16)).empty() && piece[0] == 's';) {
    got += piece.size();
  }
  return got;
}

TEST(Linger, ForNoTimeResets) {
  NARU_CHECKS("SOC-028");
  auto [client, server] = connected();
  set_linger(client, 1, 0);
  client.close();
  EXPECT_EQ(recv(server), "ECONNRESET");
  auto [other, end] = connected();
  set_linger(other, 1, 0);
  ::shutdown(other, SHUT_WR);
  EXPECT_EQ(recv(end), "") << "the FIN went first";
}

TEST(Linger, OffDeliversInTheBackground) {
  NARU_CHECKS("SOC-028");
  Stuffed s = stuffed();
  EXPECT_LT(time_of([&] { s.client.close(); }), 1000ms);
  EXPECT_EQ(drain(s.server), s.sent);
}

TEST(Linger, WaitsUntilAllIsDelivered) {
  NARU_CHECKS("SOC-028");
  Stuffed s = stuffed();
  set_linger(s.client, 1, 20);
  std::size_t got = 0;
  std::thread reader([&, fd = static_cast<int>(s.server)] {
    sleep_ms(200);
    got = drain(fd);
  });
  EXPECT_GE(time_of([&] { s.client.close(); }), 190ms);
  reader.join();
  EXPECT_EQ(got, s.sent);
}

TEST(Linger, NotForLongerThanItsTime) {
  NARU_CHECKS("SOC-028");
  Stuffed s = stuffed();
  set_linger(s.client, 1, 1);
  const auto took = time_of([&] { s.client.close(); });
  EXPECT_GE(took, 990ms);
  EXPECT_LT(took, 5000ms);
  EXPECT_EQ(drain(s.server), s.sent) << "the rest goes on in the background";
}

// Linux waits in close whether or not the descriptor is non-blocking.
TEST(Linger, AlsoOfNonBlockingSockets) {
  NARU_CHECKS("SOC-028");
  Stuffed s = stuffed();
  ::fcntl(s.client, F_SETFL, O_NONBLOCK);
  set_linger(s.client, 1, 1);
  EXPECT_GE(time_of([&] { s.client.close(); }), 990ms);
}

TEST(Linger, WithNothingToSendEndsAtOnce) {
  NARU_CHECKS("SOC-028");
  auto [client, server] = connected();
  set_linger(client, 1, 20);
  std::thread reader([fd = static_cast<int>(server)] {
    (void)recv(fd);
    ::shutdown(fd, SHUT_WR);
  });
  EXPECT_LT(time_of([&c = client] { c.close(); }), 5000ms);
  reader.join();
}

// --- threads -------------------------------------------------------------------------------------

TEST(Threads, SendAndReceiveOnOneSocket) {
  NARU_CHECKS("SOC-047", "SOC-032");
  const auto [client, server] = connected();
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  std::atomic<long> sum{0};
  std::vector<std::thread> all;
  for (int t = 0; t < kThreads; ++t) {
    all.emplace_back([fd = static_cast<int>(client)] {
      for (int i = 1; i <= kEach; ++i) (void)::write(fd, &i, sizeof i);
    });
    all.emplace_back([&, fd = static_cast<int>(server)] {
      for (int i = 0; i < kEach; ++i) {
        int value = 0;
        if (::recv(fd, &value, sizeof value, MSG_WAITALL) == sizeof value) sum += value;
      }
    });
  }
  for (std::thread& t : all) t.join();
  EXPECT_EQ(sum, long{kThreads} * kEach * (kEach + 1) / 2) << "numbers stay whole";
}

// Sockets are opened, used and closed under each other's feet; in the end all is well.
TEST(Threads, CloseWhatOthersUse) {
  NARU_CHECKS("SOC-047", "SOC-027");
  std::atomic<bool> ends{false};
  const Fd l = listener(128);
  const sockaddr_in where = name_of(l);
  std::atomic<int> shared{-1};
  std::vector<std::thread> all;
  all.emplace_back([&] {
    while (!ends) (void)tcp(SOCK_NONBLOCK);
  });
  all.emplace_back([&] {
    for (int i = 0; i < 2000; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      (void)connect(fd, where);
      shared = fd;
      std::this_thread::yield();
      ::close(fd);
    }
    ends = true;
  });
  all.emplace_back([&] {
    char bytes[64];
    while (!ends) {
      const int fd = shared;
      (void)::send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
      (void)::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      (void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      (void)poll_now(fd);
    }
  });
  all.emplace_back([&] {
    const Fd set(::epoll_create1(0));
    while (!ends) {
      epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {}};
      (void)::epoll_ctl(set, EPOLL_CTL_ADD, shared, &event);
      (void)::epoll_wait(set, &event, 1, 0);
      (void)::epoll_ctl(set, EPOLL_CTL_DEL, shared, &event);
    }
  });
  all.emplace_back([&, fd = static_cast<int>(l)] {
    while (!ends) {
      if (wait_for(fd, POLLIN, 10)) (void)Fd(::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK));
    }
  });
  for (std::thread& t : all) t.join();
  const auto [client, server] = connected();
  EXPECT_EQ(send(client, "well"), 4);
  EXPECT_EQ(recv(server), "well");
}

TEST(Threads, FlagsChangeWhileAnotherWaits) {
  NARU_CHECKS("SOC-040");
  const auto [client, server] = connected();
  std::string got;
  std::thread reader([&, fd = static_cast<int>(client)] { got = recv(fd); });
  sleep_ms(kSoon);
  ::fcntl(client, F_SETFL, O_NONBLOCK);
  sleep_ms(kSoon);
  EXPECT_EQ(got, "") << "who waits goes on waiting";
  send(server, "now");
  reader.join();
  EXPECT_EQ(got, "now");
  EXPECT_EQ(recv(client), "EAGAIN");
}

}  // namespace
}  // namespace naru::sockets
