// resolv.conf(5) and hosts(5), well written and not.
#include <gtest/gtest.h>

#include <naru/resolver/config.hpp>

#include "dsl/checks.hpp"

namespace naru::resolver::test {
namespace {

TEST(ResolvConfTest, IsReadAsItsManualSays) {
  const auto config = ResolverConfig::parse(
      "# a comment\n"
      "nameserver 192.0.2.1\n"
      "nameserver 2001:db8::1  # another\n"
      "domain first.example\n"
      "search one.example two.example\n"
      "options ndots:2 timeout:3 attempts:4 rotate\n");
  ASSERT_EQ(config.servers.size(), 2U);
  EXPECT_EQ(config.servers[0].to_string(), "192.0.2.1:53");
  EXPECT_EQ(config.servers[1].to_string(), "[2001:db8::1]:53");
  EXPECT_EQ(config.search, (std::vector<std::string>{"one.example", "two.example"}));
  EXPECT_EQ(config.ndots, 2U);
  EXPECT_EQ(config.timeout, 3s);
  EXPECT_EQ(config.attempts, 4U);
}

TEST(ResolvConfTest, LivesWithWhatMakesNoSense) {
  NARU_CHECKS("DNS-030");
  const auto config = ResolverConfig::parse(
      "nameserver\r\nnameserver 192.0.2.1\r\nnameserver 192.0.2.999\nnonsense\n\n   \n"
      "options ndots: ndots:x ndots:-1 timeout:0 attempts:0 timeout:999999999999\n"
      "options attempts:99 ndots:99\nsearch a.example");
  ASSERT_EQ(config.servers.size(), 1U);
  EXPECT_EQ(config.servers[0].addr, IpAddr::v4(192, 0, 2, 1));
  EXPECT_EQ(config.ndots, 15U);
  EXPECT_EQ(config.timeout, 1s);
  EXPECT_EQ(config.attempts, 5U);
  EXPECT_EQ(config.search, std::vector<std::string>{"a.example"});
}

TEST(ResolvConfTest, HasBounds) {
  NARU_CHECKS("DNS-030");
  std::string text = "search";
  for (int i = 0; i < 10'000; ++i) text += " d" + std::to_string(i);
  text += '\n';
  for (int i = 0; i < 10'000; ++i) text += "nameserver 192.0.2.1\n";
  text += std::string(1'000'000, 'x');
  const auto config = ResolverConfig::parse(text);
  EXPECT_EQ(config.servers.size(), ResolverConfig::kMaxServers);
  EXPECT_EQ(config.search.size(), ResolverConfig::kMaxSearch);
}

TEST(HostsFileTest, IsReadAsItsManualSays) {
  const auto hosts = HostsFile::parse(
      "127.0.0.1\tlocalhost\n"
      "192.0.2.1 www.example www # the server\n"
      "192.0.2.2 www\n"
      "2001:db8::1 www\n");
  EXPECT_EQ(hosts.addresses_of("WWW").size(), 3U);
  EXPECT_EQ(hosts.addresses_of("www.example."), std::vector<IpAddr>{IpAddr::v4(192, 0, 2, 1)});
  EXPECT_TRUE(hosts.addresses_of("server").empty());
  EXPECT_EQ(hosts.name_of(IpAddr::v4(192, 0, 2, 1)), "www.example");
  EXPECT_EQ(hosts.name_of(IpAddr::v4(192, 0, 2, 9)), "");
}

TEST(HostsFileTest, LivesWithWhatMakesNoSense) {
  NARU_CHECKS("DNS-030");
  const auto hosts =
      HostsFile::parse(std::string(1'000'000, 'x') + "\n1.2.3 a\n\r\n192.0.2.1 b\r\n" +
                       "192.0.2.2\n#192.0.2.3 c\n192.0.2.4 d");
  EXPECT_TRUE(hosts.addresses_of("a").empty());
  EXPECT_EQ(hosts.addresses_of("b").size(), 1U);
  EXPECT_TRUE(hosts.addresses_of("c").empty());
  EXPECT_EQ(hosts.addresses_of("d").size(), 1U);
}

TEST(HostsFileTest, HasABound) {
  NARU_CHECKS("DNS-030");
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "192.0.2.1 n" + std::to_string(i) + '\n';
  const auto hosts = HostsFile::parse(text);
  EXPECT_FALSE(hosts.addresses_of("n65535").empty());
  EXPECT_TRUE(hosts.addresses_of("n65536").empty());
}

}  // namespace
}  // namespace naru::resolver::test
