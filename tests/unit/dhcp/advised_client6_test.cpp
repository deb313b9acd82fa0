// What routers say of DHCPv6, and what a host makes of it (RFC 4861 4.2, RFC 4862 5.2).
#include <naru/dhcp/advised_client6.hpp>

#include "client6.hpp"

namespace naru::dhcp::test {
namespace {

class AdvisedClient6Test : public Client6Test {
 protected:
  AdvisedClient6Test() {
    EXPECT_TRUE(b->set_option(Option::ip_forwarding, 1));
    a->set_now(now);
    EXPECT_TRUE(a->set_autoconf(1, true));
    advice.prefixes.push_back({.prefix = *Prefix::parse("2001:db8:1::/64")});
    advice.router_lifetime = 9000s;
  }
  void advise() {
    b->set_now(now);
    EXPECT_TRUE(b->advertise(1, advice));
  }
  void begin(bool wants_address) {
    config = {.mac = wire.a().mac(), .wants_address = wants_address};
    advised.emplace(a.stack(), config, Random::seeded(5), [this] { ++changes; });
  }
  void pass(Duration duration) {
    const Time end = now + duration;
    while (now < end) {
      advised->poll(now);
      settle();
      listen();
      settle();
      const Time next =
          std::min({a->next_deadline(), b->next_deadline(), advised->next_deadline(), now + 100ms});
      now = std::min(end, std::max(now + 1us, next));
    }
    advised->poll(now);
  }

  RouterAdvertising advice;
  Client6Config config;
  std::optional<AdvisedClient6> advised;
  int changes = 0;
};

TEST_F(AdvisedClient6Test, AsksForNothingWithoutAdvice) {
  NARU_CHECKS("DHC-039");
  begin(false);
  advise();
  pass(60s);
  EXPECT_TRUE(heard.empty());
  EXPECT_TRUE(advised->is_ready(now));
  EXPECT_TRUE(advised->is_quiet());
  EXPECT_TRUE(advice.prefixes[0].prefix.contains(advised->address()->addr));
}

TEST_F(AdvisedClient6Test, AsksForNamesWhereOtherThingsAreToBeHad) {
  NARU_CHECKS("DHC-039");
  advice.has_other_config = true;
  begin(false);
  advise();
  pass(60s);
  EXPECT_EQ(types(), Types{Dhcp6Type::information_request});
  EXPECT_EQ(advised->names()->name_servers, std::vector{kNames});
  EXPECT_TRUE(advice.prefixes[0].prefix.contains(advised->address()->addr));
}

TEST_F(AdvisedClient6Test, WaitsAMomentForNames) {
  advice.has_other_config = true;
  answer = {};
  begin(false);
  advise();
  while (!advised->address()) pass(100ms);
  EXPECT_FALSE(advised->is_ready(now));
  pass(5s);
  EXPECT_TRUE(advised->is_ready(now));
  EXPECT_FALSE(advised->names());
}

TEST_F(AdvisedClient6Test, WaitsAMomentForARouter) {
  begin(true);
  while (!advised->address()) pass(100ms);
  pass(2s);
  EXPECT_FALSE(advised->is_ready(now)) << "a lease tells of no way";
  advise();
  pass(1s);
  EXPECT_TRUE(advised->is_ready(now));
}

TEST_F(AdvisedClient6Test, DoesWithoutARouter) {
  begin(true);
  while (!advised->address()) pass(100ms);
  pass(5s);
  EXPECT_TRUE(advised->is_ready(now));
}

TEST_F(AdvisedClient6Test, AsksForAnAddressWhereTheyAreManaged) {
  NARU_CHECKS("DHC-039");
  advice.is_managed = true;
  advice.prefixes[0].is_autonomous = false;
  begin(false);
  advise();
  pass(60s);
  EXPECT_EQ(types(), (Types{Dhcp6Type::solicit, Dhcp6Type::request}));
  EXPECT_EQ(advised->address()->addr, kAddress);
  EXPECT_TRUE(advised->is_ready(now));
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
  // Whatever they say later, the lease lasts as long as it was said.
  advice.is_managed = false;
  advise();
  pass(60s);
  EXPECT_EQ(advised->address()->addr, kAddress);
  heard.clear();
  advised->release(now);
  pass(60s);
  EXPECT_EQ(types(), Types{Dhcp6Type::release});
  EXPECT_FALSE(a->address_state(kAddress));
}

TEST_F(AdvisedClient6Test, HearsOfTheFlagsLater) {
  NARU_CHECKS("DHC-039");
  advice.has_other_config = true;
  begin(false);
  advise();
  pass(60s);
  advice.is_managed = true;
  advise();
  pass(60s);
  EXPECT_EQ(types(),
            (Types{Dhcp6Type::information_request, Dhcp6Type::solicit, Dhcp6Type::request}));
  EXPECT_EQ(advised->address()->addr, kAddress);
}

TEST_F(AdvisedClient6Test, AsksUnadvisedWhereItMust) {
  begin(true);
  pass(60s);
  EXPECT_EQ(types(), (Types{Dhcp6Type::solicit, Dhcp6Type::request}));
  EXPECT_EQ(advised->address()->addr, kAddress);
  EXPECT_GE(changes, 1);
}

TEST_F(AdvisedClient6Test, HasNoOtherAddressWhereItMust) {
  answer = {};
  begin(true);
  advise();
  pass(60s);
  EXPECT_FALSE(a->learned_ipv6(1).addresses.empty());
  EXPECT_FALSE(advised->address());
  EXPECT_FALSE(advised->is_ready(now));
}

}  // namespace
}  // namespace naru::dhcp::test
