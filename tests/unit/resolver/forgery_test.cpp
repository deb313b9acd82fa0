// What others than the server may say, and what a server may say that is not asked.
#include <set>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

class ForgeryTest : public ResolverTest {
 protected:
  static Buffer good(const Asked& asked) {
    return Response{.answers = {v4("www.example", "192.0.2.1")}}.to(asked.bytes);
  }
  static Buffer evil(const Asked& asked) {
    return Response{.answers = {v4("www.example", "203.0.113.66")}}.to(asked.bytes);
  }
  // The forged message comes first, the server's own 10 ms later.
  std::string after(const std::function<Buffer(const Asked&)>& forged) {
    use(config());
    std::optional<Asked> first;
    server.answers = [&](const Asked& asked) {
      first = asked;
      return Buffers{forged(asked)};
    };
    std::string told;
    resolver->ask("www.example", DnsType::a,
                  [&told](const NameAnswer& answer) { told = first_address(answer); });
    run(10ms);
    EXPECT_EQ(told, "") << "the forged message ended the wait";
    EXPECT_TRUE(first);
    server.reply(*first, good(*first));
    run(10ms);
    return told;
  }
};

TEST_F(ForgeryTest, AnotherNumberIsIgnored) {
  NARU_CHECKS("DNS-006", "DNS-009");
  EXPECT_EQ(after([](const Asked& asked) {
              Buffer bytes = evil(asked);
              bytes[0] ^= 1U;
              return bytes;
            }),
            "192.0.2.1");
}

TEST_F(ForgeryTest, AnotherQuestionIsIgnored) {
  NARU_CHECKS("DNS-006", "DNS-009");
  EXPECT_EQ(after([](const Asked& asked) {
              Buffer bytes = evil(asked);
              bytes[13] = 'x';
              return bytes;
            }),
            "192.0.2.1");
}

TEST_F(ForgeryTest, OtherLettersAreIgnored) {
  NARU_CHECKS("DNS-006", "DNS-036");
  EXPECT_EQ(after([](const Asked& asked) {
              Buffer bytes = evil(asked);
              bytes[13] ^= 0x20U;
              return bytes;
            }),
            "192.0.2.1");
}

TEST_F(ForgeryTest, AQueryIsNoResponse) {
  NARU_CHECKS("DNS-006", "DNS-009");
  EXPECT_EQ(after([](const Asked& asked) { return asked.bytes; }), "192.0.2.1");
}

TEST_F(ForgeryTest, WhatCannotBeReadEndsNoWait) {
  NARU_CHECKS("DNS-009", "DNS-005");
  EXPECT_EQ(after([](const Asked&) { return Buffer(); }), "192.0.2.1");
  EXPECT_EQ(after([](const Asked&) { return Buffer(11); }), "192.0.2.1");
  EXPECT_EQ(after([](const Asked& asked) {
              Buffer bytes = evil(asked);
              bytes.pop_back();
              return bytes;
            }),
            "192.0.2.1");
  EXPECT_EQ(after([](const Asked& asked) {
              Buffer bytes = evil(asked);
              bytes[6] = bytes[7] = 0xff;
              return bytes;
            }),
            "192.0.2.1");
}

TEST_F(ForgeryTest, AFailureOfAnotherNumberIsIgnored) {
  NARU_CHECKS("DNS-009");
  EXPECT_EQ(after([](const Asked& asked) {
              Buffer bytes = Response{.rcode = DnsRcode::server_failure}.to(asked.bytes);
              bytes[1] ^= 0x80U;
              return bytes;
            }),
            "192.0.2.1");
}

TEST_F(ForgeryTest, AnotherPlaceIsIgnored) {
  NARU_CHECKS("DNS-007");
  use(config());
  serve({v4("www.example", "192.0.2.1")});
  const SocketId other = *b->open_udp();
  ASSERT_TRUE(b->bind(other, {IpAddr::v4(10, 0, 0, 2), 5300}));
  ASSERT_TRUE(b->add_address(1, *Prefix::parse("10.0.0.3/24")));
  const SocketId elsewhere = *b->open_udp();
  ASSERT_TRUE(b->bind(elsewhere, {IpAddr::v4(10, 0, 0, 3), 53}));
  server.answers = [&](const Asked& asked) {
    // The right message, from another port and from another address.
    EXPECT_TRUE(b->send_to(other, evil(asked), asked.from));
    EXPECT_TRUE(b->send_to(elsewhere, evil(asked), asked.from));
    return Buffers();
  };
  std::string told;
  resolver->ask("www.example", DnsType::a,
                [&told](const NameAnswer& answer) { told = first_address(answer); });
  run(10ms);
  ASSERT_EQ(server.asked.size(), 1U);
  EXPECT_EQ(told, "");
  server.reply(server.asked[0], good(server.asked[0]));
  run(10ms);
  EXPECT_EQ(told, "192.0.2.1");
}

TEST_F(ForgeryTest, TheUnreachablePortOfAServerIsNoAnswer) {
  NARU_CHECKS("DNS-009", "DNS-035");
  ResolverConfig nobody = config();
  nobody.servers = {{IpAddr::v4(10, 0, 0, 2), 99}};
  use(nobody);
  EXPECT_FALSE(ask("www.example", DnsType::a, 4s)) << "anybody can send ICMP messages";
  EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::timed_out);
}

TEST_F(ForgeryTest, LateAnswersFindNobody) {
  NARU_CHECKS("DNS-034");
  use(config());
  EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::timed_out);
  EXPECT_EQ(a->usage().udp_sockets, 0U);
  for (const Asked& asked : server.asked) server.reply(asked, good(asked));
  run(1s);
  EXPECT_EQ(resolver->cached(), 1U) << "the failure, for a moment";
}

TEST_F(ForgeryTest, WhatWasNotAskedIsNotBelieved) {
  NARU_CHECKS("DNS-023");
  use(config());
  server.answers = [](const Asked& asked) {
    Response response;
    if (asked.question.name == *wire::DnsName::parse("www.example")) {
      response.answers = {v4("www.example", "192.0.2.1"), v4("bank.example", "203.0.113.66")};
      response.authorities = {{"example", DnsType::ns, 3600, name_bytes("ns.example")},
                              v4("bank.example", "203.0.113.66")};
      response.additionals = {v4("bank.example", "203.0.113.66"), v4("ns.example", "203.0.113.66")};
    } else {
      response.answers = {v4("bank.example", "192.0.2.7"), v4("ns.example", "192.0.2.8")};
    }
    return Buffers{response.to(asked.bytes)};
  };
  EXPECT_EQ(first_address(ask("www.example", DnsType::a)), "192.0.2.1");
  EXPECT_EQ(first_address(ask("bank.example", DnsType::a)), "192.0.2.7");
  EXPECT_EQ(first_address(ask("ns.example", DnsType::a)), "192.0.2.8");
}

// Signatures, and the claim that somebody has checked them: nobody was asked for either.
TEST_F(ForgeryTest, SignaturesAndClaimsMeanNothing) {
  NARU_CHECKS("DNS-039");
  use(config());
  constexpr DnsType kSignature{46};
  server.answers = [](const Asked& asked) {
    Buffer bytes = Response{.answers = {{"www.example", kSignature, 5, Buffer(40, 0xff)},
                                        v4("www.example", "192.0.2.1", 300)},
                            .authorities = {{"www.example", kSignature, 5, Buffer(3)}}}
                       .to(asked.bytes);
    bytes[3] |= 0x20U;  // AD
    return Buffers{bytes};
  };
  const auto answer = ask("www.example", DnsType::a);
  ASSERT_TRUE(answer && answer->records.size() == 1);
  EXPECT_EQ(first_address(answer), "192.0.2.1");
  EXPECT_EQ(answer->records[0].ttl, 300U);
  EXPECT_EQ(server.asked[0].bytes[3] & 0x30U, 0U) << "neither AD nor CD is asked for";
  const Buffer& query = server.asked[0].bytes;
  EXPECT_EQ(load_be16(query.data() + query.size() - 4) & 0x8000U, 0U) << "nor DO";
}

// 2000 queries: the numbers and the ports fall evenly into 16 classes (chi square with 15
// degrees of freedom stays below 44.3 in 9999 of 10 000 cases), and nothing is counted up.
TEST_F(ForgeryTest, NumbersAndPortsCannotBeForeseen) {
  NARU_CHECKS("DNS-008");
  ResolverConfig forgetful = config();
  forgetful.cache_entries = 0;
  use(forgetful);
  serve({v4("www.example", "192.0.2.1")});
  constexpr int kQueries = 2000;
  for (int i = 0; i < kQueries; ++i) ASSERT_TRUE(ask("www.example", DnsType::a));
  std::array<int, 16> ids{};
  std::array<int, 16> ports{};
  std::set<int> steps;
  ASSERT_EQ(server.asked.size(), kQueries);
  for (std::size_t i = 0; i < server.asked.size(); ++i) {
    const std::uint16_t id = load_be16(server.asked[i].bytes.data());
    ++ids[id / 4096U];
    ++ports[(server.asked[i].from.port - 1024U) * 16U / (65536U - 1024U)];
    if (i > 0) steps.insert(server.asked[i].from.port - server.asked[i - 1].from.port);
  }
  for (const auto& counts : {ids, ports}) {
    double chi_square = 0;
    for (const int count : counts) {
      constexpr double kExpected = kQueries / 16.0;
      chi_square += (count - kExpected) * (count - kExpected) / kExpected;
    }
    EXPECT_LT(chi_square, 44.3);
  }
  EXPECT_GT(steps.size(), 1900U);
}

}  // namespace
}  // namespace naru::resolver::test
