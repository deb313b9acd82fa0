// A program that waits for its answers, over a lan and with the real clock.
#include <thread>

#include <gtest/gtest.h>

#include <naru/link/lan.hpp>
#include <naru/resolver/blocking.hpp>
#include <naru/socket/socket.hpp>

#include "message.hpp"
#include "unit/link/lan_place.hpp"

namespace naru::resolver::test {
namespace {

class BlockingTest : public link::test::LanPlace {
 protected:
  std::unique_ptr<Host> make_host(const std::string& name) const {
    auto link = join(name);
    const Prefix address = link->address();
    auto host = std::move(*Host::create({}));
    EXPECT_TRUE(host->add_link("eth0", std::move(link), address));
    return host;
  }
  static Resolver make_resolver(Host& host, const IpAddr& server) {
    ResolverConfig config;
    config.servers = {{server, 53}};
    config.timeout = 300ms;
    return {host.stack(), config, Random::secure(entropy())};
  }
};

TEST_F(BlockingTest, WaitsForTheAnswer) {
  const auto server = make_host("server");
  const IpAddr address = *server->stack().interface_address(1);
  Socket socket = *Socket::udp(*server);
  ASSERT_TRUE(socket.bind({IpAddr::any_v4(), 53}));
  std::thread program([&] {
    std::array<std::uint8_t, 512> room{};
    DatagramInfo info;
    for (int i = 0; i < 4; ++i) {
      const auto got = socket.recv_from(room, info);
      ASSERT_TRUE(got);
      const Response response{.answers = {v4("www.example", "192.0.2.1"),
                                          ptr("1.2.0.192.in-addr.arpa", "www.example")}};
      EXPECT_TRUE(socket.send_to(response.to(Bytes(room).first(*got)), info.source));
    }
  });
  const auto host = make_host("client");
  Resolver resolver = make_resolver(*host, address);
  EXPECT_EQ(ask(*host, resolver, "www.example", DnsType::a).records.size(), 1U);
  const HostAnswer found = find_host(*host, resolver, "www.example");
  ASSERT_EQ(found.addresses.size(), 1U);
  EXPECT_EQ(found.addresses[0], IpAddr::v4(192, 0, 2, 1));
  EXPECT_EQ(find_name(*host, resolver, found.addresses[0]).canonical, "www.example");
  // AAAA was the second question; this is the fourth.
  EXPECT_EQ(ask(*host, resolver, "www.example", DnsType::txt).outcome, NameOutcome::no_data);
  program.join();
}

TEST_F(BlockingTest, EndsWithoutAnAnswer) {
  const auto host = make_host("client");
  Resolver resolver = make_resolver(*host, IpAddr::v4(10, 77, 0, 99));
  const Time start = monotonic_now();
  EXPECT_EQ(find_host(*host, resolver, "www.example").outcome, NameOutcome::timed_out);
  EXPECT_GE(monotonic_now() - start, 600ms);
  EXPECT_EQ(find_host(*host, resolver, "localhost").outcome, NameOutcome::found);
}

}  // namespace
}  // namespace naru::resolver::test
