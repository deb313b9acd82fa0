// What comes with a datagram beside its bytes: control messages.
#include <net/if.h>

#include "message.hpp"

namespace naru::sockets {
namespace {

// Two sockets, the second of which knows the first.
struct Ends {
  Fd to;
  Fd from;
};
Ends ends() {
  Ends e{bound_udp(), udp()};
  EXPECT_EQ(connect(e.from, name_of(e.to)), 0);
  return e;
}

TEST(Control, NothingUnlessAsked) {
  NARU_CHECKS("SOC-025");
  const Ends e = ends();
  send(e.from, "plain");
  const Message m = receive(e.to);
  EXPECT_EQ(m.text, "plain");
  EXPECT_TRUE(m.control.empty());
  EXPECT_EQ(m.flags, 0);
  EXPECT_EQ(m.from.sin_port, name_of(e.from).sin_port);
}

TEST(Control, WhereItWentAndHow) {
  NARU_CHECKS("SOC-025");
  const Ends e = ends();
  for (const int name : {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR}) {
    EXPECT_EQ(set(e.to, IPPROTO_IP, name, 1), 0) << name;
  }
  set(e.from, IPPROTO_IP, IP_TTL, 33);
  set(e.from, IPPROTO_IP, IP_TOS, 0x48);
  send(e.from, "x");
  const Message m = receive(e.to);
  const auto info = m.get<in_pktinfo>(IPPROTO_IP, IP_PKTINFO);
  EXPECT_EQ(info.ipi_addr.s_addr, htonl(kLoopback));
  EXPECT_EQ(info.ipi_spec_dst.s_addr, htonl(kLoopback));
  EXPECT_EQ(info.ipi_ifindex, static_cast<int>(::if_nametoindex("lo")));
  EXPECT_EQ(m.get<int>(IPPROTO_IP, IP_TTL), 33);
  EXPECT_EQ(m.get<unsigned char>(IPPROTO_IP, IP_TOS), 0x48);
  EXPECT_EQ(m.control.at({IPPROTO_IP, IP_TOS}).size(), 1U);
  const auto original = m.get<sockaddr_in>(IPPROTO_IP, IP_ORIGDSTADDR);
  EXPECT_EQ(original.sin_port, name_of(e.to).sin_port);
  EXPECT_EQ(original.sin_addr.s_addr, htonl(kLoopback));
}

TEST(Control, WhenItCame) {
  NARU_CHECKS("SOC-025");
  const Ends e = ends();
  EXPECT_EQ(set(e.to, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
  timeval before{};
  ::gettimeofday(&before, nullptr);
  send(e.from, "x");
  const auto at = receive(e.to).get<timeval>(SOL_SOCKET, SCM_TIMESTAMP);
  timeval after{};
  ::gettimeofday(&after, nullptr);
  EXPECT_GE(at.tv_sec, before.tv_sec - 1);
  EXPECT_LE(at.tv_sec, after.tv_sec);
  EXPECT_EQ(set(e.to, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
  send(e.from, "y");
  const Message m = receive(e.to);
  EXPECT_FALSE(m.has(SOL_SOCKET, SCM_TIMESTAMP)) << "the last asked for counts";
  EXPECT_GE(m.get<timespec>(SOL_SOCKET, SCM_TIMESTAMPNS).tv_sec, before.tv_sec - 1);
}

TEST(Control, WhatWasLostBefore) {
  NARU_CHECKS("SOC-025");
  const Ends e = ends();
  EXPECT_EQ(set(e.to, SOL_SOCKET, SO_RXQ_OVFL, 1), 0);
  set(e.to, SOL_SOCKET, SO_RCVBUF, 1);
  for (int i = 0; i < 50; ++i) send(e.from, "0123456789");
  std::uint32_t lost = 0;
  while (wait_for(e.to, POLLIN, 0)) (void)receive(e.to);
  send(e.from, "after");
  const Message m = receive(e.to);
  EXPECT_EQ(m.text, "after");
  lost = m.get<std::uint32_t>(SOL_SOCKET, SO_RXQ_OVFL);
  EXPECT_GT(lost, 0U);
  EXPECT_LT(lost, 50U);
}

TEST(Control, IsCutWhereThereIsNoRoom) {
  NARU_CHECKS("SOC-024", "SOC-025");
  const Ends e = ends();
  set(e.to, IPPROTO_IP, IP_PKTINFO, 1);
  send(e.from, "x");
  const Message none = receive(e.to, 0, 0);
  EXPECT_EQ(none.text, "x");
  EXPECT_EQ(none.flags, MSG_CTRUNC);
  send(e.from, "y");
  const Message part = receive(e.to, 0, CMSG_LEN(4));
  EXPECT_EQ(part.flags, MSG_CTRUNC);
}

TEST(Control, OfIPv6SocketsWithIPv4Peers) {
  NARU_CHECKS("SOC-025", "SOC-042");
  const Fd six(::socket(AF_INET6, SOCK_DGRAM, 0));
  ASSERT_EQ(bind(six, v6("::", 0)), 0);
  EXPECT_EQ(set(six, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
  EXPECT_EQ(set(six, IPPROTO_IP, IP_RECVTTL, 1), 0);
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(::getsockname(six, generic(name), &size), 0);
  const Fd four = udp();
  ASSERT_EQ(connect(four, v4(ntohs(name.sin6_port))), 0);
  send(four, "x");
  const Message m = receive(six);
  const auto info = m.get<in6_pktinfo>(IPPROTO_IPV6, IPV6_PKTINFO);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr));
  EXPECT_EQ(m.get<int>(IPPROTO_IP, IP_TTL), 64);
}

// --- sending -----------------------------------------------------------------------------

template <class T>
long send_with(int fd, int level, int type, const T& value, const sockaddr_in* to = nullptr) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof value)]{};
  iovec part{const_cast<char*>("x"), 1};
  msghdr h{};
  h.msg_name = const_cast<sockaddr_in*>(to);
  h.msg_namelen = to == nullptr ? 0 : sizeof *to;
  h.msg_iov = &part;
  h.msg_iovlen = 1;
  h.msg_control = control;
  h.msg_controllen = CMSG_SPACE(sizeof value);
  cmsghdr* c = CMSG_FIRSTHDR(&h);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(c), &value, sizeof value);
  return ::sendmsg(fd, &h, 0);
}

TEST(Control, ChoosesForOneDatagram) {
  NARU_CHECKS("SOC-025");
  const Ends e = ends();
  set(e.to, IPPROTO_IP, IP_RECVTTL, 1);
  set(e.to, IPPROTO_IP, IP_RECVTOS, 1);
  EXPECT_EQ(send_with(e.from, IPPROTO_IP, IP_TTL, 9), 1);
  EXPECT_EQ(receive(e.to).get<int>(IPPROTO_IP, IP_TTL), 9);
  EXPECT_EQ(send_with(e.from, IPPROTO_IP, IP_TOS, 0x28), 1);
  EXPECT_EQ(receive(e.to).get<unsigned char>(IPPROTO_IP, IP_TOS), 0x28);
  send(e.from, "x");
  const Message usual = receive(e.to);
  EXPECT_EQ(usual.get<int>(IPPROTO_IP, IP_TTL), 64);
  EXPECT_EQ(usual.get<unsigned char>(IPPROTO_IP, IP_TOS), 0);
  EXPECT_EQ(error_of(send_with(e.from, IPPROTO_IP, IP_TTL, 256)), EINVAL);
  EXPECT_EQ(error_of(send_with(e.from, IPPROTO_IP, 99, 1)), EINVAL);
}

TEST(Control, ChoosesTheSource) {
  NARU_CHECKS("SOC-025");
  const Fd to = bound_udp();
  const Fd from = udp();
  const sockaddr_in where = name_of(to);
  in_pktinfo info{};
  info.ipi_spec_dst.s_addr = htonl(kLoopback + 4);  // 127.0.0.5
  EXPECT_EQ(send_with(from, IPPROTO_IP, IP_PKTINFO, info, &where), 1);
  EXPECT_EQ(receive(to).from.sin_addr.s_addr, htonl(kLoopback + 4));
}

TEST(Control, IsReadWithCare) {
  NARU_CHECKS("SOC-024");
  const Ends e = ends();
  alignas(cmsghdr) char control[64]{};
  iovec part{const_cast<char*>("x"), 1};
  msghdr h{};
  h.msg_iov = &part;
  h.msg_iovlen = 1;
  h.msg_control = control;
  h.msg_controllen = sizeof control;
  cmsghdr* c = CMSG_FIRSTHDR(&h);
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{3}, std::size_t{1000}, ~std::size_t{0}}) {
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_TTL;
    c->cmsg_len = length;
    EXPECT_EQ(error_of(::sendmsg(e.from, &h, 0)), EINVAL) << length;
  }
  h.msg_control = no_memory();
  EXPECT_EQ(error_of(::sendmsg(e.from, &h, 0)), EFAULT);
}

}  // namespace
}  // namespace naru::sockets
