// Sockets of IPv6 that speak IPv6, in one session.
#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::posix::test {
namespace {

class Ipv6 : public PosixTest {
 protected:
  int socket6(int type) { return static_cast<int>(sockets().socket(AF_INET6, type, 0)); }
  static sockaddr_in6 at6(const char* text, std::uint16_t port, std::uint32_t scope = 0) {
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(port);
    a.sin6_scope_id = scope;
    EXPECT_EQ(::inet_pton(AF_INET6, text, &a.sin6_addr), 1);
    return a;
  }
  template <class Address>
  static const sockaddr* generic(const Address& a) {
    return reinterpret_cast<const sockaddr*>(&a);
  }
  long bind6(int fd, const char* text, std::uint16_t port) {
    const sockaddr_in6 a = at6(text, port);
    return sockets().bind(fd, generic(a), sizeof a);
  }
  long connect6(int fd, const char* text, std::uint16_t port, std::uint32_t scope = 0) {
    const sockaddr_in6 a = at6(text, port, scope);
    return sockets().connect(fd, generic(a), sizeof a);
  }
  int listener6(const char* text, std::uint16_t port, bool v6_only = false) {
    const int fd = socket6(SOCK_STREAM);
    if (v6_only) want_v6_only(fd);
    EXPECT_EQ(bind6(fd, text, port), 0);
    EXPECT_EQ(sockets().listen(fd, 4), 0);
    return fd;
  }
  void want_v6_only(int fd) {
    const int on = 1;
    EXPECT_EQ(sockets().set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
  }
  std::string name_of(int fd, bool of_peer = false) {
    sockaddr_in6 name{};
    socklen_t length = sizeof name;
    auto* address = reinterpret_cast<sockaddr*>(&name);
    EXPECT_EQ(of_peer ? sockets().remote_name(fd, address, &length)
                      : sockets().local_name(fd, address, &length),
              0);
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof text);
  }
};

TEST_F(Ipv6, StreamsOverLoopback) {
  NARU_CHECKS("SOC-042");
  const int l = listener6("::1", 80);
  const int client = socket6(SOCK_STREAM);
  EXPECT_EQ(connect6(client, "::1", 80), 0);
  sockaddr_in6 peer{};
  socklen_t length = sizeof peer;
  const auto server =
      static_cast<int>(sockets().accept(l, reinterpret_cast<sockaddr*>(&peer), &length, 0));
  ASSERT_GE(server, 0);
  EXPECT_TRUE(IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr));
  EXPECT_EQ(peer.sin6_scope_id, 0U);
  EXPECT_EQ(name_of(client), "::1");
  EXPECT_EQ(name_of(client, true), "::1");
  EXPECT_EQ(send(client, "six to six"), 10);
  EXPECT_EQ(recv(server), "six to six");
}

TEST_F(Ipv6, WhoHearsWhom) {
  NARU_CHECKS("SOC-005", "SOC-042");
  listener6("::", 80);
  EXPECT_EQ(connect6(socket6(SOCK_STREAM), "::1", 80), 0);
  EXPECT_EQ(connect(tcp(), 80), 0);
  EXPECT_EQ(bind(tcp(), 80), -EADDRINUSE);

  listener6("::", 81, true);
  EXPECT_EQ(connect6(socket6(SOCK_STREAM), "::1", 81), 0);
  EXPECT_EQ(connect(tcp(), 81), -ECONNREFUSED);
  EXPECT_EQ(bind(tcp(), 81), 0) << "IPv4's is free";

  listener(82);  // of 127.0.0.1
  EXPECT_EQ(connect6(socket6(SOCK_STREAM), "::1", 82), -ECONNREFUSED);
  EXPECT_EQ(connect6(socket6(SOCK_STREAM), "::ffff:127.0.0.1", 82), 0);
}

TEST_F(Ipv6, ListensForBothWithoutAnAddress) {
  NARU_CHECKS("SOC-008");
  const int l = socket6(SOCK_STREAM);
  EXPECT_EQ(sockets().listen(l, 4), 0);
  EXPECT_EQ(name_of(l), "::");
}

TEST_F(Ipv6, WhoWantsIPv6AloneHasNoMappedAddresses) {
  NARU_CHECKS("SOC-005", "SOC-011");
  const int stream = socket6(SOCK_STREAM);
  want_v6_only(stream);
  EXPECT_EQ(bind6(stream, "::ffff:127.0.0.1", 80), -EINVAL);
  EXPECT_EQ(connect6(stream, "::ffff:127.0.0.1", 80), -ENETUNREACH);
}

TEST_F(Ipv6, LinkLocalAddressesNeedTheirScope) {
  NARU_CHECKS("IP6-006", "SOC-011");
  EXPECT_EQ(connect6(socket6(SOCK_STREAM), "fe80::1", 80), -EINVAL);
  EXPECT_EQ(connect6(socket6(SOCK_STREAM), "fe80::1", 80, 2), -ENETUNREACH) << "no such link here";
}

TEST_F(Ipv6, FarAddressesAreUnreachable) {
  EXPECT_EQ(connect6(socket6(SOCK_STREAM), "2001:db8::1", 80), -ENETUNREACH);
  EXPECT_EQ(bind6(socket6(SOCK_STREAM), "2001:db8::1", 80), -EADDRNOTAVAIL);
}

TEST_F(Ipv6, DatagramsOverLoopback) {
  NARU_CHECKS("SOC-042");
  const int server = socket6(SOCK_DGRAM);
  ASSERT_EQ(bind6(server, "::", 53), 0);
  const int client = socket6(SOCK_DGRAM);
  ASSERT_EQ(connect6(client, "::1", 53), 0);
  EXPECT_EQ(send(client, "ping"), 4);
  EXPECT_EQ(recv(server), "ping");
  const int four = static_cast<int>(sockets().socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(connect(four, 53), 0);
  EXPECT_EQ(send(four, "four"), 4);
  EXPECT_EQ(recv(server), "four");
}

TEST_F(Ipv6, OptionsOfPacketsAreKept) {
  const int fd = socket6(SOCK_DGRAM);
  for (const auto& [name, value] : {std::pair(IPV6_UNICAST_HOPS, 9), std::pair(IPV6_TCLASS, 0x20),
                                    std::pair(IPV6_MULTICAST_HOPS, 3)}) {
    EXPECT_EQ(sockets().set_option(fd, IPPROTO_IPV6, name, &value, sizeof value), 0);
    int kept = 0;
    socklen_t length = sizeof kept;
    EXPECT_EQ(sockets().get_option(fd, IPPROTO_IPV6, name, &kept, &length), 0);
    EXPECT_EQ(kept, value);
  }
}

}  // namespace
}  // namespace naru::posix::test
