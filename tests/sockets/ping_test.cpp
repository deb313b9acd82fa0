// Sockets that speak ICMP, as ping does.
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

constexpr int kFilter = 1;  // ICMP_FILTER of <linux/icmp.h>

std::string echo(std::uint16_t id, std::uint16_t seq) {
  icmphdr header{};
  header.type = ICMP_ECHO;
  header.un.echo.id = htons(id);
  header.un.echo.sequence = htons(seq);
  std::string message(reinterpret_cast<char*>(&header), sizeof header);
  message += "data";
  // RFC 1071.
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < message.size(); i += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, message.data() + i, 2);
    sum += word;
  }
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  const auto checksum = static_cast<std::uint16_t>(~sum);
  std::memcpy(message.data() + 2, &checksum, 2);
  return message;
}

icmphdr header_of(const std::string& message, std::size_t at = 0) {
  icmphdr header{};
  EXPECT_GE(message.size(), at + sizeof header);
  if (message.size() >= at + sizeof header) {
    std::memcpy(&header, message.data() + at, sizeof header);
  }
  return header;
}

long send_to_self(int fd, const std::string& message) {
  const sockaddr_in to = v4(0);
  return ::sendto(fd, message.data(), message.size(), 0, generic(to), sizeof to);
}

TEST(Ping, ByAnIdentifier) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
  if (fd < 0 && on_kernel()) GTEST_SKIP() << "net.ipv4.ping_group_range allows it to nobody";
  ASSERT_GE(fd, 0);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
  EXPECT_EQ(get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_ICMP);
  EXPECT_EQ(send_to_self(fd, echo(1, 7)), 12);
  ASSERT_TRUE(wait_for(fd, POLLIN));
  const std::string reply = recv(fd);
  EXPECT_EQ(header_of(reply).type, ICMP_ECHOREPLY);
  EXPECT_EQ(header_of(reply).un.echo.id, name_of(fd).sin_port);
  EXPECT_EQ(ntohs(header_of(reply).un.echo.sequence), 7);
  EXPECT_EQ(reply.substr(8), "data");
  std::string other = echo(1, 1);
  other[0] = ICMP_TIMESTAMP;
  EXPECT_EQ(error_of(send_to_self(fd, other)), EINVAL);
  EXPECT_EQ(error_of(send_to_self(fd, "short")), EINVAL);
}

TEST(Ping, Raw) {
  NARU_CHECKS("SOC-002");
  const Fd fd(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  if (::geteuid() != 0) {
    EXPECT_EQ(error_of(fd), EPERM);
    return;
  }
  if (fd < 0 && on_kernel()) GTEST_SKIP() << "root without CAP_NET_RAW";
  ASSERT_GE(fd, 0);
  const std::uint32_t filter = ~(1U << ICMP_ECHOREPLY);
  ASSERT_EQ(::setsockopt(fd, SOL_RAW, kFilter, &filter, sizeof filter), 0);
  EXPECT_EQ(send_to_self(fd, echo(0x4321, 3)), 12);
  ASSERT_TRUE(wait_for(fd, POLLIN));
  const std::string packet = recv(fd);
  ASSERT_GE(packet.size(), sizeof(iphdr));
  EXPECT_EQ(static_cast<unsigned char>(packet[0]), 0x45) << "with the IP header";
  EXPECT_EQ(header_of(packet, sizeof(iphdr)).type, ICMP_ECHOREPLY);
  EXPECT_EQ(header_of(packet, sizeof(iphdr)).un.echo.id, htons(0x4321));
}

}  // namespace
}  // namespace naru::sockets
