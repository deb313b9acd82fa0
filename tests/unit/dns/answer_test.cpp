// Queries in, responses out: as the server of a zone gives them.
#include "dns/answer.hpp"

#include <gtest/gtest.h>

#include "zones.hpp"

namespace naru::dns::test {
namespace {

using wire::DnsMessageView;
using wire::DnsName;
using wire::DnsRecord;
using wire::DnsSection;

Message query(std::string_view name, DnsType type, std::uint16_t udp_payload = 1232) {
  Message bytes(wire::kMaxDnsQuery);
  const wire::DnsHeader header{.id = 0x1234, .recursion_desired = true};
  bytes.resize(wire::emit_query(header, {*DnsName::parse(name), type}, udp_payload, bytes));
  return bytes;
}

class AnswerTest : public ::testing::Test {
 protected:
  AnswerTest() {
    zones.push_back(zone(kExampleZone));
    zones.push_back(zone(kShopZone));
  }

  // The response, which can be read; an empty message where there is none.
  DnsMessageView answer(const Message& asked, Transport transport = Transport::udp) {
    std::optional<Message> refusal;
    const auto request = Request::parse(asked, transport, refusal);
    EXPECT_TRUE(request);
    message = refusal ? *refusal : answer_from(zones, *request);
    const auto view = DnsMessageView::parse(message);
    EXPECT_TRUE(view) << "the response is sound";
    EXPECT_TRUE(view->header().is_response);
    EXPECT_EQ(view->header().id, 0x1234);
    return *view;
  }
  DnsMessageView ask(std::string_view name, DnsType type = DnsType::a) {
    return answer(query(name, type));
  }
  // Names and types of a section: "www.shop.example 1".
  static std::vector<std::string> said(const DnsMessageView& view, DnsSection wanted) {
    std::vector<std::string> records;
    view.for_each([&](DnsSection section, const DnsRecord& record) {
      if (section != wanted) return;
      records.push_back(record.name.to_string() + ' ' +
                        std::to_string(static_cast<int>(record.type)));
    });
    return records;
  }
  using Strings = std::vector<std::string>;

  std::vector<Zone> zones;
  Message message;
};

TEST_F(AnswerTest, HasTheRecords) {
  const auto view = ask("www.SHOP.example");
  EXPECT_EQ(view.rcode(), DnsRcode::no_error);
  EXPECT_TRUE(view.header().is_authoritative);
  EXPECT_TRUE(view.header().recursion_desired);
  EXPECT_FALSE(view.header().recursion_available);
  EXPECT_EQ(view.question()->name.to_string(), "www.SHOP.example") << "letters are repeated";
  EXPECT_EQ(said(view, DnsSection::answer), (Strings(2, "www.SHOP.example 1")));
  EXPECT_EQ(view.udp_payload(), 1232);
  // Names that stand there already are pointed at.
  EXPECT_EQ(message.size(), 12U + 18 + 4 + 2 * (2 + 10 + 4) + 11);
}

TEST_F(AnswerTest, HasNoOptRecordForWhoHasNone) {
  EXPECT_EQ(answer(query("www.shop.example", DnsType::a, 0)).udp_payload(), 0);
}

TEST_F(AnswerTest, FollowsAliasesAsFarAsItKnows) {
  EXPECT_EQ(said(ask("chain.shop.example"), DnsSection::answer),
            (Strings{"chain.shop.example 5", "web.shop.example 5", "www.shop.example 1",
                     "www.shop.example 1"}));
  const auto loop = ask("loop.shop.example");
  EXPECT_LE(said(loop, DnsSection::answer).size(), 17U);
  // From there on another zone knows more.
  const auto away = ask("away.shop.example");
  EXPECT_EQ(said(away, DnsSection::answer), Strings{"away.shop.example 5"});
  EXPECT_EQ(said(away, DnsSection::authority), Strings{"farm.example 2"});
}

TEST_F(AnswerTest, SaysHowLongANameIsMissing) {
  const auto missing = ask("nobody.shop.example");
  EXPECT_EQ(missing.rcode(), DnsRcode::name_error);
  EXPECT_EQ(said(missing, DnsSection::authority), Strings{"shop.example 6"});
  missing.for_each([](DnsSection, const DnsRecord& soa) { EXPECT_EQ(soa.ttl, 60U); });
  const auto empty = ask("www.shop.example", DnsType::mx);
  EXPECT_EQ(empty.rcode(), DnsRcode::no_error);
  EXPECT_EQ(said(empty, DnsSection::authority), Strings{"shop.example 6"});
}

TEST_F(AnswerTest, LeadsToWhoKnowsMore) {
  zones.pop_back();
  const auto view = ask("www.shop.example");
  EXPECT_FALSE(view.header().is_authoritative);
  EXPECT_TRUE(said(view, DnsSection::answer).empty());
  EXPECT_EQ(said(view, DnsSection::authority), (Strings(2, "shop.example 2")));
  EXPECT_EQ(said(view, DnsSection::additional), Strings{"ns.shop.example 1"});
}

TEST_F(AnswerTest, SaysThatThereIsMoreThanFits) {
  std::string text = "$ORIGIN big.\n@ SOA a b 1 2 3 4 5\n";
  for (int i = 0; i < 300; ++i) text += "many A 192.0.2." + std::to_string(i % 256) + "\n";
  for (int i = 0; i < 60; ++i) text += "some A 192.0.3." + std::to_string(i) + "\n";
  zones.push_back(zone(text));
  EXPECT_TRUE(ask("many.big").header().is_truncated);
  EXPECT_LE(message.size(), 1232U);
  EXPECT_FALSE(ask("some.big").header().is_truncated);
  EXPECT_TRUE(answer(query("some.big", DnsType::a, 0)).header().is_truncated);
  EXPECT_LE(message.size(), 512U);
  const auto whole = answer(query("many.big", DnsType::a, 0), Transport::tcp);
  EXPECT_FALSE(whole.header().is_truncated);
  EXPECT_EQ(whole.header().answers, 300);
}

TEST_F(AnswerTest, RefusesWhatIsNotItsOwn) {
  EXPECT_EQ(ask("www.other").rcode(), DnsRcode::refused);
  EXPECT_EQ(ask("shop.example", DnsType::any).rcode(), DnsRcode::not_implemented);
  EXPECT_EQ(ask("shop.example", DnsType{252}).rcode(), DnsRcode::not_implemented) << "AXFR";
}

TEST_F(AnswerTest, KnowsOneVersionOfEdns) {
  Message asked = query("www.shop.example", DnsType::a);
  asked[asked.size() - 5] = 1;
  EXPECT_EQ(answer(asked).rcode(), DnsRcode::bad_version);
}

TEST_F(AnswerTest, AnswersNoResponsesAndNoNonsense) {
  std::optional<Message> refusal;
  Message asked = query("www.shop.example", DnsType::a);
  EXPECT_FALSE(Request::parse(Bytes(asked).first(11), Transport::udp, refusal));
  Message response = asked;
  response[2] |= 0x80U;
  EXPECT_FALSE(Request::parse(response, Transport::udp, refusal));
  EXPECT_FALSE(refusal);
  for (std::size_t size = 12; size < asked.size(); ++size) {
    ASSERT_TRUE(Request::parse(Bytes(asked).first(size), Transport::udp, refusal));
    ASSERT_TRUE(refusal) << size;
    EXPECT_EQ(wire::DnsHeader::parse(*refusal)->rcode, 1) << "FORMERR";
    EXPECT_LE(refusal->size(), size) << "more out than in";
    refusal.reset();
  }
  asked[2] = 0x28;  // UPDATE
  ASSERT_TRUE(Request::parse(asked, Transport::udp, refusal));
  EXPECT_EQ(wire::DnsHeader::parse(*refusal)->rcode, 4);
}

}  // namespace
}  // namespace naru::dns::test
