// What recvmsg and sendmsg say beside the bytes of IPv6 (RFC 3542), and options about packets.
#include <net/if.h>

#include "message.hpp"

namespace naru::sockets {
namespace {

Fd udp6() { return Fd(::socket(AF_INET6, SOCK_DGRAM, 0)); }

sockaddr_in6 name6_of(int fd) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(fd, generic(name), &size), 0);
  return name;
}

std::string text_of(const in6_addr& address) {
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, &address, text, sizeof text);
}

// Sends "x" with one control message.
template <class T>
long send_with(int fd, const sockaddr_in6& to, int type, const T& value) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof value)]{};
  char byte = 'x';
  iovec part{&byte, 1};
  sockaddr_in6 name = to;
  msghdr h{&name, sizeof name, &part, 1, control, sizeof control, 0};
  cmsghdr* c = CMSG_FIRSTHDR(&h);
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(c), &value, sizeof value);
  return ::sendmsg(fd, &h, 0);
}

struct Ipv6Control : ::testing::Test {
  void SetUp() override {
    if (bind(server, v6("::1", 0)) != 0) GTEST_SKIP() << "the kernel has no ::1 here";
    to = name6_of(server);
  }

  Fd server = udp6();
  Fd client = udp6();
  sockaddr_in6 to{};
};

TEST_F(Ipv6Control, WhatIsAskedForIsTold) {
  for (const int option : {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS}) {
    EXPECT_EQ(get(server, IPPROTO_IPV6, option), 0);
    ASSERT_EQ(error_of(set(server, IPPROTO_IPV6, option, 1)), 0);
    EXPECT_EQ(get(server, IPPROTO_IPV6, option), 1);
  }
  ASSERT_EQ(set(client, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9), 0);
  ASSERT_EQ(set(client, IPPROTO_IPV6, IPV6_TCLASS, 0x20), 0);
  ASSERT_EQ(::sendto(client, "x", 1, 0, generic(to), sizeof to), 1);
  ASSERT_TRUE(wait_for(server, POLLIN));
  const Message m = receive(server);
  EXPECT_EQ(m.text, "x");
  const auto info = m.get<in6_pktinfo>(IPPROTO_IPV6, IPV6_PKTINFO);
  EXPECT_EQ(text_of(info.ipi6_addr), "::1");
  EXPECT_EQ(info.ipi6_ifindex, ::if_nametoindex("lo"));
  EXPECT_EQ(m.get<int>(IPPROTO_IPV6, IPV6_HOPLIMIT), 9);
  EXPECT_EQ(m.get<int>(IPPROTO_IPV6, IPV6_TCLASS), 0x20);
  EXPECT_EQ(m.control.size(), 3U);
}

TEST_F(Ipv6Control, NothingElseIs) {
  ASSERT_EQ(::sendto(client, "x", 1, 0, generic(to), sizeof to), 1);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_TRUE(receive(server).control.empty());
}

TEST_F(Ipv6Control, OfIPv4OnlyTheAddressIsTold) {
  const Fd both = udp6();
  ASSERT_EQ(bind(both, v6("::", 0)), 0);
  for (const int option : {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS}) {
    ASSERT_EQ(set(both, IPPROTO_IPV6, option, 1), 0);
  }
  const Fd four = udp();
  const sockaddr_in there = v4(ntohs(name6_of(both).sin6_port));
  ASSERT_EQ(::sendto(four, "x", 1, 0, generic(there), sizeof there), 1);
  ASSERT_TRUE(wait_for(both, POLLIN));
  const Message m = receive(both);
  EXPECT_EQ(text_of(m.get<in6_pktinfo>(IPPROTO_IPV6, IPV6_PKTINFO).ipi6_addr), "::ffff:127.0.0.1");
  EXPECT_EQ(m.control.size(), 1U);
}

TEST_F(Ipv6Control, ForOneDatagramItIsSaid) {
  for (const int option : {IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS}) {
    ASSERT_EQ(set(server, IPPROTO_IPV6, option, 1), 0);
  }
  ASSERT_EQ(send_with(client, to, IPV6_HOPLIMIT, 5), 1);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(receive(server).get<int>(IPPROTO_IPV6, IPV6_HOPLIMIT), 5);
  ASSERT_EQ(send_with(client, to, IPV6_HOPLIMIT, -1), 1) << "as the socket has it";
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(receive(server).get<int>(IPPROTO_IPV6, IPV6_HOPLIMIT), 64);
  ASSERT_EQ(send_with(client, to, IPV6_TCLASS, 0x40), 1);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(receive(server).get<int>(IPPROTO_IPV6, IPV6_TCLASS), 0x40);
  in6_pktinfo from{};
  from.ipi6_addr = in6addr_loopback;
  EXPECT_EQ(send_with(client, to, IPV6_PKTINFO, from), 1);
  EXPECT_TRUE(wait_for(server, POLLIN));
}

TEST_F(Ipv6Control, NonsenseIsRefused) {
  EXPECT_EQ(error_of(send_with(client, to, IPV6_HOPLIMIT, 256)), EINVAL);
  EXPECT_EQ(error_of(send_with(client, to, IPV6_HOPLIMIT, -2)), EINVAL);
  EXPECT_EQ(error_of(send_with(client, to, IPV6_HOPLIMIT, 'x')), EINVAL) << "too short";
  EXPECT_EQ(error_of(send_with(client, to, IPV6_TCLASS, 256)), EINVAL);
  in6_pktinfo from{};
  ::inet_pton(AF_INET6, "2001:db8::1", &from.ipi6_addr);
  EXPECT_EQ(error_of(send_with(client, to, IPV6_PKTINFO, from)), EINVAL) << "nobody's address";
}

TEST_F(Ipv6Control, MulticastLeavesByTheInterfaceThatIsNamed) {
  const auto lo = static_cast<int>(::if_nametoindex("lo"));
  EXPECT_EQ(get(client, IPPROTO_IPV6, IPV6_MULTICAST_IF), 0);
  ASSERT_EQ(error_of(set(client, IPPROTO_IPV6, IPV6_MULTICAST_IF, lo)), 0);
  EXPECT_EQ(get(client, IPPROTO_IPV6, IPV6_MULTICAST_IF), lo);
  EXPECT_EQ(error_of(set(client, IPPROTO_IPV6, IPV6_MULTICAST_IF, 99)), ENODEV);
  EXPECT_EQ(error_of(set(client, IPPROTO_IPV6, IPV6_MULTICAST_IF, 0)), 0);
}

TEST_F(Ipv6Control, BuffersOfAnySizeAreForTheAdministrator) {
  const int answer = error_of(set(client, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20));
  if (answer == 0) {
    EXPECT_EQ(get(client, SOL_SOCKET, SO_RCVBUF), 2 << 20);
  } else {
    EXPECT_EQ(answer, EPERM);
  }
}

}  // namespace
}  // namespace naru::sockets
