// From the name that a person writes to addresses, and back.
#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "fixture.hpp"

namespace naru::resolver::test {
namespace {

using Strings = std::vector<std::string>;

class HostTest : public ResolverTest {
 protected:
  Strings addresses(std::string_view name, NameFamily family = NameFamily::any) {
    const auto answer = find(name, family);
    return answer ? to_strings(answer->addresses) : Strings{"no answer"};
  }
  Strings asked_names() const {
    Strings names;
    for (const Asked& asked : server.asked) {
      names.push_back(asked.question.name.folded().to_string());
    }
    return names;
  }
};

TEST_F(HostTest, HasAddressesOfBothFamilies) {
  NARU_CHECKS("DNS-026");
  use(config());
  serve({v4("www.example", "192.0.2.1"), v6("www.example", "2001:db8::1")});
  // In the order of RFC 6724, as long as there is no way to either.
  EXPECT_EQ(addresses("www.example"), (Strings{"2001:db8::1", "192.0.2.1"}));
  EXPECT_EQ(addresses("www.example", NameFamily::v4), Strings{"192.0.2.1"});
  EXPECT_EQ(addresses("www.example", NameFamily::v6), Strings{"2001:db8::1"});
  EXPECT_EQ(server.asked.size(), 2U);
}

TEST_F(HostTest, WhatCanBeReachedComesFirst) {
  NARU_CHECKS("DNS-027");
  ASSERT_TRUE(a->add_route({IpAddr::any_v4(), 0}, IpAddr::v4(10, 0, 0, 2), 1));
  use(config());
  serve({v4("www.example", "192.0.2.1"), v6("www.example", "2001:db8::1")});
  EXPECT_EQ(addresses("www.example"), (Strings{"192.0.2.1", "2001:db8::1"})) << "without a way";
  ASSERT_TRUE(a->add_address(1, *Prefix::parse("2001:db8::a/64")));
  run(5s);
  // IPv6 has the higher precedence (RFC 6724 2.1).
  EXPECT_EQ(addresses("www.example"), (Strings{"2001:db8::1", "192.0.2.1"}));
  ASSERT_TRUE(a->remove_address(1, *IpAddr::parse("2001:db8::a")));
  run(1s);
  EXPECT_EQ(addresses("www.example"), (Strings{"192.0.2.1", "2001:db8::1"}));
}

TEST_F(HostTest, OneFamilyWillDo) {
  NARU_CHECKS("DNS-026");
  for (const std::string_view fault : {"silent", "servfail", "nxdomain"}) {
    use(config());
    server.answers = [fault](const Asked& asked) {
      Response response{.answers = {v4("www.example", "192.0.2.1")}};
      if (asked.question.type == DnsType::aaaa) {
        if (fault == "silent") return Buffers();
        response = {.rcode = fault == "servfail" ? DnsRcode::server_failure : DnsRcode::name_error};
      }
      return Buffers{response.to(asked.bytes)};
    };
    const Time start = now;
    EXPECT_EQ(addresses("www.example"), Strings{"192.0.2.1"}) << fault;
    EXPECT_LE(now - start, 60ms) << fault;
    run(60s);
  }
}

TEST_F(HostTest, SomeNamesAreNotAskedFor) {
  NARU_CHECKS("DNS-028");
  ResolverConfig with_hosts = config();
  with_hosts.hosts = HostsFile::parse("192.0.2.5 printer Printer.lan\n192.0.2.6 printer\n");
  use(with_hosts);
  EXPECT_EQ(addresses("192.0.2.7"), Strings{"192.0.2.7"});
  EXPECT_EQ(addresses("2001:db8::7"), Strings{"2001:db8::7"});
  EXPECT_EQ(find("192.0.2.7", NameFamily::v6)->outcome, NameOutcome::no_data);
  EXPECT_EQ(addresses("localhost"), (Strings{"::1", "127.0.0.1"}));
  EXPECT_EQ(addresses("www.LocalHost.", NameFamily::v4), Strings{"127.0.0.1"});
  EXPECT_EQ(addresses("PRINTER.lan"), Strings{"192.0.2.5"});
  EXPECT_EQ(addresses("printer"), (Strings{"192.0.2.5", "192.0.2.6"}));
  EXPECT_EQ(find("www.invalid")->outcome, NameOutcome::no_such_name);
  EXPECT_EQ(find("printer.local")->outcome, NameOutcome::no_such_name);
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(HostTest, NamesThatAreNoHostsAreNotAskedFor) {
  NARU_CHECKS("DNS-004");
  use(config());
  for (const std::string_view name : {"a b", "a\nb", "a@b", "a..b", "", R"(a\000b)"}) {
    EXPECT_EQ(find(name)->outcome, NameOutcome::bad_name) << name;
  }
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(HostTest, AliasesThatAreNoHostsAreNotHandedOn) {
  NARU_CHECKS("DNS-004");
  use(config());
  for (const std::string_view target : {R"(a\000b.example)", R"(a\.b.example)", "a@b", "a\nb"}) {
    server.answers = [target](const Asked& asked) {
      const Response response{
          .answers = {cname("www.example", target, 0), v4(target, "192.0.2.1")}};
      return Buffers{response.to(asked.bytes)};
    };
    const auto answer = find("www.example");
    EXPECT_EQ(answer->outcome, NameOutcome::failed) << target;
    EXPECT_TRUE(answer->addresses.empty());
  }
}

TEST_F(HostTest, ShortNamesAreLookedForInTheSearchList) {
  NARU_CHECKS("DNS-031");
  ResolverConfig searching = config();
  searching.search = {"one.example", "two.example"};
  use(searching);
  serve({v4("www.two.example", "192.0.2.1"), v4("bare", "192.0.2.2")});
  EXPECT_EQ(addresses("www", NameFamily::v4), Strings{"192.0.2.1"});
  EXPECT_EQ(asked_names(), (Strings{"www.one.example", "www.two.example"}));
  server.asked.clear();
  EXPECT_EQ(addresses("bare", NameFamily::v4), Strings{"192.0.2.2"});
  EXPECT_EQ(asked_names(), (Strings{"bare.one.example", "bare.two.example", "bare"}));
}

TEST_F(HostTest, LongAndAbsoluteNamesAreNotLookedForInTheSearchList) {
  NARU_CHECKS("DNS-031");
  ResolverConfig searching = config();
  searching.search = {"example"};
  use(searching);
  serve({});
  EXPECT_EQ(find("www.test", NameFamily::v4)->outcome, NameOutcome::no_such_name);
  EXPECT_EQ(find("www.", NameFamily::v4)->outcome, NameOutcome::no_such_name);
  EXPECT_EQ(asked_names(), (Strings{"www.test", "www"}));
  server.asked.clear();
  searching.ndots = 3;
  use(searching);
  EXPECT_EQ(find("a.b.c", NameFamily::v4)->outcome, NameOutcome::no_such_name);
  EXPECT_EQ(find("a.b.c.d", NameFamily::v4)->outcome, NameOutcome::no_such_name);
  EXPECT_EQ(asked_names(), (Strings{"a.b.c.example", "a.b.c", "a.b.c.d"}));
}

TEST_F(HostTest, AddressesHaveNames) {
  ResolverConfig with_hosts = config();
  with_hosts.hosts = HostsFile::parse("192.0.2.5 printer.lan printer\n");
  use(with_hosts);
  serve({ptr("1.2.0.192.in-addr.arpa", "www.example"),
         ptr("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
             "six.example"),
         ptr("2.2.0.192.in-addr.arpa", R"(www\010.example)")});
  const auto name_of = [this](std::string_view address) {
    std::string name = "no answer";
    resolver->find_name(*IpAddr::parse(address), [&name](const HostAnswer& answer) {
      name = answer.outcome == NameOutcome::found ? answer.canonical
                                                  : std::string(to_string(answer.outcome));
    });
    run(1s);
    return name;
  };
  EXPECT_EQ(name_of("192.0.2.1"), "www.example");
  EXPECT_EQ(name_of("2001:db8::1"), "six.example");
  EXPECT_EQ(name_of("192.0.2.5"), "printer.lan");
  EXPECT_EQ(name_of("192.0.2.9"), "no such name");
  EXPECT_EQ(name_of("192.0.2.2"), "the name servers failed") << "a line break is no host's name";
}

}  // namespace
}  // namespace naru::resolver::test
