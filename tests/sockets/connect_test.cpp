// Connections are opened, or fail to be.
#include <csignal>
#include <sys/un.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

// A listener whose queue is full, so that a further connect waits.
struct Full {
  Fd listener;
  std::vector<Fd> clients;
};

Full full_listener() {
  Full f{sockets::listener(0, SOCK_NONBLOCK), {}};
  for (int i = 0; i < 3; ++i) {
    f.clients.push_back(tcp(SOCK_NONBLOCK));
    (void)connect(f.clients.back(), name_of(f.listener));
  }
  return f;
}

TEST(Connect, WithoutWaiting) {
  NARU_CHECKS("SOC-011");
  const Full full = full_listener();
  const Fd fd = tcp(SOCK_NONBLOCK);
  EXPECT_EQ(error_of(connect(fd, name_of(full.listener))), EINPROGRESS);
  EXPECT_EQ(error_of(connect(fd, name_of(full.listener))), EALREADY);
  EXPECT_EQ(poll_now(fd), 0);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), 0);
}

TEST(Connect, ToldByReadinessThenOnceZeroThenIsConnected) {
  NARU_CHECKS("SOC-011");
  const Fd l = listener();
  const Fd fd = tcp(SOCK_NONBLOCK);
  EXPECT_EQ(error_of(connect(fd, name_of(l))), EINPROGRESS);
  ASSERT_TRUE(wait_for(fd, POLLOUT));
  EXPECT_EQ(error_of(connect(fd, name_of(l))), 0) << "once";
  EXPECT_EQ(error_of(connect(fd, name_of(l))), EISCONN);
}

TEST(Connect, Refused) {
  NARU_CHECKS("SOC-011", "SOC-012");
  const std::uint16_t nobody = closed_port();
  const Fd fd = tcp(SOCK_NONBLOCK);
  EXPECT_EQ(error_of(connect(fd, v4(nobody))), EINPROGRESS);
  ASSERT_TRUE(wait_for(fd, POLLOUT));
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), 0) << "read once";
  const Fd blocking = tcp();
  EXPECT_EQ(error_of(connect(blocking, v4(nobody))), ECONNREFUSED);
  EXPECT_EQ(error_of(connect(blocking, v4(nobody))), ECONNREFUSED);
}

TEST(Connect, ASocketThatFailedMayTryAgain) {
  NARU_CHECKS("SOC-012");
  const Fd l = listener();
  const Fd fd = tcp();
  ASSERT_EQ(error_of(connect(fd, v4(closed_port()))), ECONNREFUSED);
  ASSERT_EQ(error_of(connect(fd, name_of(l))), 0);
  const Fd end(::accept(l, nullptr, nullptr));
  EXPECT_EQ(send(fd, "again"), 5);
  EXPECT_EQ(recv(end), "again");
}

TEST(Connect, RefusesAddressesThatAreNone) {
  NARU_CHECKS("SOC-011");
  const Fd fd = tcp();
  const sockaddr_in a = v4(1);
  EXPECT_EQ(error_of(::connect(fd, generic(a), sizeof a - 1)), EINVAL);
  sockaddr_in wrong = a;
  wrong.sin_family = AF_UNIX;
  EXPECT_EQ(error_of(connect(fd, wrong)), EAFNOSUPPORT);
  EXPECT_EQ(error_of(connect(fd, v4(1, INADDR_BROADCAST))), ENETUNREACH);
  EXPECT_EQ(error_of(connect(fd, v4(1, 0xe0000001))), ENETUNREACH);  // 224.0.0.1
  EXPECT_EQ(error_of(connect(fd, v4(0))), ECONNREFUSED);
}

TEST(Connect, TheSamePairTwice) {
  NARU_CHECKS("SOC-011");
  const Fd l = listener();
  Fd ends[2];
  for (Fd& fd : ends) {
    fd = tcp();
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  }
  ASSERT_EQ(bind(ends[0], v4(0)), 0);
  ASSERT_EQ(bind(ends[1], name_of(ends[0])), 0);
  EXPECT_EQ(error_of(connect(ends[0], name_of(l))), 0);
  EXPECT_EQ(error_of(connect(ends[1], name_of(l))), EADDRNOTAVAIL);
}

TEST(Connect, ToNoAddressIsToTheLoopback) {
  NARU_CHECKS("SOC-013");
  const Fd l = listener();
  const Fd fd = tcp();
  EXPECT_EQ(error_of(connect(fd, v4(port_of(l), INADDR_ANY))), 0);
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  ASSERT_EQ(::getpeername(fd, generic(peer), &size), 0);
  EXPECT_EQ(peer.sin_addr.s_addr, htonl(kLoopback));
}

TEST(Connect, ToItself) {
  NARU_CHECKS("SOC-014");
  const Fd fd = tcp();
  ASSERT_EQ(bind(fd, v4(0)), 0);
  ASSERT_EQ(error_of(connect(fd, name_of(fd))), 0);
  EXPECT_EQ(send(fd, "to myself"), 9);
  EXPECT_EQ(recv(fd), "to myself");
  EXPECT_EQ(::shutdown(fd, SHUT_WR), 0);
  EXPECT_EQ(recv(fd), "");
}

TEST(Connect, GivesUpAfterTheSendTimeout) {
  NARU_CHECKS("SOC-041", "SOC-011");
  const Full full = full_listener();
  const Fd fd = tcp();
  set_timeout(fd, SO_SNDTIMEO, 100);
  const auto took =
      time_of([&] { EXPECT_EQ(error_of(connect(fd, name_of(full.listener))), EINPROGRESS); });
  EXPECT_GE(took, 100ms);
  EXPECT_EQ(error_of(connect(fd, name_of(full.listener))), EALREADY);
}

TEST(Connect, ASignalInterruptsTheCallAndNotTheAttempt) {
  NARU_CHECKS("SOC-017");
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  ::sigaction(SIGALRM, &action, &before);
  Full full = full_listener();
  const Fd fd = tcp();
  const itimerval soon{{}, {0, 50'000}};
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  EXPECT_EQ(error_of(connect(fd, name_of(full.listener))), EINTR);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  EXPECT_EQ(error_of(connect(fd, name_of(full.listener))), EALREADY);
  for (int i = 0; i < 3; ++i) (void)Fd(::accept(full.listener, nullptr, nullptr));
  EXPECT_TRUE(wait_for(fd, POLLOUT));
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), 0);
  ::sigaction(SIGALRM, &before, nullptr);
}

TEST(Connect, IsDissolvedByTheUnspecifiedFamily) {
  NARU_CHECKS("SOC-016");
  auto [client, server] = connected();
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  EXPECT_EQ(error_of(::connect(client, &none, sizeof none)), 0);
  EXPECT_EQ(recv(server), "ECONNRESET") << "as an abort";
  EXPECT_EQ(recv(client), "ECONNRESET") << "once";
  EXPECT_EQ(recv(client), "ENOTCONN");
  EXPECT_EQ(send(client, "x"), -1);
  EXPECT_EQ(error_of(::connect(client, &none, sizeof none)), 0) << "again";
  const Fd l = listener();
  EXPECT_EQ(error_of(connect(client, name_of(l))), 0);
}

TEST(Connect, DissolvingAListenerOrAFreshOneDoesNoHarm) {
  NARU_CHECKS("SOC-016");
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  EXPECT_EQ(error_of(::connect(tcp(), &none, sizeof none)), 0);
  const Fd l = listener();
  const std::uint16_t port = port_of(l);
  EXPECT_EQ(error_of(::connect(l, &none, sizeof none)), 0);
  EXPECT_EQ(error_of(connect(tcp(), v4(port))), ECONNREFUSED);
}

// --- datagrams ----------------------------------------------------------------------------

TEST(ConnectUdp, SetsThePeerAndHearsNobodyElse) {
  NARU_CHECKS("SOC-015");
  const Fd a = bound_udp();
  const Fd b = bound_udp();
  const Fd stranger = bound_udp();
  ASSERT_EQ(connect(a, name_of(b)), 0);
  const sockaddr_in to = name_of(a);
  ASSERT_EQ(::sendto(stranger, "no", 2, 0, generic(to), sizeof to), 2);
  ASSERT_EQ(::sendto(b, "yes", 3, 0, generic(to), sizeof to), 3);
  EXPECT_EQ(recv(a), "yes");
  EXPECT_EQ(recv(a, MSG_DONTWAIT), "EAGAIN");
  EXPECT_EQ(send(a, "hello"), 5);
  EXPECT_EQ(recv(b), "hello");
}

TEST(ConnectUdp, MayChangeItsPeer) {
  NARU_CHECKS("SOC-015");
  const Fd a = bound_udp();
  const Fd b = bound_udp();
  const Fd c = bound_udp();
  ASSERT_EQ(connect(a, name_of(b)), 0);
  ASSERT_EQ(connect(a, name_of(c)), 0);
  EXPECT_EQ(send(a, "x"), 1);
  EXPECT_EQ(recv(c), "x");
  EXPECT_EQ(recv(b, MSG_DONTWAIT), "EAGAIN");
}

TEST(ConnectUdp, DissolvingGivesUpWhatConnectChose) {
  NARU_CHECKS("SOC-015");
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  const Fd b = bound_udp();
  const Fd fresh = udp();
  ASSERT_EQ(connect(fresh, name_of(b)), 0);
  EXPECT_NE(port_of(fresh), 0);
  EXPECT_EQ(error_of(::connect(fresh, &none, sizeof none)), 0);
  EXPECT_EQ(port_of(fresh), 0);
  EXPECT_EQ(name_of(fresh).sin_addr.s_addr, htonl(INADDR_ANY));
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  EXPECT_EQ(error_of(::getpeername(fresh, generic(peer), &size)), ENOTCONN);
  EXPECT_EQ(error_of(send(fresh, "x")), EDESTADDRREQ);
  const Fd bound = udp();
  const std::uint16_t port = port_of(bound_udp());
  ASSERT_EQ(bind(bound, v4(port, INADDR_ANY)), 0);
  ASSERT_EQ(connect(bound, name_of(b)), 0);
  EXPECT_EQ(name_of(bound).sin_addr.s_addr, htonl(kLoopback));
  EXPECT_EQ(error_of(::connect(bound, &none, sizeof none)), 0);
  EXPECT_EQ(port_of(bound), port);
  EXPECT_EQ(name_of(bound).sin_addr.s_addr, htonl(INADDR_ANY)) << "as it was bound";
}

TEST(ConnectUdp, AClosedPortIsToldOnce) {
  NARU_CHECKS("SOC-015");
  std::uint16_t nobody = 0;
  {
    const Fd gone = bound_udp();
    nobody = port_of(gone);
  }
  const Fd fd = udp();
  ASSERT_EQ(connect(fd, v4(nobody)), 0);
  EXPECT_EQ(send(fd, "x"), 1);
  ASSERT_TRUE(wait_for(fd, POLLERR));
  EXPECT_EQ(recv(fd, MSG_DONTWAIT), "ECONNREFUSED");
  EXPECT_EQ(recv(fd, MSG_DONTWAIT), "EAGAIN");
}

}  // namespace
}  // namespace naru::sockets
