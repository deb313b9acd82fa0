// What routers are told of the IPv6 groups that are listened to here (RFC 3810, RFC 2710).
#include "wire/mld.hpp"

#include <map>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host6.hpp"
#include "wire/ipv6_extension.hpp"

namespace naru::ip::test {
namespace {

constexpr std::uint8_t kIsExclude = 2;
constexpr std::uint8_t kToInclude = 3;
constexpr std::uint8_t kToExclude = 4;
constexpr std::uint8_t kQuery = 130;
constexpr std::uint8_t kReport = 131;
constexpr std::uint8_t kDone = 132;
constexpr std::uint8_t kReportV2 = 143;

const IpAddr kQuerier = ip("fe80::99");
const Buffer kAlert{58, 0, 5, 2, 0, 0, 1, 0};
constexpr std::string_view kReports = "ff02::16";

using Records = std::map<std::string, std::uint8_t>;

Buffer message(std::uint8_t type, std::uint16_t code, std::string_view group) {
  Buffer m(24);
  m[0] = type;
  store_be16(m.data() + 4, code);
  wire::store_ipv6(m.data() + 8, ip(group));
  return m;
}
Buffer query_v1(std::uint16_t code, std::string_view group = "::") {
  return message(kQuery, code, group);
}
Buffer query(std::uint16_t code, std::string_view group = "::", std::uint16_t sources = 0) {
  Buffer more{2, 125, 0, 0};
  store_be16(more.data() + 2, sources);
  return query_v1(code, group) + more;
}

// How a message comes.
struct Envelope {
  IpAddr src = kQuerier;
  std::string_view to = "ff02::1";
  std::uint8_t hop_limit = 1;
  Buffer alert = kAlert;
};

Buffer packet_of(Buffer mld, const Envelope& envelope) {
  wire::Ipv6 header = header6(Protocol::icmpv6, envelope.src, ip(envelope.to));
  header.hop_limit = envelope.hop_limit;
  wire::fill_icmpv6_checksum(mld, header.src, header.dst);
  if (!envelope.alert.empty()) header.next_header = Protocol{0};
  return ipv6(header, envelope.alert + mld);
}

Input receive(Host& host, const Buffer& mld, const Envelope& envelope = {}) {
  const IpAddr to = ip(envelope.to);
  return host.receive(ethernet(to.is_multicast() ? wire::group_mac_v6(to) : kOurMac, kPeerMac,
                               wire::kEtherTypeIpv6, packet_of(mld, envelope)));
}

// A message of MLD that was sent, as it must be sent.
struct Said {
  IpAddr source;
  std::string to;
  Buffer bytes;

  static std::optional<Said> of(const Sent& sent) {
    const auto packet = ipv6_of(sent);
    if (!packet || packet->next_header() != Protocol{0}) return std::nullopt;
    const auto chain = wire::Ipv6Chain::of(*packet, true, false);
    EXPECT_EQ(chain.fault, wire::Ipv6Chain::Fault::none);
    EXPECT_EQ(chain.router_alert, wire::RouterAlert::kMld);
    EXPECT_EQ(chain.upper, 58);
    EXPECT_EQ(packet->hop_limit(), 1);
    EXPECT_EQ(sent.dst(), wire::group_mac_v6(packet->dst()));
    const Bytes mld = packet->bytes().subspan(chain.upper_at);
    EXPECT_TRUE(wire::Icmpv6View::parse(mld)->checksum_ok(packet->src(), packet->dst()));
    EXPECT_LE(packet->total_length(), 1'500U);
    return Said{packet->src(), packet->dst().to_string(), Buffer(mld.begin(), mld.end())};
  }
  bool is(std::uint8_t type, std::string_view group) const {
    Buffer wanted = message(type, 0, group);
    std::copy_n(bytes.begin() + 2, 2, wanted.begin() + 2);
    return bytes == wanted;
  }
};

std::vector<Said> said(Host& host) {
  std::vector<Said> all;
  for (const Sent& s : host.take_sent()) {
    if (auto one = Said::of(s)) all.push_back(std::move(*one));
  }
  return all;
}

// What the records of reports say of which group.
Records records_of(const std::vector<Said>& all) {
  Records found;
  for (const Said& s : all) {
    EXPECT_EQ(s.bytes[0], kReportV2);
    EXPECT_EQ(s.to, kReports);
    const std::size_t count = load_be16(s.bytes.data() + 6);
    EXPECT_EQ(s.bytes.size(), 8 + 20 * count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* p = s.bytes.data() + 8 + 20 * i;
      EXPECT_EQ(load_be32(p) & 0xffffffU, 0U) << "neither sources nor anything else";
      EXPECT_TRUE(found.emplace(wire::load_ipv6(p + 4).to_string(), p[0]).second);
    }
  }
  return found;
}

class MldTest : public ::testing::Test {
 protected:
  MldTest() {
    host.advance(5s);
    host.take_sent();
    own_[wire::solicited_node(kOur6).to_string()] = kIsExclude;
    own_[wire::solicited_node(host.link_local()).to_string()] = kIsExclude;
  }
  ~MldTest() override {
    host.take_sent();
    EXPECT_EQ(host.pool.in_use(), 0U);
  }
  void join(std::string_view group) {
    ASSERT_TRUE(host.ip.join(1, ip(group), host.now));
    host.collect();
  }
  void leave(std::string_view group) {
    host.ip.leave(1, ip(group), host.now);
    host.collect();
  }
  void settle() {
    host.advance(2s);
    host.take_sent();
  }
  Records records() {
    const auto all = said(host);
    for (const Said& s : all) EXPECT_EQ(s.source, host.link_local().without_zone());
    return records_of(all);
  }
  // Those and the groups that come with our addresses.
  Records and_own(Records more) const {
    more.insert(own_.begin(), own_.end());
    return more;
  }

  Host6 host;
  Records own_;
};

TEST_F(MldTest, SaysTwiceThatAGroupIsNew) {
  NARU_CHECKS("IC6-040");
  join("ff05::1:3");
  EXPECT_EQ(records(), (Records{{"ff05::1:3", kToExclude}}));
  join("ff05::1:3");  // one more of us is no news
  EXPECT_TRUE(records().empty());
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"ff05::1:3", kToExclude}}));
  host.advance(60s);
  EXPECT_TRUE(records().empty());
}

TEST_F(MldTest, SaysTwiceThatTheLastOneHasGone) {
  NARU_CHECKS("IC6-040");
  join("ff05::1:3");
  settle();
  leave("ff05::1:3");
  EXPECT_EQ(records(), (Records{{"ff05::1:3", kToInclude}}));
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"ff05::1:3", kToInclude}}));
  host.advance(60s);
  EXPECT_TRUE(records().empty());
}

// Who comes with an address: the group of those that are asked for it.
TEST_F(MldTest, SaysThatAnAddressHasComeAndGone) {
  NARU_CHECKS("IC6-040");
  const IpAddr more = ip("2001:db8::abcd:1234");
  const std::string group = wire::solicited_node(more).to_string();
  ASSERT_TRUE(host.ip.add_address(1, {more, 64}, host.now));
  host.collect();
  EXPECT_EQ(records(), (Records{{group, kToExclude}}));
  ASSERT_TRUE(host.ip.add_address(1, prefix("2001:db8:1::abcd:1234/64"), host.now));
  host.advance(2s);
  EXPECT_EQ(records(), (Records{{group, kToExclude}})) << "once more, and not for the second";
  ASSERT_TRUE(host.ip.remove_address(1, more));
  host.advance(2s);
  EXPECT_TRUE(records().empty()) << "it is the other's, too";
  ASSERT_TRUE(host.ip.remove_address(1, ip("2001:db8:1::abcd:1234")));
  host.advance(Duration{});
  EXPECT_EQ(records(), (Records{{group, kToInclude}}));
  host.advance(2s);
  EXPECT_EQ(records(), (Records{{group, kToInclude}}));
}

TEST_F(MldTest, AnswersAQueryInTime) {
  NARU_CHECKS("IC6-040");
  for (const char* group : {"ff05::1:3", "ff02::fb", "ff0e::1234"}) join(group);
  settle();
  const Records all =
      and_own({{"ff05::1:3", kIsExclude}, {"ff02::fb", kIsExclude}, {"ff0e::1234", kIsExclude}});
  receive(host, query(10'000));
  host.advance(10s);
  EXPECT_EQ(records(), all);
  receive(host, query(1'000, "ff02::fb"), {.to = "ff02::fb"});
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"ff02::fb", kIsExclude}}));
  receive(host, query(1'000, "ff02::99"));  // nobody's
  host.advance(1s);
  EXPECT_TRUE(records().empty());
  receive(host, query(0));  // at once
  host.advance(Duration{});
  EXPECT_EQ(records(), all);
  receive(host, query(0), {.to = "2001:db8::1"});  // to any address of ours (RFC 3810 5.1.15)
  host.advance(Duration{});
  EXPECT_EQ(records(), all);
}

TEST_F(MldTest, SpreadsItsAnswersOverTheTime) {
  NARU_CHECKS("IC6-040");
  std::size_t early = 0;
  for (int i = 0; i < 100; ++i) {
    receive(host, query(10'000));
    host.advance(5s);
    early += records().empty() ? 0 : 1;
    host.advance(5s);
    host.take_sent();
  }
  EXPECT_GT(early, 25U);
  EXPECT_LT(early, 75U);
}

// From 32768 on the code is a number with an exponent (RFC 3810 5.1.3).
TEST_F(MldTest, ReadsLongTimes) {
  const auto longest = [](const Buffer& q) { return wire::MldView::parse(q)->max_response(); };
  EXPECT_EQ(longest(query(32'767)), 32'767ms);
  EXPECT_EQ(longest(query(0x8000)), 32'768ms);
  EXPECT_EQ(longest(query(0x8fff)), 8'191ms * 8);
  EXPECT_EQ(longest(query(0xffff)), 8'191ms * 1024);
  EXPECT_EQ(longest(query_v1(0xffff)), 65'535ms);
}

TEST_F(MldTest, PutsManyGroupsIntoFewMessages) {
  for (int i = 0; i < 200; ++i) join("ff05::77:" + std::to_string(i));
  settle();
  receive(host, query(1));
  host.advance(1s);
  const auto sent = said(host);
  EXPECT_EQ(sent.size(), 3U) << "of at most 72 records";
  EXPECT_EQ(records_of(sent).size(), 202U);
}

TEST_F(MldTest, SpeaksTheVersionOfTheQuerier) {
  NARU_CHECKS("IC6-040");
  join("ff05::1:3");
  settle();
  receive(host, query_v1(1'000));
  host.advance(1s);
  auto all = said(host);
  ASSERT_EQ(all.size(), 3U) << "one for each group";
  for (const Said& s : all) EXPECT_TRUE(s.is(kReport, s.to));
  leave("ff05::1:3");
  all = said(host);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].is(kDone, "ff05::1:3"));
  EXPECT_EQ(all[0].to, "ff02::2");
  host.advance(5s);
  EXPECT_TRUE(said(host).empty()) << "said once";

  receive(host, query(1'000));  // of a newer querier, beside the older one
  host.advance(1s);
  for (const Said& s : said(host)) EXPECT_EQ(s.bytes[0], kReport);
  host.advance(261s);  // the older one is forgotten
  join("ff05::1:4");
  EXPECT_EQ(records(), (Records{{"ff05::1:4", kToExclude}}));
}

TEST_F(MldTest, ForgetsWhatItWasAboutToSayInAnotherVersion) {
  receive(host, query(60'000));
  join("ff05::1:3");
  leave("ff05::1:3");
  host.take_sent();
  receive(host, query_v1(0));
  host.advance(Duration{});
  EXPECT_EQ(said(host).size(), 2U);
  host.advance(60s);
  EXPECT_TRUE(said(host).empty());
  join("ff05::1:3");
  EXPECT_EQ(said(host).size(), 1U) << "it had gone, and is new";
}

TEST_F(MldTest, KeepsSilentWhereAnotherHasAnsweredAnOlderQuerier) {
  NARU_CHECKS("IC6-040");
  join("ff05::1:3");
  settle();
  const Buffer report = message(kReport, 0, "ff05::1:3");
  const auto count_after = [&](const Envelope& envelope) {
    receive(host, query_v1(1'000, "ff05::1:3"));
    receive(host, report, envelope);
    host.advance(1s);
    return said(host).size();
  };
  EXPECT_EQ(count_after({.to = "ff05::1:3"}), 0U);
  EXPECT_EQ(count_after({.src = IpAddr::any_v6(), .to = "ff05::1:3"}), 0U);
  EXPECT_EQ(count_after({.src = kPeer6, .to = "ff05::1:3"}), 1U);
  EXPECT_EQ(count_after({.to = "ff05::1:3", .hop_limit = 2}), 1U);
  EXPECT_EQ(count_after({.to = "ff05::1:3", .alert = {}}), 1U);
  EXPECT_EQ(count_after({.to = "ff02::1"}), 1U) << "of another group than it went to";
}

TEST_F(MldTest, SaysNothingOfGroupsThatStay) {
  NARU_CHECKS("IC6-040");
  for (const char* group : {"ff02::1", "ff01::1", "ff01::99", "ff00::1"}) {
    join(group);
    leave(group);
    join(group);
  }
  ASSERT_TRUE(host.ip.join(kLoopback, ip("ff05::1:3"), host.now));
  host.advance(2s);
  EXPECT_TRUE(said(host).empty());
  receive(host, query(0));
  host.advance(Duration{});
  EXPECT_EQ(records(), own_);
}

// An interface that speaks no IPv6 has no routers to tell.
TEST(MldBeginning, SaysNothingWithoutIpv6) {
  Host host;
  ASSERT_TRUE(host.ip.set_mtu(1, 68));
  ASSERT_TRUE(host.ip.join(1, ip("ff05::1:3"), host.now));
  receive(host, query(0));
  host.advance(2s);
  EXPECT_TRUE(said(host).empty());
  host.ip.leave(1, ip("ff05::1:3"), host.now);
  host.advance(2s);
  EXPECT_TRUE(said(host).empty());
}

// As long as an address is only wanted, its group is told of from nobody, and before anybody
// is asked for the address (RFC 3810 5.2.13, RFC 4862 5.4.2); and again when it may be used.
TEST(MldBeginning, TellsFromNobodyWhileItProbes) {
  NARU_CHECKS("IC6-040");
  Host host{{.options = {{Option::arp_probe_count, 1}}}};
  ASSERT_TRUE(host.ip.enable_ipv6(1, host.now));
  host.collect();
  EXPECT_TRUE(host.take_sent().empty()) << "not all hosts at once";
  IpAddr own;
  host.ip.for_each_address([&](const AddressInfo& a) {
    if (a.prefix.addr.is_v6() && a.prefix.addr.is_link_local()) own = a.prefix.addr;
  });
  const std::string group = wire::solicited_node(own).to_string();
  std::vector<IpAddr> sources;
  bool is_probed = false;
  for (int i = 0; i < 40; ++i) {
    host.advance(100ms);
    for (const Sent& s : host.take_sent()) {
      if (const auto one = Said::of(s)) {
        sources.push_back(one->source);
        EXPECT_TRUE(records_of({*one}).contains(group));
        continue;
      }
      is_probed = true;
      EXPECT_FALSE(sources.empty()) << "told before asked";
    }
  }
  EXPECT_TRUE(is_probed);
  ASSERT_GE(sources.size(), 2U);
  EXPECT_EQ(sources.front(), IpAddr::any_v6());
  EXPECT_EQ(sources.back(), own.without_zone());
}

TEST_F(MldTest, TellsAgainWhenTheLinkIsUpAgain) {
  join("ff05::1:3");
  settle();
  ASSERT_TRUE(host.ip.set_up(1, false, host.now));
  join("ff05::1:4");
  host.advance(5s);
  EXPECT_TRUE(said(host).empty());
  ASSERT_TRUE(host.ip.set_up(1, true, host.now));
  host.collect();
  EXPECT_EQ(records(), and_own({{"ff05::1:3", kIsExclude}, {"ff05::1:4", kIsExclude}}));
}

TEST_F(MldTest, DropsWhatIsNoQueryOfThisLink) {
  NARU_CHECKS("IC6-040");
  join("ff05::1:3");
  settle();
  const auto reason = [&](const Buffer& mld, const Envelope& envelope = {}) {
    return receive(host, mld, envelope).reason;
  };
  EXPECT_EQ(reason(query(1), {.hop_limit = 2}), Drop::mld_ignored);
  EXPECT_EQ(reason(query(1), {.hop_limit = 255}), Drop::mld_ignored);
  EXPECT_EQ(reason(query(1), {.src = kPeer6}), Drop::mld_ignored) << "not link-local";
  EXPECT_EQ(reason(query(1), {.src = IpAddr::any_v6()}), Drop::mld_ignored);
  EXPECT_EQ(reason(query(1), {.alert = {}}), Drop::mld_ignored);
  EXPECT_EQ(reason(query(1), {.alert = {58, 0, 5, 2, 0, 1, 1, 0}}), Drop::mld_ignored) << "RSVP's";
  EXPECT_EQ(reason(query(1), {.alert = {58, 0, 1, 4, 0, 0, 0, 0}}), Drop::mld_ignored);
  for (std::size_t size = 8; size < 28; ++size) {
    if (size == 24) continue;
    Buffer cut = query(1);
    cut.resize(size);
    EXPECT_EQ(reason(cut), Drop::mld_malformed) << size;
  }
  EXPECT_EQ(reason(query(1, "ff05::1:3", 1)), Drop::mld_malformed) << "a source too many";
  EXPECT_EQ(reason(query(1, "ff05::1:3", 0xffff)), Drop::mld_malformed);
  EXPECT_EQ(reason(query(1, "ff05::1:3", 2) + Buffer(31)), Drop::mld_malformed);
  EXPECT_EQ(reason(query(1, "2001:db8::1")), Drop::mld_malformed);
  EXPECT_EQ(reason(query(1, "::ffff:239.1.2.3")), Drop::mld_malformed);
  EXPECT_EQ(reason(query(1, "::ffff:0.0.0.0")), Drop::mld_malformed);
  EXPECT_EQ(reason(message(kDone, 0, "ff05::1:3")), Drop::mld_ignored);
  EXPECT_EQ(reason(message(kReportV2, 0, "ff05::1:3")), Drop::mld_ignored);
  Buffer damaged = packet_of(query(1), {});
  damaged.back() ^= 1;
  EXPECT_EQ(host.receive6(damaged).reason, Drop::icmp_bad_checksum);
  host.advance(20s);
  EXPECT_TRUE(said(host).empty());
  EXPECT_EQ(reason(query(1, "ff05::1:3", 2) + Buffer(32)), Drop::none);
}

TEST_F(MldTest, AnswersAfterADeathToo) {
  join("ff05::1:3");
  join("ff05::1:4");
  leave("ff05::1:4");
  host.take_sent();
  host.ip.recover(host.now);
  host.advance(5s);
  host.take_sent();
  receive(host, query(1'000));
  host.advance(1s);
  EXPECT_EQ(records(), and_own({{"ff05::1:3", kIsExclude}}));
}

TEST_F(MldTest, TheTraceShowsWhatIsAskedAndTold) {
  settle();
  host.trace.set_on(true);
  const auto told = [&] {
    std::vector<std::string> all;
    while (const trace::Event* e = host.trace.pop()) {
      if (e->kind < trace::Kind::group_asked || e->kind > trace::Kind::group_told) continue;
      EXPECT_EQ(e->protocol, Protocol::icmpv6);
      const bool is_ours = e->kind == trace::Kind::group_told;
      all.push_back(is_ours ? e->remote.addr.to_string() + (e->extra == 0 ? " left" : " joined")
                            : e->remote.addr.to_string() + " asks " + e->local.addr.to_string());
    }
    return all;
  };
  join("ff05::1:3");
  EXPECT_EQ(told(), std::vector<std::string>{"ff05::1:3 joined"});
  settle();
  told();
  receive(host, query(1'000, "ff05::1:3"), {.to = "ff05::1:3"});
  host.advance(1s);
  EXPECT_EQ(told(), (std::vector<std::string>{"fe80::99%1 asks ff05::1:3", "ff05::1:3 joined"}));
  leave("ff05::1:3");
  EXPECT_EQ(told(), std::vector<std::string>{"ff05::1:3 left"});
  settle();
}

}  // namespace
}  // namespace naru::ip::test
