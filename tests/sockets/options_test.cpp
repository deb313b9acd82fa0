// Options and names of sockets.
#include <cmath>
#include <net/if.h>
#include <netinet/in.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

TEST(Options, TheirSizesAndNames) {
  NARU_CHECKS("SOC-033");
  const Fd fd = tcp();
  const short small = 1;
  EXPECT_EQ(error_of(::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &small, sizeof small)), EINVAL);
  EXPECT_EQ(error_of(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &small, sizeof small)), EINVAL);
  EXPECT_EQ(error_of(set(fd, SOL_SOCKET, 9999, 1)), ENOPROTOOPT);
  EXPECT_EQ(error_of(set(fd, IPPROTO_TCP, 9999, 1)), ENOPROTOOPT);
  EXPECT_EQ(error_of(set(fd, IPPROTO_IP, 9999, 1)), ENOPROTOOPT);
  EXPECT_EQ(error_of(set(fd, 9999, 1, 1)), ENOPROTOOPT);
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(error_of(::getsockopt(fd, SOL_SOCKET, 9999, &value, &size)), ENOPROTOOPT);
  EXPECT_EQ(error_of(::getsockopt(fd, IPPROTO_TCP, 9999, &value, &size)), ENOPROTOOPT);
  EXPECT_EQ(error_of(::getsockopt(fd, 9999, 1, &value, &size)), EOPNOTSUPP);
  // A short place gets the first bytes.
  unsigned char bytes[4] = {0xee, 0xee, 0xee, 0xee};
  size = 2;
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_TYPE, bytes, &size), 0);
  EXPECT_EQ(size, 2U);
  EXPECT_EQ(bytes[0], SOCK_STREAM);
  EXPECT_EQ(bytes[2], 0xee);
  size = static_cast<socklen_t>(-1);
  EXPECT_EQ(error_of(::getsockopt(fd, SOL_SOCKET, SO_TYPE, bytes, &size)), EINVAL);
}

TEST(Options, OneByteWillDoForIp) {
  NARU_CHECKS("SOC-033");
  const Fd fd = udp();
  const unsigned char tos = 0x20;
  EXPECT_EQ(::setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, 1), 0);
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_TOS), 0x20);
  unsigned char byte = 0;
  socklen_t size = 1;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_IP, IP_TOS, &byte, &size), 0);
  EXPECT_EQ(byte, 0x20);
}

TEST(Options, WhatASocketIs) {
  NARU_CHECKS("SOC-033");
  const Fd t = tcp();
  const Fd u(::socket(AF_INET6, SOCK_DGRAM, 0));
  EXPECT_EQ(get(t, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
  EXPECT_EQ(get(t, SOL_SOCKET, SO_DOMAIN), AF_INET);
  EXPECT_EQ(get(t, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
  EXPECT_EQ(get(t, SOL_SOCKET, SO_ACCEPTCONN), 0);
  EXPECT_EQ(get(u, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
  EXPECT_EQ(get(u, SOL_SOCKET, SO_DOMAIN), AF_INET6);
  EXPECT_EQ(get(u, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
  EXPECT_EQ(get(listener(), SOL_SOCKET, SO_ACCEPTCONN), 1);
  for (const int read_only : {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_ERROR}) {
    EXPECT_EQ(error_of(set(t, SOL_SOCKET, read_only, 1)), ENOPROTOOPT) << read_only;
  }
}

TEST(Options, SwitchesKeepTheirValue) {
  NARU_CHECKS("SOC-033", "SOC-034");
  const Fd fd = tcp();
  const std::pair<int, int> switches[] = {
      {SOL_SOCKET, SO_REUSEADDR}, {SOL_SOCKET, SO_REUSEPORT}, {SOL_SOCKET, SO_KEEPALIVE},
      {SOL_SOCKET, SO_OOBINLINE}, {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_CORK},
      {IPPROTO_IP, IP_RECVERR},   {SOL_SOCKET, SO_DONTROUTE}, {SOL_SOCKET, SO_TIMESTAMP},
      {IPPROTO_IP, IP_PKTINFO},   {IPPROTO_IP, IP_RECVTTL},   {IPPROTO_IP, IP_RECVTOS},
      {IPPROTO_IP, IP_RECVOPTS},  {IPPROTO_IP, IP_RETOPTS}};
  for (const auto& [level, name] : switches) {
    EXPECT_EQ(get(fd, level, name), 0) << level << " " << name;
    EXPECT_EQ(set(fd, level, name, 1), 0) << level << " " << name;
    EXPECT_EQ(get(fd, level, name), 1) << level << " " << name;
    EXPECT_EQ(set(fd, level, name, 0), 0) << level << " " << name;
    EXPECT_EQ(get(fd, level, name), 0) << level << " " << name;
  }
}

struct Window {
  int level;
  int name;
  std::vector<int> good;
  std::vector<int> bad;
};

TEST(Options, ValuesHaveWindows) {
  NARU_CHECKS("SOC-033", "SOC-034");
  const Window windows[] = {
      {IPPROTO_TCP, TCP_MAXSEG, {0, 88, 32'767}, {1, 47, 48, 87, 32'768, -1}},
      {IPPROTO_IP, IP_TTL, {-1, 1, 255}, {0, 256}},
      {IPPROTO_TCP, TCP_KEEPIDLE, {1, 32'767}, {0, 32'768}},
      {IPPROTO_TCP, TCP_KEEPINTVL, {1, 32'767}, {0, 32'768}},
      {IPPROTO_TCP, TCP_KEEPCNT, {1, 127}, {0, 128}},
      {IPPROTO_TCP, TCP_SYNCNT, {1, 127}, {0, 128}},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, {0, 1, 1'000'000}, {-1}},
      {IPPROTO_TCP, TCP_NOTSENT_LOWAT, {0, 1, 1'000'000}, {}},
      {IPPROTO_IP, IP_MTU_DISCOVER, {0, 1, 2, 3}, {-1, 6}},
      {SOL_SOCKET, SO_PRIORITY, {0, 6}, {}},
      {SOL_SOCKET, SO_RCVLOWAT, {1, 100}, {}},
  };
  for (const Window& w : windows) {
    const Fd fd = tcp();
    for (const int value : w.good) {
      EXPECT_EQ(error_of(set(fd, w.level, w.name, value)), 0) << w.name << "=" << value;
    }
    for (const int value : w.bad) {
      EXPECT_EQ(error_of(set(fd, w.level, w.name, value)), EINVAL) << w.name << "=" << value;
    }
  }
}

TEST(Options, BuffersAreDoubledAndHaveAFloor) {
  NARU_CHECKS("SOC-033");
  for (const bool stream : {true, false}) {
    const Fd fd = stream ? tcp() : udp();
    EXPECT_EQ(set(fd, SOL_SOCKET, SO_RCVBUF, 4096), 0);
    EXPECT_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 8192);
    EXPECT_EQ(set(fd, SOL_SOCKET, SO_RCVBUF, 1), 0);
    EXPECT_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 2304);
    EXPECT_EQ(set(fd, SOL_SOCKET, SO_SNDBUF, 8192), 0);
    EXPECT_EQ(get(fd, SOL_SOCKET, SO_SNDBUF), 16'384);
    EXPECT_EQ(set(fd, SOL_SOCKET, SO_SNDBUF, 1), 0);
    EXPECT_EQ(get(fd, SOL_SOCKET, SO_SNDBUF), 4608);
  }
}

TEST(Options, Linger) {
  NARU_CHECKS("SOC-033");
  const Fd fd = tcp();
  linger l{7, 7};
  socklen_t size = sizeof l;
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size), 0);
  EXPECT_EQ(l.l_onoff, 0);
  EXPECT_EQ(set_linger(fd, 5, 9), 0);
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size), 0);
  EXPECT_EQ(l.l_onoff, 1);
  EXPECT_EQ(l.l_linger, 9);
  EXPECT_EQ(error_of(set(fd, SOL_SOCKET, SO_LINGER, 1)), EINVAL) << "an int is too short";
}

TEST(Options, OfTcp) {
  NARU_CHECKS("SOC-034");
  const Fd fd = tcp();
  const std::pair<int, int> values[] = {{TCP_KEEPIDLE, 77},
                                        {TCP_KEEPINTVL, 7},
                                        {TCP_KEEPCNT, 3},
                                        {TCP_SYNCNT, 4},
                                        {TCP_USER_TIMEOUT, 5000},
                                        {TCP_LINGER2, 9},
                                        {TCP_NOTSENT_LOWAT, 16'384},
                                        {TCP_FASTOPEN, 5}};
  for (const auto& [name, value] : values) {
    EXPECT_EQ(error_of(set(fd, IPPROTO_TCP, name, value)), 0) << name;
    EXPECT_EQ(get(fd, IPPROTO_TCP, name), value) << name;
  }
  EXPECT_EQ(error_of(set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 100'000)), 0);
  EXPECT_EQ(get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP), 100'000);
  EXPECT_EQ(error_of(set(fd, IPPROTO_TCP, TCP_QUICKACK, 1)), 0);
  EXPECT_EQ(error_of(set(udp(), IPPROTO_TCP, TCP_NODELAY, 1)), ENOPROTOOPT);
}

TEST(Options, TheNameOfTheCongestionControl) {
  NARU_CHECKS("SOC-034");
  const Fd fd = tcp();
  char name[16];
  socklen_t size = sizeof name;
  EXPECT_EQ(::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
  EXPECT_STREQ(name, "reno");
  EXPECT_EQ(error_of(::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "no-such", 7)), ENOENT);
}

// A segment size that was asked for is kept to.
TEST(Options, MaxSegIsKeptTo) {
  NARU_CHECKS("SOC-034");
  const Fd l = listener();
  const Fd fd = tcp();
  EXPECT_EQ(set(fd, IPPROTO_TCP, TCP_MAXSEG, 500), 0);
  ASSERT_EQ(connect(fd, name_of(l)), 0);
  EXPECT_LE(get(fd, IPPROTO_TCP, TCP_MAXSEG), 500);
  const Fd end(::accept(l, nullptr, nullptr));
  EXPECT_LE(get(end, IPPROTO_TCP, TCP_MAXSEG), 500);
}

// The C library's structure ends before the newer fields.
struct Info : tcp_info {
  std::uint64_t pacing_rate;
  std::uint64_t max_pacing_rate;
  std::uint64_t bytes_acked;
  std::uint64_t bytes_received;
  std::uint32_t segs_out;
  std::uint32_t segs_in;
};

Info info_of(int fd) {
  Info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info;
}

TEST(TcpInfo, KnowsTheState) {
  NARU_CHECKS("SOC-037");
  EXPECT_EQ(info_of(tcp()).tcpi_state, TCP_CLOSE);
  EXPECT_EQ(info_of(listener()).tcpi_state, TCP_LISTEN);
  auto [client, server] = connected();
  EXPECT_EQ(info_of(client).tcpi_state, TCP_ESTABLISHED);
  ::shutdown(client, SHUT_WR);
  ASSERT_TRUE(wait_for(server, POLLRDHUP));
  EXPECT_EQ(info_of(server).tcpi_state, TCP_CLOSE_WAIT);
  for (int i = 0; i < 1000 && info_of(client).tcpi_state == TCP_FIN_WAIT1; ++i) sleep_ms(1);
  EXPECT_EQ(info_of(client).tcpi_state, TCP_FIN_WAIT2);
  server.close();
  ASSERT_TRUE(wait_for(client, POLLHUP));
  EXPECT_EQ(info_of(client).tcpi_state, TCP_CLOSE) << "TIME-WAIT is not the socket's";
}

TEST(TcpInfo, Counts) {
  NARU_CHECKS("SOC-037");
  const auto [client, server] = connected();
  const std::string bytes(10'000, 'x');
  EXPECT_EQ(send(client, bytes), 10'000);
  EXPECT_EQ(recv(server, MSG_WAITALL, 10'000).size(), 10'000U);
  const Info to = info_of(server);
  EXPECT_EQ(to.bytes_received, 10'000U);
  send(server, "ack");
  EXPECT_EQ(recv(client), "ack");
  const Info from = info_of(client);
  EXPECT_GE(from.bytes_acked, 10'000U);
  EXPECT_LE(from.bytes_acked, 10'001U) << "Linux counts the SYN";
  EXPECT_EQ(from.bytes_received, 3U);
  EXPECT_EQ(from.tcpi_unacked, 0U);
  EXPECT_EQ(from.tcpi_total_retrans, 0U);
  EXPECT_GT(from.tcpi_snd_cwnd, 0U);
  EXPECT_GT(from.tcpi_snd_mss, 0U);
  EXPECT_GT(from.tcpi_rto, 0U);
  EXPECT_EQ(from.tcpi_options & TCPI_OPT_WSCALE, TCPI_OPT_WSCALE);
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(error_of(::getsockopt(udp(), IPPROTO_TCP, TCP_INFO, &value, &size)), EOPNOTSUPP);
}

// --- names ------------------------------------------------------------------------------------

TEST(Names, OfSocketsInEachState) {
  NARU_CHECKS("SOC-038");
  const Fd fresh = tcp();
  EXPECT_EQ(port_of(fresh), 0);
  EXPECT_EQ(name_of(fresh).sin_addr.s_addr, htonl(INADDR_ANY));
  const Fd bound = tcp();
  ASSERT_EQ(bind(bound, v4(0)), 0);
  EXPECT_EQ(name_of(bound).sin_family, AF_INET);
  EXPECT_EQ(name_of(bound).sin_addr.s_addr, htonl(kLoopback));
  const auto [client, server] = connected();
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  ASSERT_EQ(::getpeername(client, generic(peer), &size), 0);
  EXPECT_EQ(peer.sin_port, name_of(server).sin_port);
  ASSERT_EQ(::getpeername(server, generic(peer), &size), 0);
  EXPECT_EQ(peer.sin_port, name_of(client).sin_port);
}

TEST(Names, AreCutToTheirRoom) {
  NARU_CHECKS("SOC-038", "SOC-055");
  const Fd fd = bound_udp();
  unsigned char bytes[32];
  std::memset(bytes, 0xee, sizeof bytes);
  socklen_t size = 5;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(bytes), &size), 0);
  EXPECT_EQ(size, sizeof(sockaddr_in));
  EXPECT_EQ(bytes[5], 0xee);
  size = sizeof bytes;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(bytes), &size), 0);
  EXPECT_EQ(size, sizeof(sockaddr_in));
  size = static_cast<socklen_t>(-1);
  EXPECT_EQ(error_of(::getsockname(fd, reinterpret_cast<sockaddr*>(bytes), &size)), EINVAL);
}

TEST(Names, WhatFollowsAnAddressIsNotLookedAt) {
  NARU_CHECKS("SOC-055");
  unsigned char bytes[sizeof(sockaddr_storage)];
  std::memset(bytes, 0xee, sizeof bytes);
  const sockaddr_in a = v4(0);
  std::memcpy(bytes, &a, 8);  // sin_zero is not zero
  const Fd fd = tcp();
  EXPECT_EQ(error_of(::bind(fd, reinterpret_cast<sockaddr*>(bytes), sizeof bytes)), 0);
}

// --- O_NONBLOCK ---------------------------------------------------------------------------------

TEST(NonBlocking, ByEveryWay) {
  NARU_CHECKS("SOC-040");
  const auto [client, server] = connected();
  EXPECT_EQ(recv(client, MSG_DONTWAIT), "EAGAIN");
  int on = 1;
  EXPECT_EQ(::ioctl(client, FIONBIO, &on), 0);
  EXPECT_EQ(::fcntl(client, F_GETFL), O_RDWR | O_NONBLOCK);
  EXPECT_EQ(recv(client), "EAGAIN");
  on = 0;
  EXPECT_EQ(::ioctl(client, FIONBIO, &on), 0);
  EXPECT_EQ(::fcntl(client, F_GETFL), O_RDWR);
  EXPECT_EQ(::fcntl(client, F_SETFL, O_RDONLY | O_NONBLOCK | O_CREAT), 0);
  EXPECT_EQ(::fcntl(client, F_GETFL), O_RDWR | O_NONBLOCK) << "the rest cannot be changed";
  const Fd copy(::fcntl(client, F_DUPFD_CLOEXEC, 100));
  EXPECT_GE(copy, 100);
  EXPECT_EQ(::fcntl(copy, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(copy, F_GETFL), O_RDWR | O_NONBLOCK);
  ::fcntl(copy, F_SETFL, 0);
  EXPECT_EQ(::fcntl(client, F_GETFL), O_RDWR) << "of the file, not of the number";
}

// --- IPv6 sockets with IPv4 peers ----------------------------------------------------------

TEST(DualStack, PeersHaveMappedAddresses) {
  NARU_CHECKS("SOC-042", "SOC-038");
  const Fd l = tcp6();
  EXPECT_EQ(get(l, IPPROTO_IPV6, IPV6_V6ONLY), 0);
  ASSERT_EQ(bind(l, v6("::", 0)), 0);
  ASSERT_EQ(::listen(l, 5), 0);
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(::getsockname(l, generic(name), &size), 0);
  EXPECT_EQ(size, sizeof name);
  EXPECT_TRUE(IN6_IS_ADDR_UNSPECIFIED(&name.sin6_addr));
  const Fd client = tcp();
  ASSERT_EQ(connect(client, v4(ntohs(name.sin6_port))), 0);
  const Fd end(::accept(l, generic(name), &size));
  char text[INET6_ADDRSTRLEN];
  EXPECT_STREQ(::inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof text), "::ffff:127.0.0.1");
  EXPECT_EQ(name.sin6_port, name_of(client).sin_port);
  ASSERT_EQ(::getsockname(end, generic(name), &size), 0);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr));
  send(client, "four to six");
  EXPECT_EQ(recv(end), "four to six");
}

TEST(DualStack, ConnectsToMappedAddresses) {
  NARU_CHECKS("SOC-042");
  const Fd l = listener();
  const Fd fd = tcp6();
  EXPECT_EQ(error_of(connect(fd, v6("::ffff:127.0.0.1", port_of(l)))), 0);
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(::getpeername(fd, generic(name), &size), 0);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr));
  const Fd only = tcp6();
  EXPECT_EQ(set(only, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
  EXPECT_EQ(get(only, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  EXPECT_EQ(error_of(connect(only, v6("::ffff:127.0.0.1", port_of(l)))), ENETUNREACH);
}

TEST(DualStack, DatagramsBothWays) {
  NARU_CHECKS("SOC-042");
  const Fd six(::socket(AF_INET6, SOCK_DGRAM, 0));
  ASSERT_EQ(bind(six, v6("::", 0)), 0);
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(::getsockname(six, generic(name), &size), 0);
  const Fd four = bound_udp();
  ASSERT_EQ(connect(four, v4(ntohs(name.sin6_port))), 0);
  EXPECT_EQ(send(four, "ping"), 4);
  char room[16];
  EXPECT_EQ(::recvfrom(six, room, sizeof room, 0, generic(name), &size), 4);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr));
  EXPECT_EQ(::sendto(six, "pong", 4, 0, generic(name), sizeof name), 4);
  EXPECT_EQ(recv(four), "pong");
}

TEST(DualStack, OptionsOfTheOtherFamily) {
  NARU_CHECKS("SOC-042");
  EXPECT_EQ(error_of(set(tcp(), IPPROTO_IPV6, IPV6_V6ONLY, 1)), ENOPROTOOPT);
  EXPECT_EQ(error_of(set(tcp(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1)), ENOPROTOOPT);
  const Fd six = tcp6();
  EXPECT_EQ(error_of(set(six, IPPROTO_IP, IP_TTL, 64)), 0);
  EXPECT_EQ(error_of(set(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64)), 0);
  EXPECT_EQ(get(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
  EXPECT_EQ(error_of(bind(six, v6("::", 0))), 0);
  EXPECT_EQ(error_of(set(six, IPPROTO_IPV6, IPV6_V6ONLY, 1)), EINVAL) << "too late";
}

// --- multicast -----------------------------------------------------------------------------

ip_mreqn group(std::uint32_t address, const char* device = "lo") {
  ip_mreqn r{};
  r.imr_multiaddr.s_addr = htonl(address);
  r.imr_ifindex = static_cast<int>(::if_nametoindex(device));
  return r;
}

int membership(int fd, int name, const ip_mreqn& r) {
  return ::setsockopt(fd, IPPROTO_IP, name, &r, sizeof r);
}

constexpr std::uint32_t kGroup = 0xefff0102;  // 239.255.1.2

TEST(Multicast, Memberships) {
  NARU_CHECKS("SOC-043");
  const Fd fd = udp();
  EXPECT_EQ(error_of(membership(fd, IP_ADD_MEMBERSHIP, group(kGroup))), 0);
  EXPECT_EQ(error_of(membership(fd, IP_ADD_MEMBERSHIP, group(kGroup))), EADDRINUSE);
  EXPECT_EQ(error_of(membership(fd, IP_DROP_MEMBERSHIP, group(kGroup))), 0);
  EXPECT_EQ(error_of(membership(fd, IP_DROP_MEMBERSHIP, group(kGroup))), EADDRNOTAVAIL);
  EXPECT_EQ(error_of(membership(fd, IP_ADD_MEMBERSHIP, group(kLoopback))), EINVAL);
  ip_mreqn none = group(kGroup);
  none.imr_ifindex = 9999;
  EXPECT_EQ(error_of(membership(fd, IP_ADD_MEMBERSHIP, none)), ENODEV);
  const int short_one = 1;
  EXPECT_EQ(error_of(::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &short_one, 4)), EINVAL);
  // By the address of the interface, as old programs do.
  ip_mreq old{};
  old.imr_multiaddr.s_addr = htonl(kGroup);
  old.imr_interface.s_addr = htonl(kLoopback);
  EXPECT_EQ(error_of(::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &old, sizeof old)), 0);
}

TEST(Multicast, AreBounded) {
  NARU_CHECKS("SOC-043");
  const Fd fd = udp();
  int error = 0;
  std::uint32_t joined = 0;
  while (joined < 100 && error == 0) {
    error = error_of(membership(fd, IP_ADD_MEMBERSHIP, group(kGroup + joined)));
    if (error == 0) ++joined;
  }
  EXPECT_EQ(error, ENOBUFS);
  EXPECT_EQ(joined, 20U) << "igmp_max_memberships";
}

TEST(Multicast, OptionsKeepTheirValue) {
  NARU_CHECKS("SOC-043");
  const Fd fd = udp();
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_TTL), 1);
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_ALL), 1);
  EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 7), 0);
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_TTL), 7);
  EXPECT_EQ(error_of(set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 256)), EINVAL);
  EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
  EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0), 0);
  EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_ALL), 0);
  in_addr interface { htonl(kLoopback) };
  EXPECT_EQ(::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface), 0);
  interface.s_addr = 0;
  socklen_t size = sizeof interface;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, &size), 0);
  EXPECT_EQ(interface.s_addr, htonl(kLoopback));
  interface.s_addr = htonl(0xc0000201);
  EXPECT_EQ(error_of(::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface)),
            EADDRNOTAVAIL);
  EXPECT_EQ(error_of(set(tcp(), IPPROTO_IP, IP_MULTICAST_TTL, 1)), EINVAL);
}

TEST(Multicast, ReachesTheMembers) {
  NARU_CHECKS("SOC-043");
  const Fd member = udp();
  const Fd stranger = udp();
  for (const Fd* fd : {&member, &stranger}) set(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
  ASSERT_EQ(bind(member, v4(0, INADDR_ANY)), 0);
  ASSERT_EQ(bind(stranger, v4(port_of(member), INADDR_ANY)), 0);
  set(stranger, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  ASSERT_EQ(membership(member, IP_ADD_MEMBERSHIP, group(kGroup)), 0);
  const Fd from = udp();
  in_addr interface { htonl(kLoopback) };
  ASSERT_EQ(::setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface), 0);
  const sockaddr_in to = v4(port_of(member), kGroup);
  ASSERT_EQ(::sendto(from, "all", 3, 0, generic(to), sizeof to), 3);
  ASSERT_TRUE(wait_for(member, POLLIN));
  EXPECT_EQ(recv(member), "all");
  EXPECT_EQ(recv(stranger, MSG_DONTWAIT), "EAGAIN");
}

}  // namespace
}  // namespace naru::sockets
