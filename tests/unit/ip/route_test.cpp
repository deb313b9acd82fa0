// The routing table against a naive oracle.
#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"

namespace naru::ip::test {
namespace {

class RouteTest : public ::testing::Test {
 protected:
  RouteTest() : mapping(*ArenaMapping::map_private(std::size_t{256} << 20U)) {
    context.options = &options;
    context.random = &random;
    context.key = {1, 2};
    EXPECT_TRUE(table.init(mapping.arena(), context, 200'000));
  }

  const Route* lookup(const IpAddr& addr) {
    return table.lookup(addr, [](const Route&) { return RouteTable::Rank::good; });
  }
  static std::uint32_t mask(unsigned length) {
    return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  }
  static Route route(std::uint32_t addr, unsigned length, std::uint32_t metric = 0,
                     std::uint8_t interface = 1) {
    return {.prefix = {IpAddr::v4(addr), static_cast<std::uint8_t>(length)},
            .gateway = {},
            .source = {},
            .metric = metric,
            .interface = interface};
  }

  ArenaMapping mapping;
  Options options;
  Random random = Random::seeded(3);
  Context context;
  RouteTable table;
};

TEST_F(RouteTest, AgreesWithANaiveTable) {
  NARU_CHECKS("IP4-040");
  struct Entry {
    std::uint32_t network;
    unsigned length;
    bool live;
  };
  std::vector<Entry> naive;
  const auto oracle = [&](std::uint32_t addr) {
    int best = -1;
    for (const Entry& e : naive) {
      if (e.live && (addr & mask(e.length)) == e.network) best = std::max(best, int(e.length));
    }
    return best;
  };
  // Few bits of variety, so that prefixes nest in each other.
  const auto random_addr = [&] { return 0x0a000000U | (random.next_u32() & 0x00ff03ffU); };
  while (naive.size() < 100'000) {
    const unsigned length = random.below(33);
    const std::uint32_t network =
        (naive.size() % 2 == 0 ? random_addr() : random.next_u32()) & mask(length);
    naive.push_back({network, length, table.add(route(network, length), false).has_value()});
  }
  for (std::size_t i = 0; i < naive.size(); i += 3) {
    Entry& e = naive[i];
    if (!e.live) continue;
    ASSERT_TRUE(table.remove(route(e.network, e.length), false));
    e.live = false;
  }
  for (int i = 0; i < 2'000; ++i) {
    const std::uint32_t addr = i % 2 == 0 ? random_addr() : random.next_u32();
    const Route* found = lookup(IpAddr::v4(addr));
    EXPECT_EQ(found == nullptr ? -1 : found->prefix.length, oracle(addr));
    if (found != nullptr) {
      EXPECT_TRUE(found->prefix.contains(IpAddr::v4(addr)));
    }
  }
}

TEST_F(RouteTest, PrefersLongThenCheapThenOld) {
  NARU_CHECKS("IP4-040");
  const IpAddr addr = ip("10.1.2.3");
  EXPECT_EQ(lookup(addr), nullptr);
  ASSERT_TRUE(table.add(route(0, 0, 0, 9), false));
  EXPECT_EQ(lookup(addr)->interface, 9);
  ASSERT_TRUE(table.add(route(0x0a000000, 8, 20, 1), false));
  ASSERT_TRUE(table.add(route(0x0a000000, 8, 10, 2), false));
  ASSERT_TRUE(table.add(route(0x0a000000, 8, 10, 3), false));
  EXPECT_EQ(lookup(addr)->interface, 2);
  ASSERT_TRUE(table.add(route(0x0a010203, 32, 99, 4), false));
  EXPECT_EQ(lookup(addr)->interface, 4);
  ASSERT_TRUE(table.remove(route(0x0a010203, 32, 0, 4), false));
  ASSERT_TRUE(table.remove(route(0x0a000000, 8, 0, 2), false));
  EXPECT_EQ(lookup(addr)->interface, 3);
  EXPECT_EQ(table.add(route(0x0a000001, 8, 5, 3), false).error(), Error::address_in_use);
  EXPECT_EQ(table.remove(route(0x0b000000, 8), false).error(), Error::not_found);
  EXPECT_EQ(table.add(route(0, 33), false).error(), Error::invalid);
}

TEST_F(RouteTest, KeepsTheFamiliesApart) {
  NARU_CHECKS("IP4-040");
  ASSERT_TRUE(
      table.add({.prefix = prefix("::/0"), .gateway = {}, .source = {}, .interface = 6}, false));
  ASSERT_TRUE(table.add(
      {.prefix = prefix("2001:db8::/32"), .gateway = {}, .source = {}, .interface = 7}, false));
  EXPECT_EQ(lookup(ip("2001:db8:1::1"))->interface, 7);
  EXPECT_EQ(lookup(ip("2001:db9::1"))->interface, 6);
  ASSERT_TRUE(table.add(route(0, 0, 0, 4), false));
  EXPECT_EQ(lookup(ip("10.0.0.1"))->interface, 4);
}

TEST_F(RouteTest, TakesALastResortBeforeAShorterPrefix) {
  ASSERT_TRUE(table.add(route(0, 0, 0, 9), false));
  ASSERT_TRUE(table.add(route(0x0a000000, 8, 1, 1), false));
  ASSERT_TRUE(table.add(route(0x0a000000, 8, 2, 2), false));
  const auto with_bad = [&](std::uint8_t bad, RouteTable::Rank rank) {
    return table
        .lookup(ip("10.0.0.1"),
                [&](const Route& r) { return r.interface <= bad ? rank : RouteTable::Rank::good; })
        ->interface;
  };
  EXPECT_EQ(with_bad(0, RouteTable::Rank::no), 1);
  EXPECT_EQ(with_bad(1, RouteTable::Rank::last_resort), 2);
  EXPECT_EQ(with_bad(2, RouteTable::Rank::last_resort), 1);
  EXPECT_EQ(with_bad(2, RouteTable::Rank::no), 9);
}

}  // namespace
}  // namespace naru::ip::test
