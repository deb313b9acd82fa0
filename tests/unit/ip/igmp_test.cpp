// What routers are told of the groups that are listened to here (RFC 3376, RFC 2236, RFC 1112).
#include "wire/igmp.hpp"

#include <map>
#include <tuple>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "host.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4_options.hpp"

namespace naru::ip::test {
namespace {

constexpr std::uint8_t kIsExclude = 2;
constexpr std::uint8_t kToInclude = 3;
constexpr std::uint8_t kToExclude = 4;

class IgmpTest : public ::testing::Test {
 protected:
  IgmpTest() {
    host.advance(5s);
    host.take_sent();
  }
  ~IgmpTest() override {
    host.take_sent();
    EXPECT_EQ(host.pool.in_use(), 0U);
  }

  static Buffer sealed(Buffer message) {
    wire::store_checksum(message.data() + 2, wire::finish(wire::sum_bytes(message)));
    return message;
  }
  static Buffer message(std::uint8_t type, std::uint8_t code, std::string_view group) {
    Buffer m{type, code, 0, 0, 0, 0, 0, 0};
    wire::store_ipv4(m.data() + 4, ip(group));
    return m;
  }
  static Buffer query_v2(std::uint8_t code, std::string_view group = "0.0.0.0") {
    return sealed(message(0x11, code, group));
  }
  static Buffer query_v3(std::uint8_t code, std::string_view group = "0.0.0.0",
                         std::uint8_t sources = 0) {
    return sealed(message(0x11, code, group) + Buffer{2, 125, 0, sources});
  }
  Input receive(const Buffer& igmp, std::string_view to = "224.0.0.1", std::uint8_t ttl = 1,
                std::string_view from = "10.0.0.2") {
    const wire::Ipv4 header{.src = ip(from), .dst = ip(to), .protocol = Protocol::igmp, .ttl = ttl};
    return host.receive_ip(ipv4(header, igmp, {148, 4, 0, 0}), 1, wire::group_mac_v4(ip(to)));
  }
  void join(std::string_view group) {
    ASSERT_TRUE(host.ip.join(1, ip(group), host.now));
    host.collect();
  }
  void leave(std::string_view group) {
    host.ip.leave(1, ip(group), host.now);
    host.collect();
  }

  // What was sent, as it must be sent; the bytes of the messages.
  std::vector<Buffer> reports(std::string_view to = "224.0.0.22") {
    std::vector<Buffer> all;
    for (const Sent& s : host.take_sent()) {
      const auto packet = *s.ipv4();
      EXPECT_EQ(packet.protocol(), Protocol::igmp);
      EXPECT_EQ(packet.ttl(), 1);
      EXPECT_EQ(packet.tos(), 0xc0);
      EXPECT_EQ(packet.dst(), ip(to));
      EXPECT_EQ(packet.src(), ip("10.0.0.1"));
      EXPECT_EQ(s.dst(), wire::group_mac_v4(ip(to)));
      EXPECT_TRUE(wire::Ipv4OptionSummary::of(packet.options()).router_alert);
      EXPECT_TRUE(packet.header_checksum_ok());
      EXPECT_TRUE(wire::verifies(wire::sum_bytes(packet.payload())));
      all.emplace_back(packet.payload().begin(), packet.payload().end());
    }
    return all;
  }
  // The records of the reports of version 3.
  std::map<std::string, std::uint8_t> records() {
    std::map<std::string, std::uint8_t> found;
    for (const Buffer& r : reports()) {
      EXPECT_EQ(r[0], 0x22);
      const std::size_t count = load_be16(r.data() + 6);
      EXPECT_EQ(r.size(), 8 + 8 * count);
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* p = r.data() + 8 + 8 * i;
        EXPECT_TRUE(found.emplace(wire::load_ipv4(p + 4).to_string(), p[0]).second);
      }
    }
    return found;
  }
  using Records = std::map<std::string, std::uint8_t>;

  Host host;
};

TEST_F(IgmpTest, SaysTwiceThatAGroupIsNew) {
  NARU_CHECKS("IP4-050");
  join("239.1.2.3");
  EXPECT_EQ(records(), (Records{{"239.1.2.3", kToExclude}}));
  join("239.1.2.3");  // one more of us is no news
  EXPECT_TRUE(records().empty());
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"239.1.2.3", kToExclude}}));
  host.advance(60s);
  EXPECT_TRUE(records().empty());
}

TEST_F(IgmpTest, SaysTwiceThatTheLastOneHasGone) {
  NARU_CHECKS("IP4-050");
  join("239.1.2.3");
  join("239.1.2.3");
  host.advance(2s);
  host.take_sent();
  leave("239.1.2.3");
  EXPECT_TRUE(records().empty());
  leave("239.1.2.3");
  EXPECT_EQ(records(), (Records{{"239.1.2.3", kToInclude}}));
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"239.1.2.3", kToInclude}}));
  leave("239.1.2.3");  // it is none
  host.advance(60s);
  EXPECT_TRUE(records().empty());
}

TEST_F(IgmpTest, ComesBackBeforeItHasSaidGoodbyeTwice) {
  join("239.1.2.3");
  leave("239.1.2.3");
  join("239.1.2.3");
  host.take_sent();
  host.advance(2s);
  EXPECT_EQ(records(), (Records{{"239.1.2.3", kToExclude}}));
  EXPECT_TRUE(host.ip.join(1, ip("239.1.2.3"), host.now));
}

TEST_F(IgmpTest, AnswersAQueryInTime) {
  NARU_CHECKS("IP4-050");
  for (const char* group : {"239.1.2.3", "239.1.2.4", "224.0.0.251"}) join(group);
  host.advance(2s);
  host.take_sent();
  const Records all{
      {"239.1.2.3", kIsExclude}, {"239.1.2.4", kIsExclude}, {"224.0.0.251", kIsExclude}};
  receive(query_v3(100));
  host.advance(10s);
  EXPECT_EQ(records(), all);
  receive(query_v3(10, "239.1.2.4"), "239.1.2.4");
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"239.1.2.4", kIsExclude}}));
  receive(query_v3(10, "239.9.9.9"));
  receive(query_v3(0));  // at once, and no division by it
  host.advance(Duration{});
  EXPECT_EQ(records(), all);
}

// As switches do that have no address of their own (RFC 4541 2.1.1).
TEST_F(IgmpTest, AnswersWhoHasNoAddress) {
  NARU_CHECKS("IP4-050");
  join("239.1.2.3");
  host.advance(2s);
  host.take_sent();
  EXPECT_EQ(receive(query_v3(10), "224.0.0.1", 1, "0.0.0.0").reason, Drop::none);
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"239.1.2.3", kIsExclude}}));
}

TEST_F(IgmpTest, SpreadsItsAnswersOverTheTime) {
  NARU_CHECKS("IP4-050");
  join("239.1.2.3");
  host.advance(2s);
  host.take_sent();
  std::size_t early = 0;
  for (int i = 0; i < 100; ++i) {
    receive(query_v3(100));
    host.advance(5s);
    early += records().size();
    host.advance(5s);
    host.take_sent();
  }
  EXPECT_GT(early, 25U);
  EXPECT_LT(early, 75U);
}

// From 128 on the code is a number with an exponent (RFC 3376 4.1.1): 0x8f is 248 tenths.
TEST_F(IgmpTest, ReadsLongTimes) {
  EXPECT_EQ(wire::IgmpView::parse(query_v3(127))->max_response(), 12'700ms);
  EXPECT_EQ(wire::IgmpView::parse(query_v3(128))->max_response(), 12'800ms);
  EXPECT_EQ(wire::IgmpView::parse(query_v3(0x8f))->max_response(), 24'800ms);
  EXPECT_EQ(wire::IgmpView::parse(query_v3(0xff))->max_response(), 3'174'400ms);
  EXPECT_EQ(wire::IgmpView::parse(query_v2(255))->max_response(), 25'500ms);
  EXPECT_EQ(wire::IgmpView::parse(query_v2(0))->max_response(), 10s);
}

TEST_F(IgmpTest, PutsManyGroupsIntoFewMessages) {
  for (int i = 0; i < 400; ++i) {
    join("239.1." + std::to_string(i / 200) + "." + std::to_string(i % 200));
  }
  host.advance(2s);
  host.take_sent();
  receive(query_v3(1));
  host.advance(1s);
  const auto sent = reports();
  ASSERT_EQ(sent.size(), 3U);  // of at most 183 records
  std::size_t count = 0;
  for (const Buffer& r : sent) {
    EXPECT_LE(r.size() + 24, 1'500U);
    count += load_be16(r.data() + 6);
  }
  EXPECT_EQ(count, 400U);
}

TEST_F(IgmpTest, SpeaksTheVersionOfTheQuerier) {
  NARU_CHECKS("IP4-050");
  join("239.1.2.3");
  host.advance(2s);
  host.take_sent();
  receive(query_v2(50));
  host.advance(5s);
  auto sent = reports("239.1.2.3");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0], sealed(message(0x16, 0, "239.1.2.3")));
  leave("239.1.2.3");
  sent = reports("224.0.0.2");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0], sealed(message(0x17, 0, "239.1.2.3")));

  join("239.1.2.4");
  host.advance(2s);
  host.take_sent();
  receive(query_v2(0));  // of version 1
  host.advance(10s);
  sent = reports("239.1.2.4");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0], sealed(message(0x12, 0, "239.1.2.4")));
  leave("239.1.2.4");
  EXPECT_TRUE(reports().empty());  // there is no word for it

  host.advance(261s);  // the older querier is forgotten
  join("239.1.2.5");
  EXPECT_EQ(records(), (Records{{"239.1.2.5", kToExclude}}));
}

TEST_F(IgmpTest, KeepsSilentWhereAnotherHasAnsweredAnOlderQuerier) {
  join("239.1.2.3");
  host.advance(2s);
  host.take_sent();
  for (const bool is_heard : {true, false}) {
    receive(query_v2(50));
    if (is_heard) receive(sealed(message(0x16, 0, "239.1.2.3")), "239.1.2.3");
    host.advance(5s);
    EXPECT_EQ(reports("239.1.2.3").size(), is_heard ? 0U : 1U);
  }
}

TEST_F(IgmpTest, SaysNothingOfTheGroupOfAllHosts) {
  join("224.0.0.1");
  leave("224.0.0.1");
  ASSERT_TRUE(host.ip.join(kLoopback, ip("239.1.2.3"), host.now));
  receive(query_v3(10));
  host.advance(2s);
  EXPECT_TRUE(host.take_sent().empty());
  host.ip.leave(kLoopback, ip("239.1.2.3"), host.now);
}

TEST_F(IgmpTest, DropsWhatIsNoQuery) {
  NARU_CHECKS("IP4-050");
  join("239.1.2.3");
  host.advance(2s);
  host.take_sent();
  const auto reason = [&](const Buffer& igmp, std::string_view to = "224.0.0.1",
                          std::uint8_t ttl = 1) { return receive(igmp, to, ttl).reason; };
  EXPECT_EQ(reason({0x11, 1, 0, 0, 0, 0, 0}), Drop::igmp_malformed);
  Buffer damaged = query_v3(1);
  damaged[9] ^= 1;
  EXPECT_EQ(reason(damaged), Drop::igmp_bad_checksum);
  for (const std::size_t size : {9U, 10U, 11U}) {
    Buffer cut = message(0x11, 1, "0.0.0.0");
    cut.resize(size);
    EXPECT_EQ(reason(sealed(cut)), Drop::igmp_malformed) << size;
  }
  EXPECT_EQ(reason(query_v3(1, "239.1.2.3", 1)), Drop::igmp_malformed);    // a source too many
  EXPECT_EQ(reason(query_v3(1, "239.1.2.3", 255)), Drop::igmp_malformed);  // and more
  EXPECT_EQ(reason(query_v3(1, "10.0.0.1")), Drop::igmp_malformed);
  EXPECT_EQ(reason(query_v3(1), "224.0.0.1", 2), Drop::igmp_ignored);  // from beyond the link
  EXPECT_EQ(reason(query_v3(1), "239.1.2.3"), Drop::igmp_ignored);
  EXPECT_EQ(reason(sealed(message(0x22, 0, "0.0.0.0"))), Drop::igmp_ignored);
  EXPECT_EQ(reason(sealed(message(0x99, 0, "0.0.0.0"))), Drop::igmp_ignored);
  host.advance(20s);
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(IgmpTest, AnswersAfterADeathToo) {
  join("239.1.2.3");
  join("239.1.2.4");
  leave("239.1.2.4");
  host.take_sent();
  host.ip.recover(host.now);
  host.advance(5s);
  host.take_sent();
  receive(query_v3(10));
  host.advance(1s);
  EXPECT_EQ(records(), (Records{{"239.1.2.3", kIsExclude}}));
}

TEST_F(IgmpTest, TheTraceShowsWhatIsAskedHeardAndTold) {
  using Told = std::tuple<trace::Kind, std::string, std::string, std::uint32_t>;
  host.trace.set_on(true);
  const auto told = [&] {
    host.take_sent();
    std::vector<Told> all;
    while (const trace::Event* e = host.trace.pop()) {
      if (e->kind < trace::Kind::group_asked || e->kind > trace::Kind::group_told) continue;
      EXPECT_EQ(e->protocol, Protocol::igmp);
      EXPECT_EQ(e->interface, 1);
      all.emplace_back(e->kind, e->local.addr.to_string(), e->remote.addr.to_string(), e->extra);
    }
    return all;
  };
  const Told joined{trace::Kind::group_told, IpAddr().to_string(), "239.1.2.3", 1};
  join("239.1.2.3");
  EXPECT_EQ(told(), std::vector{joined});
  host.advance(1s);
  EXPECT_EQ(told(), std::vector{joined}) << "twice";
  receive(query_v3(10));
  EXPECT_EQ(told(), (std::vector{Told{trace::Kind::group_asked, "0.0.0.0", "10.0.0.2", 0}}));
  host.advance(1s);
  EXPECT_EQ(told(), std::vector{joined}) << "the answer";
  receive(query_v2(10, "239.1.2.3"), "239.1.2.3");
  receive(sealed(message(0x16, 0, "239.1.2.3")), "239.1.2.3", 1, "10.0.0.3");
  EXPECT_EQ(told(), (std::vector{Told{trace::Kind::group_asked, "239.1.2.3", "10.0.0.2", 0},
                                 Told{trace::Kind::group_heard, "239.1.2.3", "10.0.0.3", 0}}));
  host.advance(1s);
  EXPECT_TRUE(told().empty()) << "another has answered";
  leave("239.1.2.3");
  EXPECT_EQ(told(),
            (std::vector{Told{trace::Kind::group_told, IpAddr().to_string(), "239.1.2.3", 0}}));
}

}  // namespace
}  // namespace naru::ip::test
