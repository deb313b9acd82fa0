// Sockets of IPv6 that speak IPv6: streams and datagrams over ::1, and who hears whom.
#include "sockets.hpp"

namespace naru::sockets {
namespace {

sockaddr_in6 name6_of(int fd) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(fd, generic(name), &size), 0);
  EXPECT_EQ(size, sizeof name);
  return name;
}
std::uint16_t port6_of(int fd) { return ntohs(name6_of(fd).sin6_port); }
std::string text_of(const sockaddr_in6& a) {
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text);
}

Fd udp6() { return Fd(::socket(AF_INET6, SOCK_DGRAM, 0)); }
Fd listener6(const char* address, int v6_only = 0) {
  Fd fd = tcp6();
  set(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only);
  EXPECT_EQ(bind(fd, v6(address, 0)), 0);
  EXPECT_EQ(::listen(fd, 5), 0);
  return fd;
}

struct Ipv6 : ::testing::Test {
  void SetUp() override {
    const Fd probe = tcp6();
    if (on_kernel() && bind(probe, v6("::1", 0)) != 0) GTEST_SKIP() << "the kernel has no ::1 here";
  }
};

TEST_F(Ipv6, StreamsOverLoopback) {
  NARU_CHECKS("SOC-042", "SOC-005");
  const Fd l = listener6("::1");
  const Fd client = tcp6();
  ASSERT_EQ(connect(client, v6("::1", port6_of(l))), 0);
  sockaddr_in6 peer{};
  socklen_t size = sizeof peer;
  const Fd end(::accept(l, generic(peer), &size));
  ASSERT_GE(end, 0);
  EXPECT_EQ(text_of(peer), "::1");
  EXPECT_EQ(peer.sin6_port, name6_of(client).sin6_port);
  EXPECT_EQ(text_of(name6_of(client)), "::1");
  EXPECT_EQ(text_of(name6_of(end)), "::1");
  send(client, "six to six");
  EXPECT_EQ(recv(end), "six to six");
  send(end, "and back");
  EXPECT_EQ(recv(client), "and back");
}

TEST_F(Ipv6, NobodyListensIsRefused) {
  NARU_CHECKS("SOC-011");
  const std::uint16_t port = port6_of(listener6("::1"));
  EXPECT_EQ(error_of(connect(tcp6(), v6("::1", port))), ECONNREFUSED);
}

TEST_F(Ipv6, AllHearBothFamilies) {
  NARU_CHECKS("SOC-042");
  const Fd l = listener6("::");
  const std::uint16_t port = port6_of(l);
  EXPECT_EQ(error_of(connect(tcp6(), v6("::1", port))), 0);
  EXPECT_EQ(error_of(connect(tcp(), v4(port))), 0);
  EXPECT_EQ(error_of(connect(tcp6(), v6("::", port))), 0) << "this host";
}

TEST_F(Ipv6, WhoWantsIPv6AloneHearsIt) {
  NARU_CHECKS("SOC-042", "SOC-005");
  const Fd l = listener6("::", 1);
  const std::uint16_t port = port6_of(l);
  const Fd client = tcp6();
  EXPECT_EQ(error_of(connect(client, v6("::1", port))), 0);
  EXPECT_TRUE(wait_for(l, POLLIN));
  EXPECT_GE(Fd(::accept(l, nullptr, nullptr)), 0);
  EXPECT_EQ(error_of(connect(tcp(), v4(port))), ECONNREFUSED);
}

TEST_F(Ipv6, IPv4AloneHearsNoIPv6) {
  NARU_CHECKS("SOC-005");
  const Fd four = tcp();
  ASSERT_EQ(bind(four, v4(0, INADDR_ANY)), 0);
  ASSERT_EQ(::listen(four, 5), 0);
  EXPECT_EQ(error_of(connect(tcp6(), v6("::1", port_of(four)))), ECONNREFUSED);
}

TEST_F(Ipv6, ListensWithoutAPort) {
  NARU_CHECKS("SOC-008");
  const Fd l = tcp6();
  ASSERT_EQ(::listen(l, 5), 0);
  EXPECT_EQ(text_of(name6_of(l)), "::");
  EXPECT_EQ(error_of(connect(tcp6(), v6("::1", port6_of(l)))), 0);
  EXPECT_EQ(error_of(connect(tcp(), v4(port6_of(l)))), 0);
}

TEST_F(Ipv6, DatagramsOverLoopback) {
  NARU_CHECKS("SOC-042");
  const Fd server = udp6();
  ASSERT_EQ(bind(server, v6("::1", 0)), 0);
  const Fd client = udp6();
  const sockaddr_in6 to = name6_of(server);
  EXPECT_EQ(::sendto(client, "ping", 4, 0, generic(to), sizeof to), 4);
  char room[16];
  sockaddr_in6 from{};
  socklen_t size = sizeof from;
  EXPECT_EQ(::recvfrom(server, room, sizeof room, 0, generic(from), &size), 4);
  EXPECT_EQ(text_of(from), "::1");
  EXPECT_EQ(::sendto(server, "pong", 4, 0, generic(from), sizeof from), 4);
  EXPECT_EQ(recv(client), "pong");
}

TEST_F(Ipv6, ADatagramForNobodyIsRefused) {
  NARU_CHECKS("SOC-011");
  std::uint16_t port = 0;
  {
    const Fd gone = udp6();
    ASSERT_EQ(bind(gone, v6("::1", 0)), 0);
    port = port6_of(gone);
  }
  const Fd fd = udp6();
  ASSERT_EQ(connect(fd, v6("::1", port)), 0);
  EXPECT_EQ(send(fd, "x"), 1);
  EXPECT_TRUE(wait_for(fd, POLLERR));
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

TEST_F(Ipv6, FamiliesOfSocketAndAddressAgree) {
  NARU_CHECKS("SOC-011");
  const Fd four = udp();
  const sockaddr_in6 six = v6("::1", 9);
  ::sendto(four, "x", 1, 0, generic(six), sizeof six);
  EXPECT_EQ(errno, EAFNOSUPPORT);
  EXPECT_EQ(error_of(connect(tcp(), six)), EAFNOSUPPORT);
  const Fd only = udp6();
  ASSERT_EQ(set(only, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
  const sockaddr_in6 mapped = v6("::ffff:127.0.0.1", 9);
  EXPECT_EQ(error_of(::sendto(only, "x", 1, 0, generic(mapped), sizeof mapped)), ENETUNREACH);
}

TEST_F(Ipv6, OptionsOfPacketsAreKept) {
  NARU_CHECKS("SOC-042");
  const Fd fd = udp6();
  EXPECT_EQ(error_of(set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9)), 0);
  EXPECT_EQ(get(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 9);
  EXPECT_EQ(error_of(set(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x20)), 0);
  EXPECT_EQ(get(fd, IPPROTO_IPV6, IPV6_TCLASS), 0x20);
  EXPECT_EQ(error_of(set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3)), 0);
  EXPECT_EQ(get(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 3);
  EXPECT_EQ(error_of(set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0)), 0);
  EXPECT_EQ(get(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
}

}  // namespace
}  // namespace naru::sockets
