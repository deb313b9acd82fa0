// Connections by name (RFC 8305), in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <naru/resolver/connect.hpp>

#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

constexpr std::uint16_t kPort = 80;
constexpr std::string_view kName = "www.example";

// The server forwards nothing, so the networks behind it are a black hole: 2001:db8:1::/48 and
// 198.51.100.0/24. No way leads to 2001:db9::/32.
class ConnectTest : public ResolverTest {
 protected:
  ConnectTest() {
    EXPECT_TRUE(a->add_address(1, *Prefix::parse("2001:db8::1/64")));
    EXPECT_TRUE(b->add_address(1, *Prefix::parse("2001:db8::2/64")));
    EXPECT_TRUE(b->add_address(1, *Prefix::parse("10.0.0.3/24")));
    advance(5s);
    EXPECT_TRUE(a->add_route(*Prefix::parse("2001:db8:1::/48"), *IpAddr::parse("2001:db8::2"), 1));
    EXPECT_TRUE(a->add_route(*Prefix::parse("198.51.100.0/24"), IpAddr::v4(10, 0, 0, 2), 1));
    use(config());
  }

  void listen() {
    listener_ = *b->open_tcp();
    ASSERT_TRUE(b->bind(listener_, {IpAddr::any_v6(), kPort}));
    ASSERT_TRUE(b->listen(listener_, 8));
  }
  // Answers for one family are late; never: those of others.
  void serve_late(std::vector<Record> zone, DnsType late, Duration delay) {
    serve(std::move(zone));
    late_ = late;
    delay_ = delay;
    server.answers = [this, answers = server.answers](const Asked& asked) {
      if (asked.question.type != late_) return answers(asked);
      kept_ = {asked, answers(asked), now + delay_};
      return Buffers();
    };
  }

  void connect(const ConnectOptions& options = {}) {
    start_ = now;
    connector.emplace(a.stack(), *resolver, kName, kPort, options);
  }
  // Until it is decided, or the time is over; notes when each attempt began.
  void run_connector(Duration patience = 5min) {
    const Time end = now + patience;
    while (now < end) {
      turn();
      if (connector->is_done()) return;
      const Time late = kept_ ? kept_->at : kTimeNever;
      const Time next = std::min({a->next_deadline(), b->next_deadline(), late,
                                  resolver->next_deadline(), connector->next_deadline()});
      now = std::min(end, std::max(now + 1ns, next));
    }
  }
  Duration took() const { return now - start_; }
  // The address that the connection leads to, or why there is none.
  std::string outcome() {
    if (!connector->is_done()) return "undecided";
    const auto socket = connector->take();
    if (!socket) return socket.error().to_string();
    const std::string address = a->remote(*socket)->addr.to_string();
    EXPECT_TRUE(a->abort(*socket));
    advance(1s);
    return address;
  }
  // Attempts under way, as a count of what the stack has open.
  std::size_t open_sockets() { return a->usage().connections; }

  std::optional<Connector> connector;

 private:
  struct Kept {
    Asked asked;
    Buffers answers;
    Time at;
  };

  void turn() {
    std::uint64_t before = 0;
    do {
      before = frames();
      settle();
      resolver->poll(now);
      connector->poll(now);
      b->set_now(now);
      server.poll();
      if (kept_ && now >= kept_->at) {
        for (const Buffer& answer : kept_->answers) server.reply(kept_->asked, answer);
        kept_.reset();
      }
      settle();
      connector->poll(now);
    } while (frames() != before);
  }

  SocketId listener_;
  DnsType late_{};
  Duration delay_{};
  std::optional<Kept> kept_;
  Time start_;
};

TEST_F(ConnectTest, IPv6IsTriedFirst) {
  listen();
  serve({v4(kName, "10.0.0.2"), v6(kName, "2001:db8::2")});
  connect();
  run_connector();
  EXPECT_LT(took(), 1ms);
  EXPECT_EQ(outcome(), "2001:db8::2");
}

TEST_F(ConnectTest, IPv4AloneWaitsForIPv6AsLongAsTheResolutionDelay) {
  listen();
  serve_late({v4(kName, "10.0.0.2"), v6(kName, "2001:db8::2")}, DnsType::aaaa, 1s);
  connect();
  run_connector();
  EXPECT_GE(took(), 50ms);
  EXPECT_LT(took(), 51ms);
  EXPECT_EQ(outcome(), "10.0.0.2");
  run(2s);
}

TEST_F(ConnectTest, IPv6WithinTheResolutionDelayIsTriedFirst) {
  listen();
  serve_late({v4(kName, "10.0.0.2"), v6(kName, "2001:db8::2")}, DnsType::aaaa, 30ms);
  connect();
  run_connector();
  EXPECT_LT(took(), 31ms);
  EXPECT_EQ(outcome(), "2001:db8::2");
}

TEST_F(ConnectTest, IPv6AloneDoesNotWaitForIPv4) {
  listen();
  serve_late({v4(kName, "10.0.0.2"), v6(kName, "2001:db8::2")}, DnsType::a, 1s);
  connect();
  run_connector();
  EXPECT_LT(took(), 1ms);
  EXPECT_EQ(outcome(), "2001:db8::2");
  run(2s);
}

TEST_F(ConnectTest, WhoHasNoIPv6AddressIsNotWaitedFor) {
  listen();
  serve_late({v4(kName, "10.0.0.2")}, DnsType::aaaa, 20ms);
  connect();
  run_connector();
  EXPECT_LT(took(), 21ms) << "the answer that there is none ends the delay";
  EXPECT_EQ(outcome(), "10.0.0.2");
}

TEST_F(ConnectTest, ABlackHoleCostsOneAttemptDelay) {
  listen();
  serve({v4(kName, "10.0.0.2"), v6(kName, "2001:db8:1::99"), v6(kName, "2001:db8:1::98")});
  connect();
  run_connector();
  EXPECT_GE(took(), 250ms) << "the families take turns";
  EXPECT_LT(took(), 251ms);
  EXPECT_EQ(outcome(), "10.0.0.2");
  EXPECT_EQ(open_sockets(), 0U) << "the other attempt has ended";
}

TEST_F(ConnectTest, TheFirstFamilyMayHaveMoreThanOneAttempt) {
  listen();
  serve({v4(kName, "10.0.0.2"), v6(kName, "2001:db8:1::99"), v6(kName, "2001:db8:1::98")});
  connect({.first_family_count = 2});
  run_connector();
  EXPECT_GE(took(), 500ms);
  EXPECT_LT(took(), 501ms);
  EXPECT_EQ(outcome(), "10.0.0.2");
}

TEST_F(ConnectTest, ARefusalStartsTheNextAtOnce) {
  serve({v4(kName, "10.0.0.3"), v6(kName, "2001:db8::2")});
  const SocketId only_v4 = *b->open_tcp();
  ASSERT_TRUE(b->bind(only_v4, {IpAddr::any_v4(), kPort}));
  ASSERT_TRUE(b->listen(only_v4, 8));
  connect();
  run_connector();
  EXPECT_LT(took(), 1ms);
  EXPECT_EQ(outcome(), "10.0.0.3");
}

TEST_F(ConnectTest, ARouterThatKnowsNoWayStartsTheNextAtOnce) {
  listen();
  ASSERT_TRUE(b->set_option(Option::ip_forwarding, 1));
  serve({v4(kName, "10.0.0.2"), v6(kName, "2001:db8:1::99")});
  connect();
  run_connector();
  EXPECT_LT(took(), 1ms);
  EXPECT_EQ(outcome(), "10.0.0.2");
}

TEST_F(ConnectTest, ARouterThatKnowsNoWayIsToldOfAtOnce) {
  ASSERT_TRUE(b->set_option(Option::ip_forwarding, 1));
  for (const Record& record : {v4(kName, "198.51.100.99"), v6(kName, "2001:db8:1::99")}) {
    use(config());
    serve({record});
    connect();
    run_connector();
    EXPECT_LT(took(), 51ms) << "of IPv4 after the resolution delay";
    EXPECT_THAT(outcome(), testing::EndsWith(": network is unreachable"));
  }
}

TEST_F(ConnectTest, AConnectionIsHandedOverAsTcpLeavesIt) {
  listen();
  serve({v6(kName, "2001:db8::2")});
  connect();
  run_connector();
  const auto socket = connector->take();
  ASSERT_TRUE(socket);
  EXPECT_EQ(a->option(*socket, SocketOption::receive_error), 0);
  EXPECT_TRUE(a->abort(*socket));
  advance(1s);
}

TEST_F(ConnectTest, AnAttemptGoesOnWhileOthersAreTried) {
  listen();
  serve({v4(kName, "198.51.100.99"), v6(kName, "2001:db8:1::99")});
  connect();
  run_connector(500ms);
  EXPECT_EQ(open_sockets(), 2U);
  ASSERT_TRUE(b->add_address(1, *Prefix::parse("2001:db8:1::99/128")));
  run_connector();
  EXPECT_EQ(outcome(), "2001:db8:1::99") << "by a SYN that was sent again";
  EXPECT_EQ(open_sockets(), 0U);
}

TEST_F(ConnectTest, AFamilyThatComesLateTakesItsTurn) {
  listen();
  serve_late({v4(kName, "198.51.100.99"), v4(kName, "198.51.100.98"), v6(kName, "2001:db8::2")},
             DnsType::aaaa, 200ms);
  connect();
  run_connector();
  EXPECT_GE(took(), 300ms) << "50 ms for IPv6, 250 ms for the first of IPv4";
  EXPECT_LT(took(), 301ms);
  EXPECT_EQ(outcome(), "2001:db8::2");
}

TEST_F(ConnectTest, TellsOfTheAttemptThatCameFurthest) {
  serve({v4(kName, "198.51.100.99"), v6(kName, "2001:db8::2"), v6(kName, "2001:db9::1")});
  connect();
  run_connector();
  EXPECT_EQ(outcome(), "2001:db8::2: connection refused");
}

TEST_F(ConnectTest, SilenceIsToldOfWhenThereWasNothingElse) {
  serve({v4(kName, "198.51.100.99"), v6(kName, "2001:db8:1::99"), v6(kName, "2001:db9::1")});
  connect();
  run_connector(30min);
  EXPECT_EQ(outcome(), "2001:db8:1::99: connection timed out");
}

TEST_F(ConnectTest, ANameThatIsNobodysIsNotTried) {
  serve({});
  connect();
  run_connector();
  EXPECT_EQ(outcome(), "no such name");
}

TEST_F(ConnectTest, ListsAreBounded) {
  std::vector<Record> zone;
  for (int i = 10; i < 40; ++i) zone.push_back(v4(kName, "10.0.0." + std::to_string(i)));
  for (int i = 10; i < 20; ++i) zone.push_back(v6(kName, "2001:db8::" + std::to_string(i)));
  serve(zone);
  connect();
  run_connector(15s);
  EXPECT_EQ(open_sockets(), 0U) << "nobody is there, and the neighbours' silence ends attempts";
  const auto socket = connector->take();
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().attempts, 16U);
  EXPECT_EQ(socket.error().error, Error::host_unreachable);
}

TEST_F(ConnectTest, TheDelayBetweenAttemptsHasBounds) {
  listen();
  for (const auto& [wanted, is] : {std::pair{Duration(1ms), Duration(10ms)}, {10s, 2s}}) {
    use(config());
    serve({v4(kName, "10.0.0.2"), v6(kName, "2001:db8:1::99")});
    connect({.attempt_delay = wanted});
    run_connector();
    EXPECT_GE(took(), is);
    EXPECT_LT(took(), is + 1ms);
    EXPECT_EQ(outcome(), "10.0.0.2");
  }
}

TEST_F(ConnectTest, MayBeGivenUpAtAnyTime) {
  listen();
  for (const Duration patience : {Duration(0), Duration(25ms), Duration(100ms), Duration(400ms)}) {
    use(config());
    serve_late({v4(kName, "198.51.100.99"), v6(kName, "2001:db8:1::99")}, DnsType::aaaa, 50ms);
    connect();
    run_connector(patience);
    connector.reset();
    EXPECT_EQ(open_sockets(), 0U) << "after " << patience.count() << " ns";
    run(30s);
  }
  serve({v4(kName, "10.0.0.2"), v6(kName, "2001:db8::2")});
  connect();
  run_connector();
  connector.reset();
  advance(1s);
  EXPECT_EQ(open_sockets(), 0U) << "a connection that nobody took";
}

TEST_F(ConnectTest, AddressesThatAreKnownAreTriedInTheirOrder) {
  listen();
  connector.emplace(a.stack(),
                    std::vector{*IpAddr::parse("10.0.0.2"), *IpAddr::parse("2001:db8::2")}, kPort);
  run_connector();
  EXPECT_EQ(outcome(), "2001:db8::2");
  connector.emplace(a.stack(), std::vector<IpAddr>(), kPort);
  EXPECT_EQ(outcome(), "no data of this type");
}

}  // namespace
}  // namespace naru::resolver::test
