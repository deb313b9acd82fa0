#include "wire/ipv6.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "hex.hpp"
#include "wire/checksum.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;

IpAddr ip(std::string_view text) { return IpAddr::parse(text).value(); }

// Traffic class 0xb8, flow label 0x12345, UDP, hop limit 61.
const Buffer kPacket = hex(
    "6b812345 0003 11 3d 20010db8000000000000000000000001 ff020000000000000000000000000002 aabbcc");

TEST(Ipv6, ReadsEveryField) {
  const auto ip6 = Ipv6View::parse(kPacket);
  ASSERT_TRUE(ip6);
  EXPECT_EQ(ip6->traffic_class(), 0xb8);
  EXPECT_EQ(ip6->flow_label(), 0x12345U);
  EXPECT_EQ(ip6->next_header(), Protocol::udp);
  EXPECT_EQ(ip6->hop_limit(), 61);
  EXPECT_EQ(ip6->src(), ip("2001:db8::1"));
  EXPECT_EQ(ip6->dst(), ip("ff02::2"));
  EXPECT_EQ(ip6->total_length(), 43U);
  EXPECT_EQ(Buffer(ip6->payload().begin(), ip6->payload().end()), hex("aabbcc"));
}

TEST(Ipv6, WritesWhatItReads) {
  const Ipv6 header{.src = ip("2001:db8::1"),
                    .dst = ip("ff02::2"),
                    .next_header = Protocol::udp,
                    .hop_limit = 61,
                    .traffic_class = 0xb8,
                    .flow_label = 0x12345,
                    .payload_length = 3};
  Buffer written(Ipv6::kHeaderSize);
  header.emit(written.data());
  EXPECT_EQ(written, cut(kPacket, Ipv6::kHeaderSize));
}

TEST(Ipv6, RefusesEveryTruncationAndVersion) {
  NARU_CHECKS("IP6-001");
  for (std::size_t n = 0; n < kPacket.size(); ++n) EXPECT_FALSE(Ipv6View::parse(cut(kPacket, n)));
  for (unsigned version = 0; version < 16; ++version) {
    Buffer packet = kPacket;
    packet[0] = static_cast<std::uint8_t>(version << 4U | 0xbU);
    EXPECT_EQ(Ipv6View::parse(packet).has_value(), version == 6) << version;
  }
}

TEST(Ipv6, LeavesThePaddingOut) {
  NARU_CHECKS("IP6-001");
  Buffer padded = kPacket;
  padded.resize(60);
  const auto ip6 = Ipv6View::parse(padded);
  ASSERT_TRUE(ip6);
  EXPECT_EQ(ip6->payload().size(), 3U);
}

TEST(Ipv6, AQuoteMayEndAnywhereBehindTheHeader) {
  for (std::size_t n = 0; n < kPacket.size(); ++n) {
    const Buffer quoted = cut(kPacket, n);
    const auto quote = Ipv6View::parse_quote(quoted);
    ASSERT_EQ(quote.has_value(), n >= Ipv6::kHeaderSize) << n;
    if (quote) {
      EXPECT_EQ(quote->payload().size(), n - Ipv6::kHeaderSize);
    }
  }
}

TEST(Ipv6, AZoneStaysBehindAndChangesNoChecksum) {
  const IpAddr plain = ip("fe80::1:2:3:4");
  const IpAddr zoned = plain.with_zone(3);
  Buffer written(16);
  store_ipv6(written.data(), zoned);
  EXPECT_EQ(load_ipv6(written.data()), plain);
  for (unsigned zone = 1; zone < 256; ++zone) {
    const IpAddr other = plain.with_zone(static_cast<std::uint8_t>(zone));
    EXPECT_EQ(fold(pseudo_header_sum(other, plain, Protocol::tcp, 99)),
              fold(pseudo_header_sum(plain, plain, Protocol::tcp, 99)));
  }
}

TEST(Ipv6, KnowsTheGroupsOfAnAddress) {
  EXPECT_EQ(kAllNodes, ip("ff02::1"));
  EXPECT_EQ(kAllRouters, ip("ff02::2"));
  EXPECT_EQ(solicited_node(ip("2001:db8::1:abcd:ef01")), ip("ff02::1:ffcd:ef01"));
  EXPECT_EQ(group_mac_v6(ip("ff02::1:ffcd:ef01")).to_string(), "33:33:ff:cd:ef:01");
  EXPECT_EQ(group_scope(ip("ff0e::1")), 14);
}

}  // namespace
}  // namespace naru::wire
