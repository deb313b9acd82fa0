#include "wire/address_policy.hpp"

#include <gtest/gtest.h>

namespace naru::wire {
namespace {

IpAddr ip(std::string_view text) { return IpAddr::parse(text).value(); }

TEST(AddressPolicy, KnowsScopes) {
  EXPECT_EQ(scope_of(ip("fe80::1")), kScopeLinkLocal);
  EXPECT_EQ(scope_of(ip("fe80::1%3")), kScopeLinkLocal);
  EXPECT_EQ(scope_of(ip("::1")), kScopeLinkLocal);
  EXPECT_EQ(scope_of(ip("fec0::1")), kScopeSiteLocal);
  EXPECT_EQ(scope_of(ip("2001:db8::1")), kScopeGlobal);
  EXPECT_EQ(scope_of(ip("fc00::1")), kScopeGlobal);
  EXPECT_EQ(scope_of(ip("ff05::1")), 5);
  EXPECT_EQ(scope_of(ip("169.254.1.1")), kScopeLinkLocal);
  EXPECT_EQ(scope_of(ip("127.0.0.1")), kScopeLinkLocal);
  EXPECT_EQ(scope_of(ip("10.0.0.1")), kScopeGlobal);
}

// The rows of RFC 6724 2.1.
TEST(AddressPolicy, HasTheDefaultTable) {
  const auto row = [](std::string_view text) {
    const AddressPolicy& p = policy_of(ip(text));
    return std::pair<int, int>(p.precedence, p.label);
  };
  EXPECT_EQ(row("::1"), std::pair(50, 0));
  EXPECT_EQ(row("2001:db8::1"), std::pair(40, 1));
  EXPECT_EQ(row("fe80::1"), std::pair(40, 1));
  EXPECT_EQ(row("10.0.0.1"), std::pair(35, 4));
  EXPECT_EQ(row("2002::1"), std::pair(30, 2));
  EXPECT_EQ(row("2001:0::1"), std::pair(5, 5));
  EXPECT_EQ(row("fd00::1"), std::pair(3, 13));
  EXPECT_EQ(row("::1.2.3.4"), std::pair(1, 3));
  EXPECT_EQ(row("fec0::1"), std::pair(1, 11));
  EXPECT_EQ(row("3ffe::1"), std::pair(1, 12));
}

TEST(AddressPolicy, CountsCommonBits) {
  EXPECT_EQ(common_prefix_length(ip("2001:db8::1"), ip("2001:db8::2")), 64U);
  EXPECT_EQ(common_prefix_length(ip("2001:db8:1::"), ip("2001:db8:3::")), 46U);
  EXPECT_EQ(common_prefix_length(ip("8000::"), ip("::")), 0U);
}

}  // namespace
}  // namespace naru::wire
