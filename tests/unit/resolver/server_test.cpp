// Servers that are old, slow, dead, or have much to say.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

class ServerTest : public ResolverTest {
 protected:
  // Beside the first: another, that answers with 192.0.2.2.
  void add_second() {
    second.emplace(b.stack(), kSecond);
    second->answers = [](const Asked& asked) {
      return Buffers{Response{.answers = {v4("www.example", "192.0.2.2")}}.to(asked.bytes)};
    };
    helper = &*second;
  }
  static ResolverConfig both() {
    ResolverConfig both = config();
    both.servers = {kServer, kSecond};
    return both;
  }

  std::optional<NameServer> second;
};

TEST_F(ServerTest, LongAnswersComeOverTcp) {
  NARU_CHECKS("DNS-012");
  use(config());
  server.answers = [](const Asked& asked) {
    Response response{.is_truncated = !asked.over_tcp};
    // What is there of a truncated answer is not used.
    if (!asked.over_tcp) response.answers = {v4("www.example", "203.0.113.1")};
    for (int i = 0; asked.over_tcp && i < 90; ++i) {
      response.answers.push_back(v4("www.example", "192.0.2." + std::to_string(i)));
    }
    return Buffers{response.to(asked.bytes)};
  };
  const auto answer = ask("www.example", DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->records.size(), 90U);
  EXPECT_EQ(first_address(answer), "192.0.2.0");
  ASSERT_EQ(server.asked.size(), 2U);
  EXPECT_TRUE(server.asked[1].over_tcp);
}

TEST_F(ServerTest, OldServersAreAskedWithoutEdns) {
  NARU_CHECKS("DNS-016");
  use(config());
  server.answers = [](const Asked& asked) {
    Response response{.rcode = DnsRcode::format_error};
    if (asked.udp_payload == 0) {
      response = {.answers = {v4(asked.question.name == *wire::DnsName::parse("one.example")
                                     ? "one.example"
                                     : "two.example",
                                 "192.0.2.1")}};
    }
    return Buffers{response.to(asked.bytes)};
  };
  EXPECT_EQ(first_address(ask("one.example", DnsType::a, 1s)), "192.0.2.1");
  EXPECT_EQ(server.asked.size(), 2U);
  // It is remembered.
  EXPECT_EQ(first_address(ask("two.example", DnsType::a, 1s)), "192.0.2.1");
  EXPECT_EQ(server.asked.size(), 3U);
  // And tried again after a while.
  run(20min);
  EXPECT_EQ(ask("three.example", DnsType::a, 1s)->outcome, NameOutcome::no_data);
  EXPECT_EQ(server.asked[3].udp_payload, 1232);
}

TEST_F(ServerTest, ServersThatAreSilentBeforeEdnsAreAskedWithoutIt) {
  NARU_CHECKS("DNS-016");
  use(config());
  server.answers = [](const Asked& asked) {
    if (asked.udp_payload != 0) return Buffers();
    return Buffers{Response{.answers = {v4("www.example", "192.0.2.1")}}.to(asked.bytes)};
  };
  EXPECT_EQ(first_address(ask("www.example", DnsType::a)), "192.0.2.1");
}

TEST_F(ServerTest, ServersThatChangeLettersAreUnderstood) {
  NARU_CHECKS("DNS-036");
  use(config());
  server.answers = [](const Asked& asked) {
    Buffer bytes = Response{.answers = {v4("www.example", "192.0.2.1")}}.to(asked.bytes);
    const auto lower = asked.question.name.folded();
    std::ranges::copy(lower.wire(), bytes.begin() + 12);
    return Buffers{bytes};
  };
  EXPECT_EQ(first_address(ask("www.example", DnsType::a)), "192.0.2.1");
}

TEST_F(ServerTest, TheNextIsAskedWhenOneIsDead) {
  NARU_CHECKS("DNS-025");
  add_second();
  use(both());
  const Time start = now;
  EXPECT_EQ(first_address(ask("www.example", DnsType::a)), "192.0.2.2");
  EXPECT_EQ(now - start, 5s);
}

TEST_F(ServerTest, TheNextIsAskedAtOnceWhenOneFails) {
  NARU_CHECKS("DNS-025");
  add_second();
  for (const DnsRcode rcode :
       {DnsRcode::server_failure, DnsRcode::refused, DnsRcode::not_implemented}) {
    use(both());
    server.answers = [rcode](const Asked& asked) {
      return Buffers{Response{.rcode = rcode}.to(asked.bytes)};
    };
    EXPECT_EQ(first_address(ask("www.example", DnsType::a, 1s)), "192.0.2.2");
  }
}

TEST_F(ServerTest, AServerThatOnlyKnowsOthersIsPassedOver) {
  add_second();
  use(both());
  server.answers = [](const Asked& asked) {
    const Response referral{
        .authorities = {{"example", DnsType::ns, 3600, name_bytes("ns.example")}}};
    return Buffers{referral.to(asked.bytes)};
  };
  EXPECT_EQ(first_address(ask("www.example", DnsType::a, 1s)), "192.0.2.2");
}

TEST_F(ServerTest, AQuestionEndsInBoundedTime) {
  NARU_CHECKS("DNS-025", "DNS-040");
  add_second();
  second->answers = {};
  use(both());
  const Time start = now;
  EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::timed_out);
  EXPECT_EQ(now - start, 20s);
  EXPECT_EQ(server.asked.size(), 2U);
  EXPECT_EQ(second->asked.size(), 2U);
}

TEST_F(ServerTest, FailuresAreRememberedForAMoment) {
  NARU_CHECKS("DNS-021", "DNS-040");
  use(config());
  server.answers = [](const Asked& asked) {
    return Buffers{Response{.rcode = DnsRcode::server_failure}.to(asked.bytes)};
  };
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::failed);
  }
  EXPECT_EQ(server.asked.size(), 2U);
  run(6s);
  EXPECT_EQ(ask("www.example", DnsType::a)->outcome, NameOutcome::failed);
  EXPECT_EQ(server.asked.size(), 4U);
}

// A stream that ends, and lengths that are none: the next attempt has its turn.
TEST_F(ServerTest, NonsenseOverTcpEndsNothing) {
  NARU_CHECKS("DNS-014");
  for (const Buffer& nonsense : {Buffer(), Buffer(5), Buffer(11)}) {
    use(config());
    int asked_over_tcp = 0;
    server.answers = [&](const Asked& asked) {
      if (!asked.over_tcp) return Buffers{Response{.is_truncated = true}.to(asked.bytes)};
      if (++asked_over_tcp == 1) return Buffers{nonsense};
      return Buffers{Response{.answers = {v4("www.example", "192.0.2.1")}}.to(asked.bytes)};
    };
    EXPECT_EQ(first_address(ask("www.example", DnsType::a)), "192.0.2.1") << nonsense.size();
  }
}

}  // namespace
}  // namespace naru::resolver::test
