// A host that configures itself by what its router says, with sockets.
#include "dsl/bytes.hpp"
#include "dsl/checks.hpp"
#include "two_hosts.hpp"

namespace naru::test {
namespace {

IpAddr addr(std::string_view text) { return IpAddr::parse(text).value(); }

// `a` is the host, `b` its router.
class AutoconfSockets : public TwoHosts {
 protected:
  AutoconfSockets() {
    settle();
    EXPECT_TRUE(b->set_option(Option::ip_forwarding, 1));
    EXPECT_TRUE(b->add_address(1, *Prefix::parse("2001:db8:1::1/64")));
    EXPECT_TRUE(b->add_address(1, *Prefix::parse("2001:db8:9::1/128")));
    what.prefixes.push_back({.prefix = *Prefix::parse("2001:db8:1::/64"),
                             .valid_lifetime = 4h,
                             .preferred_lifetime = 2h});
    what.name_servers.push_back(addr("2001:db8:1::53"));
  }
  void configure() {
    EXPECT_TRUE(b->advertise(1, what));
    EXPECT_TRUE(a->set_autoconf(1, true));
    advance(5s);
  }

  RouterAdvertising what;
};

TEST_F(AutoconfSockets, LearnsAllThatItsRouterSays) {
  configure();
  const LearnedIpv6 learned = a->learned_ipv6(1);
  ASSERT_EQ(learned.addresses.size(), 1U);
  EXPECT_TRUE(what.prefixes[0].prefix.contains(learned.addresses[0].addr));
  EXPECT_EQ(a->address_state(learned.addresses[0].addr), AddressState::usable);
  ASSERT_EQ(learned.routers.size(), 1U);
  EXPECT_TRUE(learned.routers[0].is_link_local());
  EXPECT_EQ(learned.name_servers, what.name_servers);
  EXPECT_TRUE(b->learned_ipv6(1).routers.empty()) << "a router does not configure itself";
}

TEST_F(AutoconfSockets, ConnectsByItsRouter) {
  configure();
  const SocketId listener = b->open_tcp().value();
  ASSERT_TRUE(b->bind(listener, {addr("2001:db8:9::1"), 80}));
  ASSERT_TRUE(b->listen(listener, 4));
  const SocketId client = a->open_tcp().value();
  EXPECT_EQ(a->connect(client, {addr("2001:db8:9::1"), 80}).error(), Error::in_progress);
  settle();
  const auto accepted = b->accept(listener);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->peer.addr, a->learned_ipv6(1).addresses[0].addr);
}

TEST_F(AutoconfSockets, AnAddressThatGoesTakesItsConnectionsAlong) {
  NARU_CHECKS("IC6-033");
  configure();
  const IpAddr own = a->learned_ipv6(1).addresses[0].addr;
  const SocketId listener = b->open_tcp().value();
  ASSERT_TRUE(b->bind(listener, {addr("2001:db8:1::1"), 80}));
  ASSERT_TRUE(b->listen(listener, 4));
  const SocketId client = a->open_tcp().value();
  EXPECT_EQ(a->connect(client, {addr("2001:db8:1::1"), 80}).error(), Error::in_progress);
  settle();
  const auto accepted = b->accept(listener);
  ASSERT_TRUE(accepted);
  b->stop_advertising(1);
  settle();
  advance(3h);
  EXPECT_TRUE(a->learned_ipv6(1).addresses.empty()) << "deprecated";
  const Buffer data{1, 2, 3};
  EXPECT_EQ(a->send(client, data), data.size());
  settle();
  Buffer got(8);
  EXPECT_EQ(b->recv(accepted->socket, got), data.size()) << "what is there goes on";
  advance(2h);
  EXPECT_FALSE(a->address_state(own));
  EXPECT_EQ(a->send(client, data), data.size());
  advance(1h);
  EXPECT_NE(a->take_error(client), Error::none) << "and ends when the address does";
  const SocketId late = a->open_udp().value();
  EXPECT_EQ(a->bind(late, {own, 9}).error(), Error::address_not_available);
}

TEST_F(AutoconfSockets, AStableSecretKeepsTheAddress) {
  NARU_CHECKS("IC6-034");
  const auto made_with = [&](std::uint64_t seed) {
    link::MemoryWire cable;
    StackConfig config = small_host(seed);
    config.stable_secret = {{1, 2}};
    VirtualHost host(config, cable.a(), *Prefix::parse("10.0.0.1/24"));
    VirtualHost router(small_host(9), cable.b(), *Prefix::parse("10.0.0.2/24"));
    EXPECT_TRUE(router->set_option(Option::ip_forwarding, 1));
    EXPECT_TRUE(router->advertise(1, what));
    EXPECT_TRUE(host->set_autoconf(1, true));
    for (Time t{1s}; t < Time{8s}; t += 50ms) {
      host->poll(t);
      router->poll(t);
    }
    const auto learned = host->learned_ipv6(1);
    return learned.addresses.empty() ? IpAddr() : learned.addresses[0].addr;
  };
  EXPECT_NE(made_with(1), IpAddr());
  EXPECT_EQ(made_with(1), made_with(5));
}

}  // namespace
}  // namespace naru::test
