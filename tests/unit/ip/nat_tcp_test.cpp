// Connections through the NAT (RFC 5382, RFC 7857), and how it stands a flood.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "nat_net.hpp"

namespace naru::ip::test {
namespace {

class NatTcpTest : public NatNet {
 protected:
  using NatNet::NatNet;

  std::uint32_t sessions() const { return host.ip.nat_table().session_count(); }
  // Time goes by, with nobody saying anything.
  void wait(Duration duration) {
    host.advance(duration);
    settle();
  }
};

TEST_F(NatTcpTest, CarriesAConnection) {
  const Endpoint seen = open_tcp(a, web);
  const auto request = send_tcp(a, web, ack(kOut, kIn, wire::kPsh), counting(500));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->source, seen);
  EXPECT_EQ(Buffer(request->bytes.begin() + 40, request->bytes.end()), counting(500));
  const auto answer = send_tcp(web, seen, ack(kIn, kOut + 500), counting(1'000));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->destination, a);
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(NatTcpTest, KeepsAnIdleConnectionForTwoHours) {
  NARU_CHECKS("NAT-018");
  const Endpoint seen = open_tcp(a, web);
  wait(7'439s);
  EXPECT_TRUE(send_tcp(web, seen, ack(kIn, kOut)));  // either end keeps it alive
  wait(7'439s);
  EXPECT_TRUE(send_tcp(a, web, ack(kOut, kIn)));
  wait(7'441s);
  EXPECT_EQ(sessions(), 0U);
  EXPECT_FALSE(send_tcp(web, seen, ack(kIn, kOut)));
}

TEST_F(NatTcpTest, KeepsAHalfOpenOneForFourMinutes) {
  NARU_CHECKS("NAT-018");
  const auto syn = send_tcp(a, web, {.seq = 1, .flags = wire::kSyn, .window = 1'000});
  ASSERT_TRUE(syn);
  wait(239s);
  EXPECT_EQ(sessions(), 1U);
  wait(2s);
  EXPECT_EQ(sessions(), 0U);
}

TEST_F(NatTcpTest, KeepsAClosedOneForFourMinutes) {
  NARU_CHECKS("NAT-016", "NAT-018");
  const Endpoint seen = open_tcp(a, web);
  EXPECT_TRUE(send_tcp(a, web, ack(kOut, kIn, wire::kFin)));
  wait(3'600s);  // half closed: the other side may go on as long as it likes
  EXPECT_TRUE(send_tcp(web, seen, ack(kIn, kOut + 1), counting(100)));
  EXPECT_TRUE(send_tcp(a, web, ack(kOut + 1, kIn + 100)));
  EXPECT_TRUE(send_tcp(web, seen, ack(kIn + 100, kOut + 1, wire::kFin)));
  EXPECT_TRUE(send_tcp(a, web, ack(kOut + 1, kIn + 101)));
  wait(239s);
  EXPECT_TRUE(send_tcp(web, seen, ack(kIn + 100, kOut + 1, wire::kFin)));  // once more
  wait(241s);
  EXPECT_EQ(sessions(), 0U);
}

// Both send a SYN at once (RFC 5382 REQ-2).
TEST_F(NatTcpTest, LetsBothOpenAtOnce) {
  NARU_CHECKS("NAT-016");
  const auto syn = send_tcp(a, web, {.seq = kOut - 1, .flags = wire::kSyn, .window = 1'000});
  ASSERT_TRUE(syn);
  const auto other =
      send_tcp(web, syn->source, {.seq = kIn - 1, .flags = wire::kSyn, .window = 1'000});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->destination, a);
  EXPECT_TRUE(send_tcp(a, web, ack(kOut - 1, kIn, wire::kSyn)));
  EXPECT_TRUE(send_tcp(web, syn->source, ack(kIn - 1, kOut, wire::kSyn)));
  EXPECT_TRUE(send_tcp(a, web, ack(kOut, kIn)));
  wait(7'000s);
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(NatTcpTest, AnswersNoSynThatNobodyAskedFor) {
  NARU_CHECKS("NAT-017");
  const Endpoint seen = open_tcp(a, web);
  EXPECT_FALSE(send_tcp(dns, seen, {.seq = 7, .flags = wire::kSyn, .window = 1'000}));
  EXPECT_EQ(host.count(Drop::nat_filtered), 1U);
  host.advance(10s);
  EXPECT_EQ(sessions(), 1U);
  // The inside one then opens the same connection.
  settle();
  EXPECT_TRUE(send_tcp(a, dns, {.seq = 9, .flags = wire::kSyn, .window = 1'000}));
  EXPECT_TRUE(send_tcp(dns, seen, {.seq = 7, .flags = wire::kSyn, .window = 1'000}));
}

TEST_F(NatTcpTest, IsNotResetByGuesses) {
  NARU_CHECKS("NAT-019", "NAT-031");
  const Endpoint seen = open_tcp(a, web);
  Random random = Random::seeded(5);
  for (int i = 0; i < 100'000; ++i) {
    send_tcp(web, seen, {.seq = random.next_u32(), .flags = wire::kRst});
  }
  wait(3'600s);
  EXPECT_TRUE(send_tcp(a, web, ack(kOut, kIn)));
  EXPECT_TRUE(send_tcp(web, seen, ack(kIn, kOut)));
  EXPECT_EQ(sessions(), 1U);
}

// Without knowing the port either: a million, over all ports there are.
TEST_F(NatTcpTest, IsNotResetByGuessesAtItsPort) {
  NARU_CHECKS("NAT-019");
  const Endpoint seen = open_tcp(a, web);
  Random random = Random::seeded(6);
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    const Endpoint to = {seen.addr, static_cast<std::uint16_t>(i)};
    inject(kOutside, ipv4(header(web, to, Protocol::tcp),
                          tcp_segment(web, to, {.seq = random.next_u32(), .flags = wire::kRst})));
    host.sent.clear();
    host.delivered.clear();
  }
  wait(3'600s);
  EXPECT_TRUE(send_tcp(web, seen, ack(kIn, kOut)));
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(NatTcpTest, IsOverFourMinutesAfterAReset) {
  NARU_CHECKS("NAT-019");
  for (const bool from_outside : {true, false}) {
    const Endpoint seen = open_tcp(a, web);
    if (from_outside) {
      EXPECT_TRUE(send_tcp(web, seen, {.seq = kIn, .flags = wire::kRst}));
    } else {
      EXPECT_TRUE(send_tcp(a, web, {.seq = kOut, .flags = wire::kRst}));
    }
    wait(239s);
    EXPECT_EQ(sessions(), 1U);
    wait(2s);
    EXPECT_EQ(sessions(), 0U);
  }
}

TEST_F(NatTcpTest, BelievesTheOneInsideThatGoesOnAfterAReset) {
  NARU_CHECKS("NAT-019");
  const Endpoint seen = open_tcp(a, web);
  EXPECT_TRUE(send_tcp(web, seen, {.seq = kIn, .flags = wire::kRst}));
  wait(200s);
  EXPECT_TRUE(send_tcp(a, web, ack(kOut, kIn)));
  wait(3'600s);
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(NatTcpTest, CountsWindowsByTheirScale) {
  NARU_CHECKS("NAT-031");
  const Buffer scale{3, 3, 7, 0};
  const auto send = [&](const Endpoint& from, const Endpoint& to, const wire::Tcp& tcp,
                        const Buffer& options) {
    inject(side_of(from),
           ipv4(header(from, to, Protocol::tcp), tcp_segment(from, to, tcp, {}, options)));
    return passed();
  };
  const auto syn = send(a, web, {.seq = kOut - 1, .flags = wire::kSyn, .window = 65'535}, scale);
  ASSERT_TRUE(syn);
  EXPECT_TRUE(send(web, syn->source, ack(kIn - 1, kOut, wire::kSyn), scale));
  EXPECT_TRUE(send_tcp(a, web, ack(kOut, kIn)));  // 65535 << 7: 8 MB
  // Data far into the window are of the connection: they keep it alive ...
  wait(7'000s);
  EXPECT_TRUE(send_tcp(web, syn->source, ack(kIn + 8'000'000, kOut), counting(100)));
  wait(7'000s);
  EXPECT_EQ(sessions(), 1U);
  // ... and what is beyond it is passed on, for the end to judge, and does not.
  EXPECT_TRUE(send_tcp(web, syn->source, ack(kIn + 9'000'000, kOut), counting(100)));
  wait(500s);
  EXPECT_EQ(sessions(), 0U);
}

TEST_F(NatTcpTest, BeginsAnewOnTheSamePort) {
  NARU_CHECKS("NAT-032");
  const Endpoint seen = open_tcp(a, web);
  EXPECT_TRUE(send_tcp(a, web, ack(kOut, kIn, wire::kFin)));
  EXPECT_TRUE(send_tcp(web, seen, ack(kIn, kOut + 1, wire::kFin)));
  wait(10s);
  EXPECT_EQ(open_tcp(a, web), seen);
  wait(7'000s);
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(NatTcpTest, PicksUpAConnectionThatItHasNotSeenBegin) {
  const auto out = send_tcp(a, web, ack(kOut, kIn), counting(10));
  ASSERT_TRUE(out);
  EXPECT_TRUE(send_tcp(web, out->source, ack(kIn, kOut + 10)));
  wait(7'000s);
  EXPECT_EQ(sessions(), 1U);
}

// --- floods ------------------------------------------------------------------------

class NatFloodTest : public NatTcpTest {
 protected:
  NatFloodTest() : NatTcpTest({{Option::nat_sessions_per_host, 100}}) {}
  std::optional<Passed> syn(const Endpoint& from, const Endpoint& to) {
    return send_tcp(from, to, {.seq = 1, .flags = wire::kSyn, .window = 1'000});
  }
};

TEST_F(NatFloodTest, OneHostDoesNotTakeWhatIsOthers) {
  NARU_CHECKS("NAT-027", "NAT-034");
  const Endpoint kept = open_tcp(a, web);
  const Endpoint others = open_tcp(b, web);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const auto port = static_cast<std::uint16_t>(1'024 + i % 64'000);
    syn(at("10.0.0.5", port), {IpAddr::v4(0xc6336400U + i / 64'000), 443});
  }
  EXPECT_EQ(sessions(), 101U);
  EXPECT_LE(host.ip.nat_table().mapping_count(), 101U);
  EXPECT_TRUE(send_tcp(web, kept, ack(kIn, kOut)));
  EXPECT_TRUE(send_tcp(web, others, ack(kIn, kOut)));
  EXPECT_TRUE(syn(at("10.0.0.6", 7'777), web));
  EXPECT_EQ(open_tcp(at("10.0.0.5", 7'778), web).addr,
            ip("192.0.2.1"));  // its newest replace its oldest
}

TEST_F(NatFloodTest, RefusesAHostWhoseConnectionsAreAllInUse) {
  NARU_CHECKS("NAT-025", "NAT-027");
  for (std::uint16_t i = 0; i < 100; ++i) {
    open_tcp(at("10.0.0.5", static_cast<std::uint16_t>(2'000 + i)), web);
  }
  const auto refused = syn(a, web);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->destination.addr, a.addr);
  const auto message = *wire::Icmpv4View::parse(refused->ip().payload());
  EXPECT_EQ(message.type(), wire::Icmpv4Type::unreachable);
  EXPECT_EQ(message.code(), 13);
  EXPECT_EQ(host.count(Drop::nat_full), 1U);
  EXPECT_EQ(host.ip.nat_table().mapping_count(), 100U);  // nothing is left of the attempt
  EXPECT_TRUE(syn(b, web));
}

TEST_F(NatFloodTest, AFloodFromOutsideTakesNoConnection) {
  NARU_CHECKS("NAT-034");
  ASSERT_TRUE(host.options.set(Option::nat_sessions_per_host, 2'000));
  const Endpoint seen = at("192.0.2.1", 80);
  ASSERT_TRUE(host.ip.add_port_forward(Protocol::tcp, 80, at("10.0.0.6", 80), host.now));
  const Endpoint kept = open_tcp(a, web);
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    syn({IpAddr::v4(0xc6336400U + i), static_cast<std::uint16_t>(1'024 + i)}, seen);
  }
  EXPECT_EQ(sessions(), 1'000U);
  EXPECT_GE(host.counters.get(Counter::nat_evicted), 4'000U);
  EXPECT_TRUE(send_tcp(web, kept, ack(kIn, kOut)));
}

// --- after a death -----------------------------------------------------------------

TEST_F(NatTcpTest, ForwardsItsPortsAfterADeath) {
  ASSERT_TRUE(host.ip.add_port_forward(Protocol::tcp, 80, at("10.0.0.6", 80), host.now));
  open_tcp(a, web);
  host.ip.recover(host.now);
  EXPECT_EQ(sessions(), 0U);
  settle();
  const auto syn = send_tcp(web, at("192.0.2.1", 80), {.seq = 1, .flags = wire::kSyn});
  ASSERT_TRUE(syn);
  EXPECT_EQ(syn->destination, at("10.0.0.6", 80));
  EXPECT_EQ(open_tcp(a, web).addr, ip("192.0.2.1"));
}

}  // namespace
}  // namespace naru::ip::test
