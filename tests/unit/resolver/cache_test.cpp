// What is remembered, and how long.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

class CacheTest : public ResolverTest {
 protected:
  void serve(Response response) {
    server.answers = [response = std::move(response)](const Asked& asked) {
      return Buffers{response.to(asked.bytes)};
    };
  }
  // How many queries it takes to ask.
  std::size_t queries(std::string_view name, DnsType type = DnsType::a) {
    const std::size_t before = server.asked.size();
    EXPECT_TRUE(ask(name, type));
    return server.asked.size() - before;
  }
};

TEST_F(CacheTest, KeepsAnAnswerForTheShortestOfItsLives) {
  NARU_CHECKS("DNS-022");
  use(config());
  serve({.answers = {v4("end.example", "192.0.2.1", 100), cname("www.example", "end.example", 70),
                     v4("end.example", "192.0.2.2", 90)}});
  EXPECT_EQ(queries("www.example"), 1U);
  run(60s);
  const auto answer = ask("www.example", DnsType::a);
  EXPECT_EQ(server.asked.size(), 1U);
  EXPECT_EQ(answer->records[0].ttl, 40U);
  run(9s);
  EXPECT_EQ(queries("www.example"), 0U);
  run(1s);
  EXPECT_EQ(queries("www.example"), 1U);
}

TEST_F(CacheTest, KeepsNothingWithoutALife) {
  use(config());
  serve({.answers = {v4("www.example", "192.0.2.1", 0)}});
  EXPECT_EQ(queries("www.example"), 1U);
  EXPECT_EQ(queries("www.example"), 1U);
}

TEST_F(CacheTest, KeepsNothingForLongerThanADay) {
  NARU_CHECKS("DNS-022");
  use(config());
  serve({.answers = {v4("www.example", "192.0.2.1", 0x7fffffff)}});
  EXPECT_EQ(queries("www.example"), 1U);
  run(24h - 1s);
  EXPECT_EQ(queries("www.example"), 0U);
  run(1s);
  EXPECT_EQ(queries("www.example"), 1U);
}

TEST_F(CacheTest, KeepsWhatIsMissingAsLongAsItsZoneSays) {
  NARU_CHECKS("DNS-019");
  for (const auto& [ttl, minimum, kept] :
       {std::tuple{300U, 60U, 60s}, std::tuple{60U, 300U, 60s}, std::tuple{86400U, 86400U, 900s}}) {
    for (const DnsRcode rcode : {DnsRcode::name_error, DnsRcode::no_error}) {
      use(config());
      serve({.rcode = rcode, .authorities = {soa("example", ttl, minimum)}});
      EXPECT_EQ(queries("www.example"), 1U);
      run(kept - 1s);
      EXPECT_EQ(queries("www.example"), 0U) << kept.count();
      run(1s);
      EXPECT_EQ(queries("www.example"), 1U) << kept.count();
    }
  }
}

TEST_F(CacheTest, DoesNotKeepWhatIsMissingWithoutAZone) {
  NARU_CHECKS("DNS-019");
  use(config());
  serve({.rcode = DnsRcode::name_error});
  EXPECT_EQ(queries("www.example"), 1U);
  EXPECT_EQ(queries("www.example"), 1U);
  // Another zone has nothing to say about it.
  serve({.rcode = DnsRcode::name_error, .authorities = {soa("test", 300, 300)}});
  EXPECT_EQ(queries("www.example"), 1U);
  EXPECT_EQ(queries("www.example"), 1U);
}

TEST_F(CacheTest, KnowsThatNothingIsBelowAMissingName) {
  NARU_CHECKS("DNS-020");
  use(config());
  serve({.rcode = DnsRcode::name_error, .authorities = {soa("example", 300, 300)}});
  EXPECT_EQ(queries("gone.example"), 1U);
  EXPECT_EQ(queries("gone.example", DnsType::aaaa), 0U);
  EXPECT_EQ(queries("www.GONE.example"), 0U);
  EXPECT_EQ(queries("also-gone.example"), 1U);
}

TEST_F(CacheTest, AMissingTargetDoesNotMakeItsAliasMissing) {
  NARU_CHECKS("DNS-020");
  use(config());
  serve({.rcode = DnsRcode::name_error,
         .answers = {cname("www.example", "gone.example", 300)},
         .authorities = {soa("example", 300, 300)}});
  EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::no_such_name);
  EXPECT_EQ(queries("www.example"), 0U);
  EXPECT_EQ(queries("deeper.www.example"), 1U);
  EXPECT_EQ(queries("deeper.gone.example"), 0U);
}

TEST_F(CacheTest, HoldsSoManyAnswersAndForgetsTheOldest) {
  NARU_CHECKS("DNS-033");
  ResolverConfig small = config();
  small.cache_entries = 100;
  use(small);
  server.answers = [](const Asked& asked) {
    const std::string name = asked.question.name.to_string();
    return Buffers{Response{.answers = {v4(name, "192.0.2.1")}}.to(asked.bytes)};
  };
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(queries("n" + std::to_string(i) + ".example"), 1U);
    // This one is asked for all the time.
    EXPECT_EQ(queries("n0.example"), 0U);
  }
  EXPECT_EQ(resolver->cached(), 100U);
  EXPECT_EQ(queries("n999.example"), 0U);
  EXPECT_EQ(queries("n1.example"), 1U);
}

TEST_F(CacheTest, HoldsSoManyBytes) {
  NARU_CHECKS("DNS-033");
  ResolverConfig small = config();
  small.cache_entries = 100;
  use(small);
  // 100 records of 100 bytes each: such answers fill the room of ten.
  server.answers = [](const Asked& asked) {
    const std::string name = asked.question.name.to_string();
    Response response{.is_truncated = !asked.over_tcp};
    for (int i = 0; asked.over_tcp && i < 100; ++i) {
      response.answers.push_back({name, DnsType::txt, 3600, Buffer(100)});
    }
    return Buffers{response.to(asked.bytes)};
  };
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(ask("n" + std::to_string(i) + ".x", DnsType::txt));
  EXPECT_GE(resolver->cached(), 4U);
  EXPECT_LE(resolver->cached(), 10U);
}

TEST_F(CacheTest, TakesAHundredRecordsOfAName) {
  NARU_CHECKS("DNS-033");
  use(config());
  server.answers = [](const Asked& asked) {
    Response response{.is_truncated = !asked.over_tcp};
    for (int i = 0; asked.over_tcp && i < 1500; ++i) {
      response.answers.push_back(v4("www.example", "192.0.2.1"));
    }
    return Buffers{response.to(asked.bytes)};
  };
  EXPECT_EQ(ask("www.example", DnsType::a)->records.size(), 100U);
}

}  // namespace
}  // namespace naru::resolver::test
