#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include <naru/wire/address.hpp>

namespace naru {
namespace {

IpAddr ip(std::string_view text) { return IpAddr::parse(text).value(); }

TEST(MacAddr, ParsesAndPrints) {
  const auto mac = MacAddr::parse("02:00:5E:00:00:ff");
  ASSERT_TRUE(mac);
  EXPECT_EQ(*mac, (MacAddr{{0x02, 0x00, 0x5e, 0x00, 0x00, 0xff}}));
  EXPECT_EQ(mac->to_string(), "02:00:5e:00:00:ff");
}

TEST(MacAddr, RefusesAnythingElse) {
  for (const char* text :
       {"", "02", "02:00:00:00:00", "02:00:00:00:00:", "02:00:00:00:00:0", "02:00:00:00:00:001",
        "2:00:00:00:00:001", "02:00:00:00:00:0g", "02-00-00-00-00-01", "02:00:00:00:00:01 ",
        " 2:00:00:00:00:01", "02:00:00:00:00:01:02", "0x:00:00:00:00:01", "+2:00:00:00:00:01"}) {
    EXPECT_FALSE(MacAddr::parse(text)) << text;
  }
}

TEST(MacAddr, KnowsItsKind) {
  EXPECT_TRUE(MacAddr::broadcast().is_broadcast());
  EXPECT_TRUE(MacAddr::broadcast().is_multicast());
  EXPECT_TRUE(MacAddr{}.is_zero());
  const MacAddr group{{0x01, 0x00, 0x5e, 0, 0, 1}};
  EXPECT_TRUE(group.is_multicast());
  EXPECT_FALSE(group.is_broadcast());
  EXPECT_FALSE(group.is_zero());
}

TEST(MacAddr, ComparesEveryByte) {
  const MacAddr zero{};
  for (std::size_t i = 0; i < 6; ++i) {
    MacAddr other{};
    other.bytes[i] = 1;
    EXPECT_NE(zero, other);
    EXPECT_LT(zero, other);
  }
}

TEST(IpAddr, ParsesV4Strictly) {
  EXPECT_EQ(ip("10.0.0.1"), IpAddr::v4(10, 0, 0, 1));
  EXPECT_EQ(ip("255.255.255.255"), IpAddr::broadcast_v4());
  EXPECT_EQ(ip("0.0.0.0"), IpAddr::any_v4());
  for (const char* text : {"", "1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.5", "256.0.0.1",
                           "1.2.3.999", "01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4",
                           "0x1.2.3.4", "1.2.3.4/8", "localhost"}) {
    EXPECT_FALSE(IpAddr::parse(text)) << text;
  }
}

TEST(IpAddr, ParsesV6Strictly) {
  EXPECT_EQ(ip("::"), IpAddr::any_v6());
  EXPECT_EQ(ip("2001:DB8::1").bytes()[1], 0x01);
  EXPECT_EQ(ip("1:2:3:4:5:6:7:8").bytes()[15], 8);
  EXPECT_EQ(ip("1:2:3:4:5:6:7::").bytes()[15], 0);
  EXPECT_EQ(ip("::2:3:4:5:6:7:8").bytes()[1], 0);
  EXPECT_EQ(ip("64:ff9b::192.0.2.33").bytes()[12], 192);
  EXPECT_EQ(ip("::ffff:10.0.0.1"), IpAddr::v4(10, 0, 0, 1));
  EXPECT_EQ(ip("1:2:3:4:5:6:1.2.3.4").bytes()[13], 2);
  for (const char* text : {":",
                           ":::",
                           "1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1::2",
                           "1:2:3:4::5:6:7:8",
                           ":1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:",
                           "12345::",
                           "::g",
                           "fe80::1%eth0",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "1.2.3.4::",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "[::1]",
                           "::+1",
                           "::0x1",
                           "1: :2",
                           "::1 "}) {
    EXPECT_FALSE(IpAddr::parse(text)) << text;
  }
}

TEST(IpAddr, PrintsAsRfc5952Says) {
  const std::pair<const char*, const char*> cases[] = {
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8::0:1", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2: one group is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // 4.2.3: the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // 4.2.3: the first of equals
      {"2001:DB8:AAAA::", "2001:db8:aaaa::"},            // 4.3: lower case
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"},
      {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
  };
  for (const auto& [text, printed] : cases) EXPECT_EQ(ip(text).to_string(), printed);
}

TEST(IpAddr, PrintsWhatItParses) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    // Many zeros, so that runs of all kinds come up.
    for (std::size_t g = 0; g < 16; g += 2) {
      if (random() % 2 == 0) continue;
      bytes[g] = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
      bytes[g + 1] = static_cast<std::uint8_t>(random());
    }
    const IpAddr addr = IpAddr::v6(bytes);
    EXPECT_EQ(ip(addr.to_string()), addr) << addr.to_string();
    const IpAddr v4 = IpAddr::v4(static_cast<std::uint32_t>(random()));
    EXPECT_EQ(ip(v4.to_string()), v4);
  }
}

TEST(IpAddr, KeepsTheZoneOfLinkLocalAddresses) {
  const IpAddr plain = ip("fe80::1");
  const IpAddr zoned = plain.with_zone(7);
  EXPECT_EQ(plain.zone(), 0);
  EXPECT_EQ(zoned.zone(), 7);
  EXPECT_NE(zoned, plain);
  EXPECT_NE(zoned, plain.with_zone(8));
  EXPECT_EQ(zoned.with_zone(8), plain.with_zone(8));
  EXPECT_EQ(zoned.without_zone(), plain);
  EXPECT_TRUE(zoned.is_link_local());
  EXPECT_EQ(zoned.to_string(), "fe80::1%7");
  EXPECT_EQ(ip("fe80::1%7"), zoned);
  for (const char* other : {"2001:db8::1", "::1", "ff02::1", "169.254.0.1"}) {
    EXPECT_EQ(ip(other).with_zone(7), ip(other));
    EXPECT_EQ(ip(other).zone(), 0);
  }
  for (const char* bad : {"2001:db8::1%1", "fe80::1%", "fe80::1%0", "fe80::1%256", "fe80::1%eth0",
                          "fe80::1%1%2", "169.254.0.1%1"}) {
    EXPECT_FALSE(IpAddr::parse(bad)) << bad;
  }
}

TEST(IpAddr, KeepsV4InHostOrder) {
  constexpr IpAddr kAddr = IpAddr::v4(0x0a000001);
  static_assert(kAddr.is_v4() && kAddr.to_v4() == 0x0a000001);
  EXPECT_EQ(kAddr.bytes(),
            (std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}));
  EXPECT_TRUE(ip("::fffe:10.0.0.1").is_v6());
  EXPECT_TRUE(ip("::1:ffff:10.0.0.1").is_v6());
  EXPECT_TRUE(ip("1::ffff:10.0.0.1").is_v6());
  EXPECT_TRUE(ip("::10.0.0.1").is_v6());
}

TEST(IpAddr, KnowsItsKind) {
  EXPECT_TRUE(ip("0.0.0.0").is_any());
  EXPECT_TRUE(ip("::").is_any());
  EXPECT_FALSE(ip("0.0.0.1").is_any());
  EXPECT_TRUE(ip("127.0.0.1").is_loopback());
  EXPECT_TRUE(ip("127.255.255.254").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_FALSE(ip("1::1").is_loopback());
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
  EXPECT_TRUE(ip("224.0.0.1").is_multicast());
  EXPECT_TRUE(ip("239.255.255.255").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_FALSE(ip("240.0.0.1").is_multicast());
  EXPECT_FALSE(ip("223.255.255.255").is_multicast());
  EXPECT_FALSE(ip("fe80::1").is_multicast());
  EXPECT_TRUE(ip("169.254.1.1").is_link_local());
  EXPECT_TRUE(ip("febf::1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local());
  EXPECT_FALSE(ip("169.253.1.1").is_link_local());
  EXPECT_TRUE(ip("255.255.255.255").is_limited_broadcast());
}

TEST(IpAddr, OrdersByBytes) {
  std::mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    std::array<std::uint8_t, 16> a{};
    std::array<std::uint8_t, 16> b{};
    for (auto& byte : a) byte = static_cast<std::uint8_t>(random());
    b = a;
    if (i % 16 != 0) b[random() % 16] = static_cast<std::uint8_t>(random());
    const int order = std::memcmp(a.data(), b.data(), 16);
    EXPECT_EQ(IpAddr::v6(a) == IpAddr::v6(b), order == 0);
    EXPECT_EQ(IpAddr::v6(a) < IpAddr::v6(b), order < 0);
    EXPECT_EQ(IpAddr::v6(a) > IpAddr::v6(b), order > 0);
  }
}

TEST(Endpoint, Prints) {
  EXPECT_EQ((Endpoint{ip("10.0.0.1"), 80}).to_string(), "10.0.0.1:80");
  EXPECT_EQ((Endpoint{ip("fe80::1"), 65535}).to_string(), "[fe80::1]:65535");
  EXPECT_NE((Endpoint{ip("10.0.0.1"), 80}), (Endpoint{ip("10.0.0.1"), 81}));
  EXPECT_NE((Endpoint{ip("10.0.0.1"), 80}), (Endpoint{ip("10.0.0.2"), 80}));
}

TEST(Prefix, ParsesAndPrints) {
  EXPECT_EQ(Prefix::parse("10.0.0.1/24"), (Prefix{ip("10.0.0.1"), 24}));
  EXPECT_EQ(Prefix::parse("10.0.0.1"), (Prefix{ip("10.0.0.1"), 32}));
  EXPECT_EQ(Prefix::parse("0.0.0.0/0"), (Prefix{ip("0.0.0.0"), 0}));
  EXPECT_EQ(Prefix::parse("fe80::1/64"), (Prefix{ip("fe80::1"), 64}));
  EXPECT_EQ(Prefix::parse("::1"), (Prefix{ip("::1"), 128}));
  EXPECT_EQ(Prefix::parse("10.0.0.1/24")->to_string(), "10.0.0.1/24");
  for (const char* text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8",
        "10.0.0.0/ 8", "fe80::/129", "10.0.0/8", "10.0.0.0/256", "10.0.0.0/4294967304"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Prefix, ContainsByFamily) {
  EXPECT_TRUE(Prefix::parse("10.0.0.0/8")->contains(ip("10.255.0.1")));
  EXPECT_FALSE(Prefix::parse("10.0.0.0/8")->contains(ip("11.0.0.0")));
  EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(ip("255.1.2.3")));
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(ip("::1")));
  EXPECT_FALSE(Prefix::parse("::/0")->contains(ip("1.2.3.4")));
  EXPECT_TRUE(Prefix::parse("::/0")->contains(ip("ffff::")));
  EXPECT_TRUE(Prefix::parse("fe80::/10")->contains(ip("febf::1")));
  EXPECT_FALSE(Prefix::parse("fe80::/10")->contains(ip("fec0::1")));
  EXPECT_TRUE(Prefix::parse("2001:db8::/64")->contains(ip("2001:db8::ffff:0:0:1")));
  EXPECT_FALSE(Prefix::parse("2001:db8::/64")->contains(ip("2001:db8:0:1::1")));
}

// Against bits counted one by one, for every length.
TEST(Prefix, ContainsNetworkAndBroadcastAgreeWithBits) {
  std::mt19937 random(3);
  for (unsigned length = 0; length <= 32; ++length) {
    for (int i = 0; i < 200; ++i) {
      const auto base = static_cast<std::uint32_t>(random());
      // Differs in one random bit.
      const unsigned bit = random() % 32;
      const std::uint32_t other = base ^ (0x80000000U >> bit);
      const Prefix prefix{IpAddr::v4(base), static_cast<std::uint8_t>(length)};
      EXPECT_EQ(prefix.contains(IpAddr::v4(other)), bit >= length);
      std::uint32_t network = 0;
      for (unsigned b = 0; b < length; ++b) network |= base & (0x80000000U >> b);
      EXPECT_EQ(prefix.network(), IpAddr::v4(network));
      const std::uint32_t hosts = length == 32 ? 0 : 0xffffffffU >> length;
      const auto broadcast = prefix.broadcast();
      ASSERT_EQ(broadcast.has_value(), length <= 30);
      if (broadcast) {
        EXPECT_EQ(*broadcast, IpAddr::v4(network | hosts));
      }
    }
  }
}

TEST(Prefix, V6AgreesWithBits) {
  std::mt19937 random(4);
  for (unsigned length = 0; length <= 128; ++length) {
    for (int i = 0; i < 50; ++i) {
      std::array<std::uint8_t, 16> base{0x20};
      for (std::size_t b = 1; b < 16; ++b) base[b] = static_cast<std::uint8_t>(random());
      const unsigned bit = random() % 128;
      auto other = base;
      other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (0x80U >> bit % 8));
      const Prefix prefix{IpAddr::v6(base), static_cast<std::uint8_t>(length)};
      EXPECT_EQ(prefix.contains(IpAddr::v6(other)), bit >= length);
      auto network = base;
      for (unsigned b = length; b < 128; ++b) {
        network[b / 8] = static_cast<std::uint8_t>(network[b / 8] & ~(0x80U >> b % 8));
      }
      EXPECT_EQ(prefix.network(), IpAddr::v6(network));
      EXPECT_FALSE(prefix.broadcast());
    }
  }
}

}  // namespace
}  // namespace naru
