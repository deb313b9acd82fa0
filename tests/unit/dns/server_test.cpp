// Whole hierarchies: root, top-level domain, authorities and a recursive server on one host,
// and who asks them on another.
#include <gtest/gtest.h>

#include <naru/dns/server.hpp>
#include <naru/resolver/resolver.hpp>

#include "dns/recursor.hpp"
#include "unit/stack/two_hosts.hpp"
#include "zones.hpp"

namespace naru::dns::test {
namespace {

class HierarchyTest : public naru::test::TwoHosts {
 protected:
  HierarchyTest() {
    for (const int last : {10, 11, 12, 13}) {
      EXPECT_TRUE(b->add_address(1, {host(last), 24}));
    }
    advance(10s);
    add_server(10, {kRootZone});
    add_server(11, {kExampleZone});
    add_server(12, {kShopZone, kFarmZone});
    add_server(2, {}, {host(10)});
  }

  static IpAddr host(int last) { return IpAddr::v4(0x0a000000U + static_cast<unsigned>(last)); }
  void add_server(int last, std::vector<std::string_view> texts, std::vector<IpAddr> roots = {}) {
    ServerConfig config{.local = {host(last), 53}, .zones = {}, .roots = std::move(roots)};
    for (const std::string_view text : texts) config.zones.push_back(zone(text));
    b->set_now(now);
    auto server = Server::create(b.stack(), std::move(config), Random::seeded(9));
    ASSERT_TRUE(server);
    servers.push_back(std::move(*server));
  }
  Server& recursive() { return *servers[3]; }

  // Long enough for a question to go from server to server: what they say to each other
  // stays on their host, and can be seen nowhere else.
  void turn(Resolver& resolver) {
    for (int i = 0; i < 100; ++i) {
      settle();
      resolver.poll(now);
      for (const auto& server : servers) server->poll(now);
    }
    settle();
  }
  std::uint64_t all_answered() const {
    std::uint64_t sum = 0;
    for (const auto& server : servers) sum += server->answered();
    return sum;
  }
  NameAnswer ask(std::string_view name, DnsType type = DnsType::a) {
    ResolverConfig config;
    config.servers = {{host(2), 53}};
    a->set_now(now);
    Resolver resolver(a.stack(), config, Random::seeded(++seed_));
    std::optional<NameAnswer> answer;
    resolver.ask(name, type, [&answer](const NameAnswer& told) { answer = told; });
    const Time end = now + 60s;
    for (turn(resolver); !answer && now < end; turn(resolver)) {
      Time next = std::min({a->next_deadline(), b->next_deadline(), resolver.next_deadline()});
      for (const auto& server : servers) next = std::min(next, server->next_deadline());
      now = std::min(end, std::max(now + 1us, next));
    }
    EXPECT_TRUE(answer);
    return answer.value_or(NameAnswer());
  }
  std::string address(std::string_view name) {
    const NameAnswer answer = ask(name);
    if (answer.records.empty()) return std::string(to_string(answer.outcome));
    return std::get<IpAddr>(answer.records[0].data).to_string();
  }
  std::vector<std::uint64_t> answered() const {
    std::vector<std::uint64_t> counts;
    for (const auto& server : servers) counts.push_back(server->answered());
    return counts;
  }
  using Counts = std::vector<std::uint64_t>;

  std::vector<std::unique_ptr<Server>> servers;

 private:
  std::uint64_t seed_ = 0;
};

TEST_F(HierarchyTest, LeadsFromTheRootToTheAnswer) {
  EXPECT_EQ(address("www.shop.example"), "192.0.2.1");
  EXPECT_EQ(answered(), (Counts{1, 1, 1, 1}));
}

TEST_F(HierarchyTest, RemembersWhatItLearnsOnTheWay) {
  EXPECT_EQ(address("www.shop.example"), "192.0.2.1");
  EXPECT_EQ(address("www.shop.example"), "192.0.2.1");
  EXPECT_EQ(answered(), (Counts{1, 1, 1, 2})) << "the answer";
  EXPECT_EQ(address("mail.shop.example"), "192.0.2.3");
  EXPECT_EQ(answered(), (Counts{1, 1, 2, 3})) << "who is in charge";
  now += 301s;
  EXPECT_EQ(address("www.shop.example"), "192.0.2.1");
  EXPECT_EQ(answered(), (Counts{1, 1, 3, 4})) << "for 300 seconds";
}

TEST_F(HierarchyTest, FindsServersThatNobodyGivesTheAddressOf) {
  EXPECT_EQ(address("www.farm.example"), "198.51.100.1");
}

TEST_F(HierarchyTest, FollowsAliasesIntoOtherZones) {
  const NameAnswer answer = ask("away.shop.example");
  EXPECT_EQ(answer.canonical, "www.farm.example");
  ASSERT_EQ(answer.records.size(), 1U);
  EXPECT_EQ(std::get<IpAddr>(answer.records[0].data), IpAddr::v4(198, 51, 100, 1));
}

TEST_F(HierarchyTest, SaysWhatIsMissingAndHowLong) {
  EXPECT_EQ(ask("nobody.shop.example").outcome, NameOutcome::no_such_name);
  EXPECT_EQ(ask("www.shop.example", DnsType::mx).outcome, NameOutcome::no_data);
  EXPECT_EQ(ask("nobody.shop.example").outcome, NameOutcome::no_such_name);
  EXPECT_EQ(answered(), (Counts{1, 1, 2, 3}));
  EXPECT_EQ(ask("www.nowhere").outcome, NameOutcome::no_such_name);
}

TEST_F(HierarchyTest, EndsWhereAliasesGoRound) {
  EXPECT_EQ(ask("loop.shop.example").outcome, NameOutcome::failed);
}

TEST_F(HierarchyTest, FailsWhereAServerIsGone) {
  servers.erase(servers.begin() + 2);
  EXPECT_EQ(ask("www.shop.example").outcome, NameOutcome::failed);
}

TEST_F(HierarchyTest, TakesLongAnswersOverTcp) {
  std::string text = "$ORIGIN farm.example.\n@ SOA ns.shop.example. a 1 2 3 4 5\n";
  for (int i = 0; i < 300; ++i) text += "many A 192.0.2." + std::to_string(i % 256) + "\n";
  servers.erase(servers.begin() + 2);
  add_server(12, {kShopZone, text});
  EXPECT_EQ(ask("many.farm.example").records.size(), 100U) << "as many as a resolver takes";
}

TEST_F(HierarchyTest, DoesNotRecurseForWhoDoesNotAskForIt) {
  ResolverConfig config;
  config.servers = {{host(10), 53}};
  config.attempts = 1;
  // The root knows who knows, and no more.
  Resolver resolver(a.stack(), config, Random::seeded(1));
  std::optional<NameAnswer> answer;
  resolver.ask("www.shop.example", DnsType::a, [&](const NameAnswer& told) { answer = told; });
  for (int i = 0; i < 100 && !answer; ++i) turn(resolver);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->outcome, NameOutcome::failed);
  EXPECT_EQ(answered(), (Counts{1, 0, 0, 0}));
}

// Every name of a farm of servers without addresses leads to more of them: the search ends.
TEST_F(HierarchyTest, AsksNoMoreThanItsBoundForOneName) {
  std::string text = "$ORIGIN farm.example.\n@ SOA ns.shop.example. a 1 2 3 4 5\n";
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 20; ++j) {
      text += "z" + std::to_string(i) + " NS ns.z" + std::to_string((i * 7 + j + 1) % 50) +
              ".farm.example.\n";
    }
  }
  servers.erase(servers.begin() + 2);
  add_server(12, {kShopZone, text});
  EXPECT_EQ(ask("www.z0.farm.example").outcome, NameOutcome::failed);
  EXPECT_LE(all_answered(), 40U);
}

TEST(Memory, ForgetsFirstWhatEndsFirst) {
  Memory<int> memory(3);
  const auto key = [](std::string_view name) {
    return memory_key(*wire::DnsName::parse(name), DnsType::a);
  };
  memory.store(key("a"), 1, Time(10s));
  memory.store(key("b"), 2, Time(5s));
  memory.store(key("c"), 3, Time(20s));
  memory.store(key("d"), 4, Time(15s));
  EXPECT_EQ(memory.size(), 3U);
  EXPECT_EQ(memory.find(key("b"), Time(1s)), nullptr);
  EXPECT_EQ(*memory.find(key("A"), Time(9s)), 1);
  EXPECT_EQ(memory.find(key("a"), Time(10s)), nullptr);
  memory.store(key("d"), 5, Time(30s));
  EXPECT_EQ(memory.size(), 3U);
  EXPECT_EQ(*memory.find(key("d"), Time(29s)), 5);
}

}  // namespace
}  // namespace naru::dns::test
