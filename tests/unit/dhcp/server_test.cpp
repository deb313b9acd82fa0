// A server for a laboratory, and clients of ours and of the test's.
#include <gtest/gtest.h>

#include <naru/dhcp/client.hpp>
#include <naru/dhcp/server.hpp>

#include "dhcp/bindings.hpp"
#include "dsl/checks.hpp"
#include "unit/stack/two_hosts.hpp"
#include "wire/dhcp.hpp"

namespace naru::dhcp::test {
namespace {

using wire::Dhcp;
using wire::DhcpOption;
using wire::DhcpType;
using wire::DhcpView;

constexpr IpAddr kServer = IpAddr::v4(10, 0, 0, 2);
constexpr IpAddr at(int last) { return IpAddr::v4(0x0a000000U + static_cast<unsigned>(last)); }

class ServerTest : public naru::test::TwoHosts {
 protected:
  ServerTest() {
    settle();
    EXPECT_TRUE(a->remove_address(1, at(1)));
    b->set_now(now);
    server = std::move(*Server::create(b.stack(), {.interface = 1,
                                                   .address = {kServer, 24},
                                                   .first = at(100),
                                                   .last = at(103),
                                                   .lifetime = 1000s,
                                                   .routers = {kServer},
                                                   .name_servers = {kServer},
                                                   .domain = "lab.example"}));
  }

  // --- a client of ours
  void run(Client& client, Duration duration) {
    const Time end = now + duration;
    for (;;) {
      for (int i = 0; i < 10; ++i) {
        settle();
        client.poll(now);
        server->poll(now);
      }
      settle();
      if (now >= end) return;
      const Time next = std::min({a->next_deadline(), b->next_deadline(), client.next_deadline()});
      now = std::min(end, std::max(now + 1us, next));
    }
  }

  // --- clients of the test's, by the last byte of their Ethernet address
  SocketId open() {
    const SocketId id = *a->open_udp();
    EXPECT_TRUE(a->bind(id, {IpAddr::any_v4(), wire::kDhcpClientPort}));
    EXPECT_TRUE(a->set_option(id, SocketOption::broadcast, 1));
    return id;
  }
  struct Say {
    DhcpType type = DhcpType::discover;
    std::optional<IpAddr> requested = {};
    std::optional<IpAddr> server = {};
    IpAddr ciaddr = IpAddr::any_v4();
  };
  // The answer, if there is one.
  std::optional<DhcpView> say(int client, const Say& what) {
    if (!socket) socket = open();
    wire::DhcpWriter writer({.xid = ++xid, .ciaddr = what.ciaddr, .chaddr = mac(client)},
                            what.type);
    if (what.requested) writer.add(DhcpOption::requested_address, *what.requested);
    if (what.server) writer.add(DhcpOption::server_id, *what.server);
    a->set_now(now);
    EXPECT_TRUE(a->send_to(socket, writer.finish(), {IpAddr::broadcast_v4(), wire::kDhcpServerPort},
                           0, {.interface = 1}));
    settle();
    server->poll(now);
    settle();
    std::array<std::uint8_t, 1500> room{};
    DatagramInfo info;
    const auto got = a->recv_from(socket, room, info);
    if (!got) return std::nullopt;
    const auto view = DhcpView::parse(Bytes(room).first(*got));
    EXPECT_TRUE(view && view->fixed().xid == xid && view->fixed().chaddr == mac(client));
    EXPECT_EQ(view->address(DhcpOption::server_id), kServer);
    return view;
  }
  static MacAddr mac(int client) {
    return {
        {2, 0, 0, 0, static_cast<std::uint8_t>(client >> 8U), static_cast<std::uint8_t>(client)}};
  }
  IpAddr offered(int client, std::optional<IpAddr> wish = std::nullopt) {
    const auto offer = say(client, {.requested = wish});
    return offer ? offer->fixed().yiaddr : IpAddr::any_v4();
  }
  std::optional<DhcpType> take(int client, const IpAddr& address) {
    const auto ack = say(client, {DhcpType::request, address, kServer});
    return ack ? ack->type() : std::nullopt;
  }

  std::unique_ptr<Server> server;
  SocketId socket;
  std::uint32_t xid = 0;
};

TEST_F(ServerTest, GivesAClientItsAddressAndRenewsIt) {
  a->set_now(now);
  const auto client = std::move(
      *Client::create(a.stack(), {.mac = wire.a().mac(), .probes = 1}, Random::seeded(3)));
  run(*client, 10s);
  ASSERT_TRUE(client->lease());
  EXPECT_EQ(client->lease()->address.to_string(), "10.0.0.100/24");
  EXPECT_EQ(client->lease()->domain, "lab.example");
  EXPECT_EQ(client->lease()->name_servers, std::vector{kServer});
  EXPECT_EQ(client->lease()->lifetime, Duration(1000s));
  EXPECT_EQ(server->leases(now), 1U);
  run(*client, 5000s);
  EXPECT_EQ(client->state(), State::bound);
  EXPECT_EQ(server->leases(now), 1U);
  client->release(now);
  run(*client, 2s);
  EXPECT_EQ(server->leases(now), 0U);
}

TEST_F(ServerTest, GivesEachItsOwnAndTheSameAgain) {
  EXPECT_EQ(offered(1), at(100));
  EXPECT_EQ(offered(2), at(101));
  EXPECT_EQ(offered(1), at(100));
  EXPECT_EQ(offered(3, at(103)), at(103));
  EXPECT_EQ(offered(4, at(50)), at(102)) << "out of its range";
  EXPECT_EQ(take(2, at(101)), DhcpType::ack);
  now += 2000s;
  EXPECT_EQ(offered(2), at(101)) << "as long as nobody needs it";
}

TEST_F(ServerTest, HasNoMoreThanItsRange) {
  NARU_CHECKS("DHC-042");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(take(i, offered(i)), DhcpType::ack);
  for (int i = 4; i < 1000; ++i) EXPECT_EQ(offered(i), IpAddr::any_v4());
  EXPECT_EQ(server->leases(now), 4U);
  now += 1001s;
  EXPECT_EQ(offered(5), at(100));
  EXPECT_EQ(server->leases(now), 0U);
}

TEST_F(ServerTest, KeepsAnOfferForAMoment) {
  NARU_CHECKS("DHC-042");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(offered(i), at(100 + i));
  EXPECT_EQ(server->offers(now), 4U);
  EXPECT_EQ(offered(4), IpAddr::any_v4());
  now += 31s;
  EXPECT_EQ(offered(4), at(100));
  EXPECT_EQ(take(0, at(100)), DhcpType::nak) << "it was too late";
}

TEST_F(ServerTest, RefusesWhatItHasNotGiven) {
  EXPECT_EQ(take(1, at(101)), DhcpType::nak);
  EXPECT_EQ(offered(1), at(100));
  EXPECT_EQ(take(1, at(101)), DhcpType::nak);
  EXPECT_EQ(take(1, at(100)), DhcpType::ack);
  // Begun again, with the right address, with a wrong one, and in another network.
  EXPECT_EQ(say(1, {.type = DhcpType::request, .requested = at(100)})->type(), DhcpType::ack);
  EXPECT_EQ(say(1, {.type = DhcpType::request, .requested = at(102)})->type(), DhcpType::nak);
  EXPECT_EQ(say(9, {.type = DhcpType::request, .requested = IpAddr::v4(192, 0, 2, 1)})->type(),
            DhcpType::nak);
  // Of whom it knows nothing it says nothing.
  EXPECT_FALSE(say(9, {.type = DhcpType::request, .requested = at(102)}));
}

TEST_F(ServerTest, FreesWhatSomebodyElseOffered) {
  EXPECT_EQ(offered(1), at(100));
  EXPECT_FALSE(say(1, {DhcpType::request, at(7), at(3)}));
  EXPECT_EQ(server->offers(now), 0U);
}

TEST_F(ServerTest, LeavesADeclinedAddressAlone) {
  EXPECT_EQ(take(1, offered(1)), DhcpType::ack);
  EXPECT_FALSE(say(2, {DhcpType::decline, at(100), kServer})) << "a stranger";
  EXPECT_EQ(server->leases(now), 1U);
  EXPECT_FALSE(say(1, {DhcpType::decline, at(100), kServer}));
  EXPECT_EQ(server->leases(now), 0U);
  EXPECT_EQ(offered(1), at(101));
  EXPECT_EQ(offered(3, at(100)), at(102));
}

TEST_F(ServerTest, TellsWhoHasAnAddressTheRest) {
  // Sent to the address that it names, which the host of the test does not have.
  EXPECT_FALSE(say(1, {.type = DhcpType::inform, .ciaddr = at(50)}));
  EXPECT_EQ(server->leases(now), 0U);
}

TEST_F(ServerTest, ServesNoRelays) {
  socket = open();
  wire::DhcpWriter writer({.xid = 1, .giaddr = at(9), .chaddr = mac(1)}, DhcpType::discover);
  a->set_now(now);
  ASSERT_TRUE(a->send_to(socket, writer.finish(), {IpAddr::broadcast_v4(), wire::kDhcpServerPort},
                         0, {.interface = 1}));
  settle();
  server->poll(now);
  EXPECT_EQ(server->offers(now), 0U);
}

TEST_F(ServerTest, NeedsARangeOfItsNetwork) {
  const auto is_taken = [this](const IpAddr& first, const IpAddr& last) {
    ServerConfig config{.address = {kServer, 24}, .first = first, .last = last};
    config.interface = 1;
    return Server::create(a.stack(), std::move(config)).has_value();
  };
  EXPECT_TRUE(is_taken(at(100), at(100)));
  EXPECT_FALSE(is_taken(at(101), at(100)));
  EXPECT_FALSE(is_taken(at(100), IpAddr::v4(10, 0, 1, 1)));
}

TEST(BindingsTest, SkipItsOwnAddress) {
  Bindings bindings(at(1), at(3), at(2));
  std::vector<IpAddr> given;
  for (std::uint8_t i = 0; i < 2; ++i) {
    const ClientName client{i};
    given.push_back(*bindings.choose(client, std::nullopt, Time(1s)));
    bindings.bind(client, given.back(), Bindings::Kind::leased, Time(100s));
  }
  EXPECT_EQ(given, (std::vector{at(1), at(3)}));
  EXPECT_FALSE(bindings.choose({9}, std::nullopt, Time(1s)));
  EXPECT_FALSE(bindings.is_free_for({9}, at(2), Time(1s)));
}

}  // namespace
}  // namespace naru::dhcp::test
