// Addresses that a host makes itself (RFC 4862 5.5, RFC 7217, RFC 8981).
#include <gtest/gtest.h>

#include "autoconf_net.hpp"
#include "dsl/checks.hpp"

namespace naru::ip::test {
namespace {

using wire::Icmpv6Type;

class Autoconf : public ::testing::Test, public AutoconfNet {
 protected:
  explicit Autoconf(Options options = {{Option::ndp_dad_transmits, 0}})
      : AutoconfNet(std::move(options)) {}

  std::optional<AddressInfo> info(const IpAddr& addr) {
    std::optional<AddressInfo> found;
    host.ip.for_each_address([&](const AddressInfo& a) {
      if (a.prefix.addr == addr) found = a;
    });
    return found;
  }
};

TEST_F(Autoconf, MakesAnAddressOfAPrefix) {
  NARU_CHECKS("IC6-031", "IC6-034");
  receive(says_prefix("2001:db8:1::/64"));
  const IpAddr made = address();
  EXPECT_TRUE(prefix("2001:db8:1::/64").contains(made));
  EXPECT_TRUE(host.ip.is_local(made));
  EXPECT_EQ(source_for("2001:db8:9::1"), made);
  receive(says_prefix("2001:db8:1::/64"));
  EXPECT_EQ(address(), made) << "once";
}

TEST_F(Autoconf, MakesNoneWhereItMayNot) {
  NARU_CHECKS("IC6-031");
  receive(says_prefix("2001:db8:1::/64", 86'400, 14'400, true, false));
  EXPECT_EQ(address(), IpAddr()) << "not autonomous";
  receive(says_prefix("fe80::/64"));
  EXPECT_EQ(address(), IpAddr()) << "link-local";
  receive(says_prefix("2001:db8:1::/64", 3'600, 3'601));
  EXPECT_EQ(address(), IpAddr()) << "preferred for longer than valid";
  receive(says_prefix("2001:db8:1::/64", 0, 0));
  EXPECT_EQ(address(), IpAddr()) << "over already";
  for (const auto* wrong : {"2001:db8:1::/63", "2001:db8:1::/65", "2001:db8:1::/48", "ff05::/64",
                            "::/64", "2001:db8:1::1/128"}) {
    receive(says_prefix(wrong));
    EXPECT_EQ(address(), IpAddr()) << wrong;
  }
}

TEST_F(Autoconf, NobodyTakesAnAddressAwayAtOnce) {
  NARU_CHECKS("IC6-032");
  receive(says_prefix("2001:db8:1::/64", 86'400, 14'400));
  const IpAddr made = address();
  receive(says_prefix("2001:db8:1::/64", 10, 10));
  host.advance(10s);
  EXPECT_TRUE(host.ip.is_local(made));
  EXPECT_TRUE(info(made)->is_deprecated) << "the preferred lifetime is as said";
  host.advance(2h - 11s);
  EXPECT_TRUE(host.ip.is_local(made));
  host.advance(1s);
  EXPECT_FALSE(info(made)) << "but in two hours";
}

TEST_F(Autoconf, LessThanTwoHoursAreNotMadeLess) {
  NARU_CHECKS("IC6-032");
  receive(says_prefix("2001:db8:1::/64", 3'600, 3'600));
  const IpAddr made = address();
  receive(says_prefix("2001:db8:1::/64", 10, 10));
  host.advance(3'599s);
  EXPECT_TRUE(host.ip.is_local(made));
  host.advance(1s);
  EXPECT_FALSE(info(made));
  receive(says_prefix("2001:db8:1::/64", 3'600, 3'600));
  receive(says_prefix("2001:db8:1::/64", 5'400, 3'600));
  host.advance(5'399s);
  EXPECT_TRUE(host.ip.is_local(made)) << "but more";
}

TEST_F(Autoconf, IsDeprecatedFirstAndThenGone) {
  NARU_CHECKS("IC6-033");
  receive(says_prefix("2001:db8:1::/64", 7'200, 3'600));
  const IpAddr first = address();
  receive(says_prefix("2001:db8:2::/64", 86'400, 86'400));
  ASSERT_EQ(addresses().size(), 2U);
  const IpAddr second = addresses()[1].prefix.addr;
  EXPECT_EQ(source_for("2001:db8:1::9"), first);
  const auto bound = host.ip.destination(ip("2001:db8:1::9"), first, host.now);
  ASSERT_TRUE(bound);
  host.advance(3'600s);
  EXPECT_TRUE(info(first)->is_deprecated);
  EXPECT_EQ(source_for("2001:db8:1::9"), second) << "not for new connections";
  receive(says());
  EXPECT_TRUE(host.ip.destination(ip("2001:db8:1::9"), first, host.now)) << "but for old ones";
  EXPECT_TRUE(host.ip.is_local(first));
  host.advance(3'600s);
  EXPECT_FALSE(info(first));
  receive(says());
  EXPECT_EQ(host.ip.destination(ip("2001:db8:1::9"), first, host.now).error(),
            Error::address_not_available);
}

TEST_F(Autoconf, ADeprecatedOneIsPreferredAgainWhenARouterSaysSo) {
  NARU_CHECKS("IC6-033");
  receive(says_prefix("2001:db8:1::/64", 86'400, 60));
  host.advance(60s);
  EXPECT_TRUE(info(address())->is_deprecated);
  receive(says_prefix("2001:db8:1::/64", 86'400, 60));
  EXPECT_FALSE(info(address())->is_deprecated);
  host.advance(60s);
  EXPECT_TRUE(info(address())->is_deprecated);
}

TEST_F(Autoconf, WithoutAnEndItStays) {
  receive(says_prefix("2001:db8:1::/64", 0xffff'ffff, 0xffff'ffff));
  const IpAddr made = address();
  host.advance(10 * 365 * 24h);
  EXPECT_TRUE(host.ip.is_local(made));
  EXPECT_FALSE(info(made)->is_deprecated);
}

TEST_F(Autoconf, TheSamePrefixBringsTheSameAddress) {
  NARU_CHECKS("IC6-034");
  receive(says_prefix("2001:db8:1::/64", 60, 60));
  const IpAddr first = address();
  host.advance(61s);
  EXPECT_EQ(address(), IpAddr());
  receive(says_prefix("2001:db8:2::/64", 60, 60));
  const IpAddr elsewhere = address();
  EXPECT_FALSE(
      std::equal(first.bytes().begin() + 8, first.bytes().end(), elsewhere.bytes().begin() + 8));
  host.advance(61s);
  receive(says_prefix("2001:db8:1::/64", 60, 60));
  EXPECT_EQ(address(), first);
}

TEST(AutoconfSecret, KeepsTheAddressFromOneStartToTheNext) {
  NARU_CHECKS("IC6-034");
  const auto address_with = [](std::uint64_t secret, std::uint64_t seed) {
    AutoconfNet net({{Option::ndp_dad_transmits, 0}});
    net.host.random = Random::seeded(seed);
    net.host.ip.set_stable_secret({secret, secret});
    net.receive(AutoconfNet::says_prefix("2001:db8:1::/64"));
    return net.address();
  };
  EXPECT_EQ(address_with(4711, 0), address_with(4711, 5));
  EXPECT_NE(address_with(4711, 0), address_with(4712, 0));
}

// --- duplicates ----------------------------------------------------------------------------

class AutoconfDad : public Autoconf {
 protected:
  AutoconfDad() : Autoconf({}) {}

  void somebody_has(const IpAddr& addr) {
    receive(ndp(addr, wire::kAllNodes,
                wire::NeighbourAdvertisement{.target = addr, .target_link_layer = kPeerMac}));
  }
};

TEST_F(AutoconfDad, NothingIsUsedUnasked) {
  NARU_CHECKS("IC6-027");
  receive(says_prefix("2001:db8:1::/64"));
  const IpAddr made = address();
  EXPECT_EQ(info(made)->state, AddressState::tentative);
  EXPECT_FALSE(host.ip.is_local(made));
  host.advance(2s);
  EXPECT_EQ(info(made)->state, AddressState::valid);
  std::size_t asked = 0;
  for (const Sent& s : sent(Icmpv6Type::neighbour_solicitation)) {
    asked += wire::NdpView::parse(ipv6_of(s)->payload())->target() == made ? 1U : 0U;
  }
  EXPECT_EQ(asked, 1U);
}

TEST_F(AutoconfDad, WhatSomebodyHasIsMadeUpAnew) {
  NARU_CHECKS("IC6-028", "IC6-034");
  receive(says_prefix("2001:db8:1::/64", 600, 300));
  std::vector<IpAddr> tried;
  for (int i = 0; i < 4; ++i) {
    tried.push_back(address());
    EXPECT_EQ(info(tried.back())->state, AddressState::tentative);
    somebody_has(tried.back());
  }
  EXPECT_EQ(address(), tried.back());
  EXPECT_EQ(info(tried.back())->state, AddressState::conflict);
  std::sort(tried.begin(), tried.end());
  EXPECT_EQ(std::unique(tried.begin(), tried.end()), tried.end());
  host.advance(600s);
  EXPECT_EQ(address(), IpAddr()) << "what cannot be used has an end, too";
}

TEST_F(AutoconfDad, TheNewOneHasTheLifetimesOfTheOld) {
  receive(says_prefix("2001:db8:1::/64", 600, 300));
  somebody_has(address());
  host.advance(300s);
  EXPECT_TRUE(info(address())->is_deprecated);
  host.advance(300s);
  EXPECT_EQ(address(), IpAddr());
}

TEST_F(AutoconfDad, ALifetimeThatEndsMeanwhileEndsIt) {
  receive(says_prefix("2001:db8:1::/64", 1, 1));
  host.advance(3s);
  EXPECT_EQ(address(), IpAddr());
}

// --- temporary addresses -----------------------------------------------------------------------

class TemporaryAddress : public Autoconf {
 protected:
  TemporaryAddress()
      : Autoconf({{Option::ndp_dad_transmits, 0}, {Option::ndp_temporary_addresses, 1}}) {}

  IpAddr preferred() {
    IpAddr found;
    for (const AddressInfo& a : addresses(AddressOrigin::temporary)) {
      if (!a.is_deprecated) found = a.prefix.addr;
    }
    return found;
  }
  // A router that says the same every ten minutes.
  void live(Duration by) {
    for (const Time end = host.now + by; host.now < end;) {
      receive(says_prefix("2001:db8:1::/64", 2'592'000, 604'800));
      host.advance(std::min<Duration>(600s, end - host.now));
      host.take_sent();
    }
  }
};

TEST_F(TemporaryAddress, IsMadeBesidesAndPreferred) {
  NARU_CHECKS("IC6-034", "IP6-032");
  receive(says_prefix("2001:db8:1::/64"));
  const IpAddr temporary = preferred();
  ASSERT_NE(temporary, IpAddr());
  EXPECT_NE(temporary, address());
  EXPECT_EQ(source_for("2001:db8:9::1"), temporary);
}

TEST_F(TemporaryAddress, IsReplacedBeforeItIsDeprecated) {
  NARU_CHECKS("IC6-034");
  live(10min);
  const IpAddr first = preferred();
  const Time made = host.now;
  while (preferred() == first && host.now - made < 48h) live(10min);
  const Duration age = host.now - made;
  EXPECT_GE(age, 14h) << "a day less 40 % at most";
  EXPECT_LE(age, 25h);
  EXPECT_NE(preferred(), IpAddr());
  EXPECT_TRUE(info(first)) << "its connections go on";
  live(48h - age);
  EXPECT_FALSE(info(first)) << "two days, whatever the router says";
  EXPECT_NE(address(), IpAddr());
}

TEST_F(TemporaryAddress, EndsWithItsPrefix) {
  NARU_CHECKS("IC6-034");
  receive(says_prefix("2001:db8:1::/64", 7'200, 3'600));
  const IpAddr temporary = preferred();
  host.advance(3'600s);
  EXPECT_EQ(preferred(), IpAddr());
  EXPECT_TRUE(host.ip.is_local(temporary));
  host.advance(3'600s);
  EXPECT_TRUE(addresses(AddressOrigin::temporary).empty());
}

TEST_F(TemporaryAddress, AreBoundedInNumber) {
  NARU_CHECKS("IC6-035");
  for (int i = 0; i < 40; ++i) {
    receive(says_prefix("2001:db8:" + std::to_string(100 + i) + "::/64"));
  }
  EXPECT_LE(addresses().size() + addresses(AddressOrigin::temporary).size(), 16U);
}

TEST_F(Autoconf, NoneIsTemporaryUnlessItIsAskedFor) {
  receive(says_prefix("2001:db8:1::/64"));
  EXPECT_TRUE(addresses(AddressOrigin::temporary).empty());
}

}  // namespace
}  // namespace naru::ip::test
