// Questions and what their answers mean.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

class AskTest : public ResolverTest {};

TEST_F(AskTest, AnswersWithTheRecordsOfTheName) {
  use(config());
  serve({v4("www.example", "192.0.2.1"), v4("www.example", "192.0.2.2", 60),
         v6("www.example", "2001:db8::1"), v4("other.example", "192.0.2.9")});
  const auto answer = ask("www.example", DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->outcome, NameOutcome::found);
  EXPECT_EQ(answer->canonical, "www.example");
  ASSERT_EQ(answer->records.size(), 2U);
  EXPECT_EQ(answer->records[0].data, decltype(NameRecord::data)(IpAddr::v4(192, 0, 2, 1)));
  EXPECT_EQ(answer->records[1].ttl, 60U);
  EXPECT_EQ(first_address(ask("WWW.Example.", DnsType::aaaa)), "2001:db8::1");
}

TEST_F(AskTest, AsksInRandomLettersAndWithEdns) {
  NARU_CHECKS("DNS-015", "DNS-036");
  use(config());
  serve({v4("a-rather-long-name.example", "192.0.2.1")});
  EXPECT_EQ(first_address(ask("a-rather-long-name.example", DnsType::a)), "192.0.2.1");
  ASSERT_EQ(server.asked.size(), 1U);
  EXPECT_EQ(server.asked[0].udp_payload, 1232);
  const std::string text = server.asked[0].question.name.to_string();
  EXPECT_NE(text, "a-rather-long-name.example");
  EXPECT_EQ(server.asked[0].question.name, *wire::DnsName::parse("a-rather-long-name.example"));
  EXPECT_TRUE(wire::DnsHeader::parse(server.asked[0].bytes)->recursion_desired);
}

TEST_F(AskTest, TellsServicesNamesAndUnknownTypes) {
  NARU_CHECKS("DNS-038");
  use(config());
  Buffer srv{0, 1, 0, 2, 0, 80};
  const Buffer target = name_bytes("web.example");
  srv.insert(srv.end(), target.begin(), target.end());
  serve({{"_http._tcp.example", DnsType::srv, 60, srv},
         {"odd.example", DnsType{65400}, 60, {1, 2, 3}},
         ptr("1.2.0.192.in-addr.arpa", "www.example")});
  const auto services = ask("_http._tcp.example", DnsType::srv);
  ASSERT_TRUE(services && services->records.size() == 1);
  EXPECT_EQ(std::get<NameService>(services->records[0].data),
            (NameService{.priority = 1, .weight = 2, .port = 80, .target = "web.example"}));
  const auto odd = ask("odd.example", DnsType{65400});
  ASSERT_TRUE(odd && odd->records.size() == 1);
  EXPECT_EQ(std::get<std::vector<std::uint8_t>>(odd->records[0].data), (Buffer{1, 2, 3}));
}

TEST_F(AskTest, TellsMissingNamesFromMissingData) {
  use(config());
  serve({v4("www.example", "192.0.2.1")});
  EXPECT_EQ(ask("nobody.example", DnsType::a)->outcome, NameOutcome::no_such_name);
  EXPECT_EQ(ask("www.example", DnsType::aaaa)->outcome, NameOutcome::no_data);
}

TEST_F(AskTest, FollowsAliasesInWhateverOrder) {
  NARU_CHECKS("DNS-024");
  use(config());
  server.answers = [](const Asked& asked) {
    const Response response{.answers = {v4("end.example", "192.0.2.1"),
                                        cname("middle.example", "end.example"),
                                        cname("www.example", "middle.example", 30)}};
    return Buffers{response.to(asked.bytes)};
  };
  const auto answer = ask("www.example", DnsType::a);
  EXPECT_EQ(first_address(answer), "192.0.2.1");
  EXPECT_EQ(answer->canonical, "end.example");
  EXPECT_EQ(server.asked.size(), 1U);
}

TEST_F(AskTest, AsksForTheEndOfAliasesThatTheMessageLacks) {
  NARU_CHECKS("DNS-024");
  use(config());
  serve({cname("www.example", "elsewhere.test"), v4("elsewhere.test", "192.0.2.1")});
  const auto answer = ask("www.example", DnsType::a);
  EXPECT_EQ(first_address(answer), "192.0.2.1");
  EXPECT_EQ(answer->canonical, "elsewhere.test");
  EXPECT_EQ(server.asked.size(), 2U);
}

TEST_F(AskTest, EndsWhereAliasesGoRound) {
  NARU_CHECKS("DNS-024");
  use(config());
  server.answers = [](const Asked& asked) {
    const Response response{
        .answers = {cname("a.example", "b.example"), cname("b.example", "a.example")}};
    return Buffers{response.to(asked.bytes)};
  };
  EXPECT_EQ(ask("a.example", DnsType::a)->outcome, NameOutcome::failed);
  EXPECT_LE(server.asked.size(), 2U);
}

TEST_F(AskTest, EndsWhereAliasesNeverEnd) {
  NARU_CHECKS("DNS-024");
  use(config());
  int next = 0;
  server.answers = [&next](const Asked& asked) {
    const std::string name = asked.question.name.to_string();
    const std::string target = "n" + std::to_string(++next) + ".example";
    const Response response{.answers = {cname(name, target)}};
    return Buffers{response.to(asked.bytes)};
  };
  EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::failed);
  EXPECT_LE(server.asked.size(), 17U);
}

TEST_F(AskTest, NeverAsksForEverything) {
  NARU_CHECKS("DNS-032");
  use(config());
  EXPECT_EQ(ask("www.example", DnsType::any)->outcome, NameOutcome::bad_name);
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(AskTest, SendsNoNameThatIsNone) {
  NARU_CHECKS("DNS-001");
  use(config());
  EXPECT_EQ(ask(std::string(64, 'x') + ".example", DnsType::a)->outcome, NameOutcome::bad_name);
  EXPECT_EQ(ask("a..example", DnsType::a)->outcome, NameOutcome::bad_name);
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(AskTest, AsksOnceForAHundredWhoWantToKnow) {
  NARU_CHECKS("DNS-011");
  use(config());
  serve({v4("www.example", "192.0.2.1")});
  int told = 0;
  for (int i = 0; i < 100; ++i) {
    resolver->ask(i % 2 == 0 ? "www.example" : "WWW.EXAMPLE", DnsType::a,
                  [&told](const NameAnswer& answer) {
                    EXPECT_EQ(answer.outcome, NameOutcome::found);
                    ++told;
                  });
  }
  run(1s);
  EXPECT_EQ(told, 100);
  EXPECT_EQ(server.asked.size(), 1U);
}

TEST_F(AskTest, MayBeAskedByWhoIsBeingTold) {
  use(config());
  serve({v4("one.example", "192.0.2.1"), v4("two.example", "192.0.2.2")});
  std::string second;
  resolver->ask("one.example", DnsType::a, [&](const NameAnswer&) {
    resolver->ask("two.example", DnsType::a,
                  [&](const NameAnswer& answer) { second = first_address(answer); });
  });
  run(1s);
  EXPECT_EQ(second, "192.0.2.2");
}

TEST_F(AskTest, HasABoundOfQuestionsThatWait) {
  use(config());
  int failed = 0;
  for (int i = 0; i < 1000; ++i) {
    resolver->ask("n" + std::to_string(i) + ".example", DnsType::a,
                  [&failed](const NameAnswer& answer) {
                    failed += answer.outcome == NameOutcome::failed ? 1 : 0;
                  });
  }
  EXPECT_EQ(resolver->pending(), 512U);
  EXPECT_EQ(failed, 488);
  run(60s);
  EXPECT_EQ(resolver->pending(), 0U);
}

// The same seed gives the same numbers, ports and letters.
TEST_F(AskTest, IsRepeatedByItsSeed) {
  serve({});
  for (int run = 0; run < 2; ++run) {
    use(config(), 42);
    for (int i = 0; i < 3; ++i) ask("some-name.example", DnsType{static_cast<uint16_t>(i + 1)});
  }
  ASSERT_EQ(server.asked.size(), 6U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(server.asked[i].bytes, server.asked[i + 3].bytes);
    EXPECT_EQ(server.asked[i].from, server.asked[i + 3].from);
    EXPECT_NE(server.asked[i].from, server.asked[(i + 1) % 3].from);
  }
}

TEST_F(AskTest, SaysThatThereIsNobodyToAsk) {
  use({});
  EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::no_servers);
}

}  // namespace
}  // namespace naru::resolver::test
