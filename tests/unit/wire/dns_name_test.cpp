// Names: how they are written, and how they are read out of hostile messages.
#include <gtest/gtest.h>

#include <naru/wire/dns_name.hpp>

#include "dsl/checks.hpp"
#include "hex.hpp"

namespace naru::wire::test {
namespace {

using naru::test::Buffer;
using naru::test::hex;

// A header of twelve bytes, then `names`.
Buffer message(std::string_view names) {
  Buffer bytes(12);
  const Buffer more = hex(names);
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

std::optional<DnsName> read(const Buffer& bytes, std::size_t at) {
  return DnsName::read(bytes, at);
}

TEST(DnsNameTest, IsWrittenAsInZoneFiles) {
  for (const std::string_view text :
       {"www.example.com", "a", "_sip._tcp.example.com", "xn--p1ai"}) {
    const auto name = DnsName::parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->to_string(), text);
    EXPECT_EQ(DnsName::parse(std::string(text) + '.'), name);
  }
  EXPECT_EQ(DnsName::parse(".")->to_string(), ".");
  EXPECT_TRUE(DnsName::parse(".")->is_root());
}

TEST(DnsNameTest, KeepsBytesThatWouldMeanSomethingElse) {
  NARU_CHECKS("DNS-004");
  const auto name = DnsName::parse(R"(a\.b.c\000d.\\e.f\032g)");
  ASSERT_TRUE(name);
  EXPECT_EQ(Buffer(name->wire().begin(), name->wire().end()),
            hex("03 612e62 03 630064 02 5c65 03 662067 00"));
  EXPECT_EQ(name->to_string(), R"(a\.b.c\000d.\\e.f\032g)");
  EXPECT_FALSE(name->is_host_name());
}

TEST(DnsNameTest, RefusesWhatIsNoName) {
  NARU_CHECKS("DNS-001");
  const std::string label(63, 'x');
  EXPECT_TRUE(DnsName::parse(label));
  EXPECT_FALSE(DnsName::parse(label + 'x'));
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'y');
  EXPECT_EQ(DnsName::parse(longest)->wire().size(), DnsName::kMaxSize);
  EXPECT_FALSE(DnsName::parse(longest + 'y'));
  EXPECT_FALSE(DnsName::parse(longest + ".y"));
  for (const std::string_view text : {"", "..", ".a", "a..b", R"(a\)", R"(a\25)", R"(a\256)"}) {
    EXPECT_FALSE(DnsName::parse(text)) << text;
  }
}

TEST(DnsNameTest, ComparesWithoutCase) {
  EXPECT_EQ(*DnsName::parse("WWW.Example.COM"), *DnsName::parse("www.eXample.com"));
  EXPECT_NE(*DnsName::parse("www.example.com"), *DnsName::parse("www.example.org"));
  // Only letters: '@' and '`' differ in the same bit.
  EXPECT_NE(*DnsName::parse("@"), *DnsName::parse("`"));
  EXPECT_EQ(DnsName::parse("WWW.Example")->folded().to_string(), "www.example");
}

TEST(DnsNameTest, KnowsWhatLiesAboveIt) {
  const DnsName name = *DnsName::parse("www.Example.com");
  EXPECT_EQ(name.parent(), *DnsName::parse("example.com"));
  EXPECT_EQ(name.label_count(), 3U);
  EXPECT_TRUE(name.is_in(*DnsName::parse("example.COM")));
  EXPECT_TRUE(name.is_in(name));
  EXPECT_TRUE(name.is_in(DnsName()));
  EXPECT_FALSE(name.is_in(*DnsName::parse("ample.com")));
  EXPECT_FALSE(name.is_in(*DnsName::parse("a.www.example.com")));
  EXPECT_EQ(DnsName().parent(), DnsName());
  EXPECT_EQ(DnsName::parse("www")->in(*DnsName::parse("example.com")), name);
  const std::string label(63, 'x');
  const DnsName big = *DnsName::parse(label + '.' + label + '.' + label);
  EXPECT_FALSE(big.in(*DnsName::parse(label)));
}

TEST(DnsNameTest, FollowsPointersToEarlierNames) {
  // "www.de" at 12, "a" and a pointer to 16 ("de") at 20, a pointer to 20 at 24.
  const Buffer bytes = message("03 777777 02 6465 00  01 61 c010  c014");
  std::size_t at = 20;
  EXPECT_EQ(DnsName::read(bytes, at)->to_string(), "a.de");
  EXPECT_EQ(at, 24U);
  EXPECT_EQ(DnsName::read(bytes, at)->to_string(), "a.de");
  EXPECT_EQ(at, 26U);
}

TEST(DnsNameTest, RefusesPointersThatDoNotLeadBack) {
  NARU_CHECKS("DNS-002");
  EXPECT_FALSE(read(message("c00c"), 12)) << "itself";
  EXPECT_FALSE(read(message("01 61 c00c"), 12)) << "the name that it ends";
  EXPECT_FALSE(read(message("c00e 00"), 12)) << "forward";
  EXPECT_FALSE(read(message("c00e c00c"), 12)) << "each other";
  EXPECT_FALSE(read(message("c00e c00c"), 14)) << "each other";
  EXPECT_FALSE(read(message("01 61 00 c000"), 15)) << "the header";
  EXPECT_FALSE(read(message("01 61 00 c00b"), 15)) << "the header";
  EXPECT_FALSE(read(message("ffff"), 12)) << "behind the end";
  EXPECT_FALSE(read(message("01 61 00 c0"), 15)) << "half a pointer";
}

TEST(DnsNameTest, FollowsNoChainThatWouldMakeALongName) {
  NARU_CHECKS("DNS-002", "DNS-003");
  // "x", then "x" and a pointer to the one before, again and again: 127 labels is a name's
  // most, each hop adds one.
  Buffer bytes = message("01 78 00");
  std::size_t last = 12;
  for (int hops = 1; hops <= 200; ++hops) {
    const std::size_t at = bytes.size();
    bytes.insert(bytes.end(), {1, 'x', static_cast<std::uint8_t>(0xc0U | last >> 8U),
                               static_cast<std::uint8_t>(last)});
    EXPECT_EQ(read(bytes, at).has_value(), hops < 127) << hops;
    last = at;
  }
}

TEST(DnsNameTest, RefusesOtherKindsOfLabels) {
  NARU_CHECKS("DNS-001");
  EXPECT_FALSE(read(message("41 61 00"), 12));
  EXPECT_FALSE(read(message("81 61 00"), 12));
}

TEST(DnsNameTest, ReadsNothingBehindTheEnd) {
  NARU_CHECKS("DNS-002");
  const Buffer bytes = message("03 777777 02 6465 00");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(read(naru::test::cut(bytes, size), 12)) << size;
  }
  EXPECT_TRUE(read(bytes, 12));
}

}  // namespace
}  // namespace naru::wire::test
