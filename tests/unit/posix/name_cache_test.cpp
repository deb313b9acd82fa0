// What a process remembers of its name servers' answers.
#include <sys/wait.h>

#include "name_server.hpp"
#include "posix/names.hpp"

namespace naru::posix::test {
namespace {

using resolver::test::Response;

// www.example lives for an hour, brief.example for a second; nobody else is there, which is
// known for a second (RFC 2308).
resolver::test::Buffer answer(Bytes query) {
  const auto question = *wire::DnsMessageView::parse(query)->question();
  const std::string name = question.name.folded().to_string();
  Response response;
  if (name == "www.example" || name == "brief.example") {
    const std::uint32_t ttl = name == "www.example" ? 3600 : 1;
    response.answers = {resolver::test::v4(name, "192.0.2.1", ttl)};
  } else {
    response = {.rcode = DnsRcode::name_error,
                .authorities = {resolver::test::soa("example", 60, 1)}};
  }
  return response.to(query);
}

class NameCacheTest : public NameServerTest {
 protected:
  NameCacheTest() : NameServerTest(answer) {}

  // As a call of getaddrinfo(3) does it.
  std::string find(std::string_view name) {
    const HostAnswer host = Names(*library).find_host(name, NameFamily::v4);
    return host.addresses.empty() ? std::string(to_string(host.outcome))
                                  : host.addresses[0].to_string();
  }
  static void wait_a_second() { std::this_thread::sleep_for(std::chrono::milliseconds(1100)); }
};

TEST_F(NameCacheTest, TheSecondQuestionIsNotAsked) {
  EXPECT_EQ(find("www.example"), "192.0.2.1");
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(find("WWW.example"), "192.0.2.1");
  EXPECT_EQ(asked(), 0U);
}

TEST_F(NameCacheTest, AnswersLiveAsLongAsTheySay) {
  EXPECT_EQ(find("brief.example"), "192.0.2.1");
  wait_a_second();
  EXPECT_EQ(find("brief.example"), "192.0.2.1");
  EXPECT_EQ(asked(), 2U);
}

TEST_F(NameCacheTest, ThatANameIsNobodysIsRememberedToo) {
  EXPECT_EQ(find("none.example"), "no such name");
  EXPECT_EQ(find("none.example"), "no such name");
  EXPECT_EQ(find("www.none.example"), "no such name") << "nor is anybody below it (RFC 8020)";
  EXPECT_EQ(asked(), 1U);
  wait_a_second();
  EXPECT_EQ(find("none.example"), "no such name");
  EXPECT_EQ(asked(), 1U);
}

TEST_F(NameCacheTest, OtherServersAreAskedAgain) {
  EXPECT_EQ(find("www.example"), "192.0.2.1");
  use_servers({IpAddr::loopback_v4(), IpAddr::v4(192, 0, 2, 53)});
  EXPECT_EQ(find("www.example"), "192.0.2.1");
  EXPECT_EQ(asked(), 2U);
  use_servers({});
  EXPECT_EQ(find("www.example"), "no name server to ask");
  use_servers({IpAddr::loopback_v4(), IpAddr::v4(192, 0, 2, 53)});
  EXPECT_EQ(find("www.example"), "192.0.2.1");
  EXPECT_EQ(asked(), 1U) << "what was known has been forgotten";
}

TEST_F(NameCacheTest, WhatCouldNotBeAskedIsNotRemembered) {
  use_servers({IpAddr::v4(192, 0, 2, 53)});  // no way leads there
  EXPECT_EQ(find("www.example"), "timed out");
  EXPECT_EQ(library->names->size(), 0U);
}

TEST_F(NameCacheTest, IsBounded) {
  for (int i = 0; i < 2'000; ++i) find("n" + std::to_string(i) + ".example");
  EXPECT_LE(library->names->size(), 1'024U);
  EXPECT_GT(library->names->size(), 0U);
}

TEST_F(NameCacheTest, AChildHasWhatItsParentKnew) {
  EXPECT_EQ(find("www.example"), "192.0.2.1");
  const resolver::SharedCache* const before = library->names.get();
  fds().before_fork();
  const pid_t child = ::fork();
  if (child == 0) {
    library->after_fork_in_child();
    const bool is_known = library->names.get() == before && find("www.example") == "192.0.2.1";
    ::_exit(is_known ? 0 : 1);
  }
  fds().after_fork_in_parent();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(asked(), 1U);
}

TEST(SharedCacheOfResolvers, TakesNothingOfServersThatAreNoLongerAsked) {
  resolver::SharedCache cache(16, {});
  const wire::DnsQuestion question{*wire::DnsName::parse("www.example"), DnsType::a};
  const NameAnswer known{.outcome = NameOutcome::found, .canonical = "www.example", .records = {}};
  const std::array first{Endpoint{IpAddr::v4(10, 0, 0, 1), 53}};
  const std::array second{Endpoint{IpAddr::v4(10, 0, 0, 2), 53}};
  const auto early = cache.begin(first);
  cache.store(early, question, known, 1h, Time{});
  EXPECT_TRUE(cache.find(early, question, Time{}));
  const auto late = cache.begin(second);
  EXPECT_FALSE(cache.find(late, question, Time{}));
  cache.store(early, question, known, 1h, Time{});
  cache.store_missing(early, question.name, 1h, Time{});
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.begin(second), late);
}

}  // namespace
}  // namespace naru::posix::test
