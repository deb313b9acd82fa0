// What the name functions give, in the form that the C library's callers expect.
#include "posix/names.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <netinet/in.h>

#include <gtest/gtest.h>

#include "posix/interfaces.hpp"
#include "socket/linux_address.hpp"

namespace naru::posix {
namespace {

constexpr IpAddr kAddress = IpAddr::v4(10, 77, 0, 2);
constexpr std::array kAddresses{kAddress, IpAddr::v4(10, 77, 0, 3)};

TEST(FillHost, PutsAllIntoTheRoom) {
  alignas(8) std::array<char, 256> room;
  hostent host{};
  ASSERT_TRUE(fill_host(host, std::span(room).subspan(1), "web.lan", AF_INET, kAddresses));
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
  while (!fill_host(host, std::span(room).first(least), "web.lan", AF_INET, kAddresses)) ++least;
  EXPECT_GT(least, 8U);
  EXPECT_LE(least, 64U);
  EXPECT_LE(host.h_name + 8, room.data() + least);
}

TEST(FillHost, TellsIPv6Addresses) {
  alignas(8) std::array<char, 256> room;
  hostent host{};
  const std::array addresses{*IpAddr::parse("fd77::2")};
  ASSERT_TRUE(fill_host(host, room, "web.lan", AF_INET6, addresses));
  EXPECT_EQ(host.h_addrtype, AF_INET6);
  EXPECT_EQ(host.h_length, 16);
  EXPECT_EQ(std::memcmp(host.h_addr_list[0], addresses[0].bytes().data(), 16), 0);
  EXPECT_EQ(host.h_addr_list[1], nullptr);
  EXPECT_STREQ(host.h_name, "web.lan");
}

TEST(PutInOrder, WhoHasTheSameAddressStaysTogether) {
  const IpAddr other = *IpAddr::parse("fd77::2");
  std::array<addrinfo, 4> list{};
  std::array<sockaddr_storage, 4> addresses{};
  char name[] = "web";
  list[0].ai_canonname = name;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool is_v6 = i < 2;
    list[i].ai_family = is_v6 ? AF_INET6 : AF_INET;
    list[i].ai_addr = reinterpret_cast<sockaddr*>(&addresses[i]);
    list[i].ai_addrlen = sizeof addresses[i];
    from_endpoint({is_v6 ? other : kAddress, 80}, list[i].ai_family, list[i].ai_addr,
                  &list[i].ai_addrlen);
    if (i + 1 < list.size()) list[i].ai_next = &list[i + 1];
  }
  const std::array order{kAddress};
  addrinfo* first = put_in_order(list.data(), order);
  EXPECT_EQ(first->ai_canonname, name);
  for (const std::size_t expected : {2U, 3U, 0U, 1U}) {
    ASSERT_EQ(first, &list[expected]);
    first = first->ai_next;
  }
  EXPECT_EQ(first, nullptr);
  EXPECT_EQ(list[0].ai_canonname, nullptr);
  EXPECT_EQ(put_in_order(nullptr, order), nullptr);
}

TEST(Ifaddrs, PacketsFirstThenAddressesAsLinuxHasThem) {
  const Interface eth0{.index = 2,
                       .name = "eth0",
                       .flags = IFF_UP | IFF_BROADCAST,
                       .addresses = {{kAddress, 24}, {*IpAddr::parse("fd77::2"), 64}},
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
  const ifaddrs* inet6 = inet->ifa_next;
  ASSERT_NE(inet6, nullptr);
  const auto bytes = [](const sockaddr* a) {
    return IpAddr::v6(std::bit_cast<std::array<std::uint8_t, 16>>(
        reinterpret_cast<const sockaddr_in6*>(a)->sin6_addr));
  };
  EXPECT_EQ(bytes(inet6->ifa_addr).to_string(), "fd77::2");
  EXPECT_EQ(bytes(inet6->ifa_netmask).to_string(), "ffff:ffff:ffff:ffff::");
  EXPECT_EQ(inet6->ifa_next, nullptr);
  ::freeifaddrs(list);
}

}  // namespace
}  // namespace naru::posix
