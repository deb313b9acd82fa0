// Which of our addresses a destination sees (RFC 6724 5).
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"

namespace naru::ip::test {
namespace {

class SourceSelection : public ::testing::Test {
 protected:
  SourceSelection() {
    EXPECT_EQ(host.ip.add_interface("eth1", mac(9), 1500, host.now), 2);
    EXPECT_TRUE(
        host.ip.add_route({.prefix = prefix("::/0"), .gateway = {}, .source = {}, .interface = 1}));
  }
  void add(std::string_view address, std::uint8_t interface = 1) {
    EXPECT_TRUE(host.ip.add_address(interface, prefix(address), host.now)) << address;
  }
  std::string source_for(std::string_view destination) {
    const auto to = host.ip.destination(ip(destination), IpAddr(), host.now);
    return to ? host.ip.at(*to).source.to_string() : "none";
  }

  Host host;
};

// The examples of RFC 6724 10.1 that need no state of addresses.
TEST_F(SourceSelection, PrefersTheAppropriateScope) {
  NARU_CHECKS("IP6-032");
  add("fe80::1/64");
  EXPECT_EQ(source_for("2001:db8:1::1"), "fe80::1%1") << "better than nothing";
  add("2001:db8:3::1/64");
  EXPECT_EQ(source_for("2001:db8:1::1"), "2001:db8:3::1");
  EXPECT_EQ(source_for("ff05::1"), "2001:db8:3::1");
  EXPECT_EQ(source_for("ff02::1"), "fe80::1%1");
  EXPECT_EQ(source_for("fe80::9%1"), "fe80::1%1");
}

TEST_F(SourceSelection, PrefersTheSameAddress) {
  NARU_CHECKS("IP6-032");
  add("2001:db8:3::1/64");
  add("2001:db8:4::1/64");
  EXPECT_EQ(source_for("2001:db8:4::1"), "2001:db8:4::1");
}

TEST_F(SourceSelection, PrefersTheOutgoingInterface) {
  NARU_CHECKS("IP6-032");
  add("2001:db8:1::1/64", 2);
  add("2001:db8:3::1/64", 1);
  EXPECT_EQ(source_for("2001:db8:1:1::9"), "2001:db8:3::1");
}

TEST_F(SourceSelection, PrefersTheSameLabel) {
  NARU_CHECKS("IP6-032");
  add("2002:c633:6401::1/64");
  add("2001:db8:1::2/64");
  EXPECT_EQ(source_for("2002:c633:6402::1"), "2002:c633:6401::1");
  EXPECT_EQ(source_for("2001:db8:9::1"), "2001:db8:1::2");
  add("fd00:1::1/64");
  EXPECT_EQ(source_for("fd00:2::1"), "fd00:1::1");
}

TEST_F(SourceSelection, PrefersTheLongestMatch) {
  NARU_CHECKS("IP6-032");
  add("2001:db8:1::2/64");
  add("2001:db8:3::2/64");
  EXPECT_EQ(source_for("2001:db8:1:9::1"), "2001:db8:1::2");
  EXPECT_EQ(source_for("2001:db8:3:9::1"), "2001:db8:3::2");
}

TEST_F(SourceSelection, NoOtherLinkLendsItsLinkLocalAddress) {
  add("fe80::2/64", 2);
  EXPECT_EQ(source_for("2001:db8:1::1"), "none");
}

TEST_F(SourceSelection, TheSameLinkLocalAddressMayBeOnTwoLinks) {
  NARU_CHECKS("IP6-006");
  add("fe80::1/64", 1);
  add("fe80::1/64", 2);
  const auto one = host.ip.destination(ip("fe80::9%1"), IpAddr(), host.now);
  const auto two = host.ip.destination(ip("fe80::9%2"), IpAddr(), host.now);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(host.ip.at(*one).interface, 1);
  EXPECT_EQ(host.ip.at(*two).interface, 2);
}

}  // namespace
}  // namespace naru::ip::test
