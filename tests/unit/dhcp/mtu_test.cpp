// How long the packets of an interface are, by its lease (RFC 2132 5.1).
#include <gtest/gtest.h>

#include <naru/dhcp/client.hpp>

#include "dsl/checks.hpp"
#include "unit/stack/two_hosts.hpp"

namespace naru::dhcp::test {
namespace {

constexpr std::uint32_t kLink = 1500;

class TakeMtu : public naru::test::TwoHosts {
 protected:
  std::optional<std::uint32_t> take(std::uint16_t said) {
    Lease lease;
    lease.mtu = said;
    return take_mtu(a.stack(), 1, lease, kLink);
  }
};

TEST_F(TakeMtu, IsTheLeasesAndAtMostTheLinks) {
  EXPECT_EQ(take(1400), 1400);
  EXPECT_EQ(take(9000), kLink);
  EXPECT_EQ(take(576), 576);
  EXPECT_EQ(take(0), kLink) << "the lease says nothing any more";
}

TEST_F(TakeMtu, LeavesIPv6WhatItNeeds) {
  ASSERT_TRUE(a->add_address(1, *Prefix::parse("fe80::a/64")));
  EXPECT_EQ(take(1279), std::nullopt);
  EXPECT_EQ(take(1280), 1280);
}

}  // namespace
}  // namespace naru::dhcp::test
