// Sockets that speak ICMPv6, as ping -6 does.
#include <netinet/icmp6.h>

#include "message.hpp"

namespace naru::sockets {
namespace {

std::string echo(std::uint16_t id, std::uint16_t seq) {
  icmp6_hdr header{};
  header.icmp6_type = ICMP6_ECHO_REQUEST;
  header.icmp6_id = htons(id);
  header.icmp6_seq = htons(seq);
  return std::string(reinterpret_cast<char*>(&header), sizeof header) + "data";
}

icmp6_hdr header_of(const std::string& message) {
  icmp6_hdr header{};
  EXPECT_GE(message.size(), sizeof header);
  std::memcpy(&header, message.data(), std::min(message.size(), sizeof header));
  return header;
}

long send_to(int fd, const char* address, const std::string& message) {
  const sockaddr_in6 to = v6(address, 0);
  return ::sendto(fd, message.data(), message.size(), 0, generic(to), sizeof to);
}

std::uint16_t identifier_of(int fd) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(fd, generic(name), &size), 0);
  return name.sin6_port;
}

struct Ping6 : ::testing::Test {
  void SetUp() override {
    const Fd probe(::socket(AF_INET6, SOCK_DGRAM, 0));
    if (bind(probe, v6("::1", 0)) != 0) GTEST_SKIP() << "the kernel has no ::1 here";
  }
};

TEST_F(Ping6, ByAnIdentifier) {
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6));
  if (fd < 0 && on_kernel()) GTEST_SKIP() << "net.ipv4.ping_group_range allows it to nobody";
  ASSERT_GE(fd, 0);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_ICMPV6);
  ASSERT_EQ(set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), 0);
  EXPECT_EQ(send_to(fd, "::1", echo(1, 7)), 12);
  ASSERT_TRUE(wait_for(fd, POLLIN));
  const Message m = receive(fd);
  EXPECT_EQ(header_of(m.text).icmp6_type, ICMP6_ECHO_REPLY);
  EXPECT_EQ(header_of(m.text).icmp6_id, identifier_of(fd));
  EXPECT_EQ(ntohs(header_of(m.text).icmp6_seq), 7);
  EXPECT_EQ(m.text.substr(sizeof(icmp6_hdr)), "data");
  EXPECT_EQ(m.get<int>(IPPROTO_IPV6, IPV6_HOPLIMIT), 64);
  std::string other = echo(1, 1);
  other[0] = static_cast<char>(ICMP6_ECHO_REPLY);
  EXPECT_EQ(error_of(send_to(fd, "::1", other)), EINVAL);
  EXPECT_EQ(error_of(send_to(fd, "::1", "short")), EINVAL);
}

TEST_F(Ping6, Raw) {
  const Fd fd(::socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  if (::geteuid() != 0) {
    EXPECT_EQ(error_of(fd), EPERM);
    return;
  }
  if (fd < 0 && on_kernel()) GTEST_SKIP() << "root without CAP_NET_RAW";
  ASSERT_GE(fd, 0);
  EXPECT_EQ(error_of(set(fd, SOL_RAW, IPV6_CHECKSUM, 2)), 0);
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  ASSERT_EQ(::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter), 0);
  icmp6_filter read{};
  socklen_t size = sizeof read;
  ASSERT_EQ(::getsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &read, &size), 0);
  EXPECT_EQ(std::memcmp(&read, &filter, sizeof filter), 0);
  EXPECT_EQ(send_to(fd, "::1", echo(0x4321, 3)), 12) << "its checksum is filled in";
  ASSERT_TRUE(wait_for(fd, POLLIN));
  const std::string message = recv(fd);
  EXPECT_EQ(message.size(), 12U) << "without the IP header";
  EXPECT_EQ(header_of(message).icmp6_type, ICMP6_ECHO_REPLY) << "the request is filtered";
  EXPECT_EQ(header_of(message).icmp6_id, htons(0x4321));
}

TEST_F(Ping6, ARawSocketHearsRequestsToo) {
  const Fd fd(::socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  if (fd < 0) GTEST_SKIP() << "for root";
  EXPECT_EQ(send_to(fd, "::1", echo(0x4321, 4)), 12);
  ASSERT_TRUE(wait_for(fd, POLLIN));
  EXPECT_EQ(header_of(recv(fd)).icmp6_type, ICMP6_ECHO_REQUEST);
  ASSERT_TRUE(wait_for(fd, POLLIN));
  EXPECT_EQ(header_of(recv(fd)).icmp6_type, ICMP6_ECHO_REPLY);
}

}  // namespace
}  // namespace naru::sockets
