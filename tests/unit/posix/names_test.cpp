// What the name functions give, in the form that the C library's callers expect.
#include "posix/names.hpp"

#include <array>
#include <cstring>
#include <netinet/in.h>

#include <gtest/gtest.h>

#include "posix/interfaces.hpp"

namespace naru::posix {
namespace {

constexpr IpAddr kAddress = IpAddr::v4(10, 77, 0, 2);
constexpr std::array kAddresses{kAddress, IpAddr::v4(10, 77, 0, 3)};

TEST(FillHost, PutsAllIntoTheRoom) {
  alignas(8) std::array<char, 256> room;
  hostent host{};
  ASSERT_TRUE(fill_host(host, std::span(room).subspan(1), "web.lan", kAddresses));
  EXPECT_STREQ(host.h_name, "web.lan");
  EXPECT_EQ(host.h_addrtype, AF_INET);
  EXPECT_EQ(host.h_length, 4);
  EXPECT_EQ(std::memcmp(host.h_addr_list[0], "\x0a\x4d\x00\x02", 4), 0);
  EXPECT_EQ(std::memcmp(host.h_addr_list[1], "\x0a\x4d\x00\x03", 4), 0);
  EXPECT_EQ(host.h_addr_list[2], nullptr);
  EXPECT_EQ(host.h_aliases[0], nullptr);
  EXPECT_GE(host.h_name, room.data());
  EXPECT_LE(host.h_name + 8, room.data() + room.size());
}

TEST(FillHost, SaysWhenItDoesNotFit) {
  std::array<char, 256> room;
  hostent host{};
  std::size_t least = 0;
  while (!fill_host(host, std::span(room).first(least), "web.lan", kAddresses)) ++least;
  EXPECT_GT(least, 8U);
  EXPECT_LE(least, 64U);
  EXPECT_LE(host.h_name + 8, room.data() + least);
}

TEST(PutReachableFirst, MappedCountsAsReachableAndTheOrderStays) {
  std::array<addrinfo, 4> list{};
  std::array<sockaddr_in6, 4> addresses{};
  const bool is_v4[] = {false, true, false, true};
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i].ai_family = is_v4[i] ? AF_INET : AF_INET6;
    list[i].ai_addr = reinterpret_cast<sockaddr*>(&addresses[i]);
    if (i + 1 < list.size()) list[i].ai_next = &list[i + 1];
  }
  addresses[2].sin6_addr.s6_addr[10] = addresses[2].sin6_addr.s6_addr[11] = 0xff;
  addrinfo* first = put_reachable_first(list.data());
  for (const std::size_t expected : {1U, 2U, 3U, 0U}) {
    ASSERT_EQ(first, &list[expected]);
    first = first->ai_next;
  }
  EXPECT_EQ(first, nullptr);
  EXPECT_EQ(put_reachable_first(nullptr), nullptr);
}

TEST(Ifaddrs, PacketsFirstThenAddressesAsLinuxHasThem) {
  const Interface eth0{.index = 2,
                       .name = "eth0",
                       .flags = IFF_UP | IFF_BROADCAST,
                       .address = {kAddress, 24},
                       .mac = {{2, 3, 4, 5, 6, 7}},
                       .mtu = 1500};
  ifaddrs* list = make_ifaddrs({&eth0, 1});
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->ifa_addr->sa_family, AF_PACKET);
  const ifaddrs* inet = list->ifa_next;
  ASSERT_NE(inet, nullptr);
  EXPECT_STREQ(inet->ifa_name, "eth0");
  const auto number = [](const sockaddr* a) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(a)->sin_addr.s_addr);
  };
  EXPECT_EQ(number(inet->ifa_addr), 0x0a4d0002U);
  EXPECT_EQ(number(inet->ifa_netmask), 0xffffff00U);
  EXPECT_EQ(number(inet->ifa_ifu.ifu_broadaddr), 0x0a4d00ffU);
  EXPECT_EQ(inet->ifa_next, nullptr);
  ::freeifaddrs(list);
}

}  // namespace
}  // namespace naru::posix
