// DNS messages: what is taken for one, and what is not.
#include "wire/dns.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "hex.hpp"

namespace naru::wire::test {
namespace {

using naru::test::Buffer;
using naru::test::hex;

// A response to "www.de A" with one answer: 192.0.2.1, and an OPT record.
constexpr std::string_view kQuestion = "03777777 026465 00 0001 0001";
constexpr std::string_view kAnswer = "c00c 0001 0001 00000e10 0004 c0000201";
constexpr std::string_view kOpt = "00 0029 04d0 01000000 0000";

Buffer join(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text += part;
  return hex(text);
}
Buffer response() { return join({"1234 8183 0001 0001 0000 0001", kQuestion, kAnswer, kOpt}); }

TEST(DnsMessageTest, IsReadWhole) {
  const Buffer bytes = response();
  const auto view = DnsMessageView::parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header().id, 0x1234);
  EXPECT_TRUE(view->header().is_response);
  EXPECT_TRUE(view->header().recursion_desired);
  EXPECT_TRUE(view->header().recursion_available);
  EXPECT_FALSE(view->header().is_truncated);
  EXPECT_FALSE(view->header().is_authoritative);
  EXPECT_EQ(view->question()->name.to_string(), "www.de");
  EXPECT_EQ(view->question()->type, DnsType::a);
  EXPECT_EQ(view->udp_payload(), 1232);
  // The upper bits stand in the OPT record: 0x10 and 3.
  EXPECT_EQ(static_cast<int>(view->rcode()), 0x13);
  std::vector<DnsRecord> records;
  view->for_each([&](DnsSection section, const DnsRecord& record) {
    EXPECT_EQ(section, DnsSection::answer);
    records.push_back(record);
  });
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].name.to_string(), "www.de");
  EXPECT_EQ(records[0].ttl, 3600U);
  EXPECT_EQ(Buffer(records[0].data.begin(), records[0].data.end()), hex("c0000201"));
}

TEST(DnsMessageTest, IsNothingWithoutItsEnd) {
  NARU_CHECKS("DNS-005");
  const Buffer bytes = response();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Buffer part = naru::test::cut(bytes, size);
    EXPECT_FALSE(DnsMessageView::parse(part)) << size;
  }
}

TEST(DnsMessageTest, HoldsAsManyRecordsAsItSays) {
  NARU_CHECKS("DNS-005");
  for (const std::size_t count_at : {4U, 6U, 8U, 10U}) {
    Buffer bytes = response();
    bytes[count_at] = bytes[count_at + 1] = 0xff;
    EXPECT_FALSE(DnsMessageView::parse(bytes)) << count_at;
  }
}

TEST(DnsMessageTest, HoldsDataOfTheRightSize) {
  NARU_CHECKS("DNS-005");
  const auto is_taken = [](std::string_view record) {
    const Buffer bytes = join({"1234 8180 0001 0001 0000 0000", kQuestion, record});
    return DnsMessageView::parse(bytes).has_value();
  };
  constexpr std::string_view kV6 = "20010db8 00000000 00000000 00000001";
  EXPECT_TRUE(is_taken("c00c 0001 0001 00000e10 0004 c0000201"));
  EXPECT_FALSE(is_taken("c00c 0001 0001 00000e10 0000"));
  EXPECT_FALSE(is_taken("c00c 0001 0001 00000e10 0003 c00002"));
  EXPECT_FALSE(is_taken("c00c 0001 0001 00000e10 0005 c000020100"));
  EXPECT_FALSE(is_taken("c00c 0001 0001 00000e10 ffff c0000201"));
  EXPECT_TRUE(is_taken("c00c 001c 0001 00000e10 0010" + std::string(kV6)));
  EXPECT_FALSE(is_taken("c00c 001c 0001 00000e10 0004 c0000201"));
  EXPECT_TRUE(is_taken("c00c 0005 0001 00000e10 0004 0161 c010"));
  EXPECT_FALSE(is_taken("c00c 0005 0001 00000e10 0005 0161 c010 00")) << "more than a name";
  EXPECT_FALSE(is_taken("c00c 0005 0001 00000e10 0002 0161 c010")) << "less than a name";
  EXPECT_TRUE(is_taken("c00c 0021 0001 00000e10 0008 000100020050 c00c"));
  EXPECT_FALSE(is_taken("c00c 0021 0001 00000e10 0006 000100020050"));
  EXPECT_TRUE(is_taken("c00c 000f 0001 00000e10 0004 000a c00c"));
  EXPECT_FALSE(is_taken("c00c 000f 0001 00000e10 0001 00"));
  EXPECT_FALSE(is_taken("c00c 0006 0001 00000e10 0004 c00cc010")) << "SOA without numbers";
  EXPECT_TRUE(is_taken("c00c ff78 0001 00000e10 0003 010203")) << "RFC 3597";
}

TEST(DnsMessageTest, TakesALifeWithTheTopBitForNone) {
  NARU_CHECKS("DNS-022");
  const Buffer bytes =
      join({"1234 8180 0001 0001 0000 0000", kQuestion, "c00c 0001 0001 80000000 0004 c0000201"});
  const auto view = DnsMessageView::parse(bytes);
  ASSERT_TRUE(view);
  view->for_each([](DnsSection, const DnsRecord& record) { EXPECT_EQ(record.ttl, 0U); });
}

TEST(DnsMessageTest, HasOneOptRecordAtMost) {
  NARU_CHECKS("DNS-015");
  EXPECT_FALSE(
      DnsMessageView::parse(join({"1234 8180 0001 0000 0000 0002", kQuestion, kOpt, kOpt})));
  EXPECT_FALSE(DnsMessageView::parse(join({"1234 8180 0001 0001 0000 0000", kQuestion, kOpt})));
  EXPECT_FALSE(DnsMessageView::parse(
      join({"1234 8180 0001 0000 0000 0001", kQuestion, "0161 00 0029 04d0 00000000 0000"})));
}

TEST(DnsQueryTest, IsEmitted) {
  const DnsQuestion question{*DnsName::parse("www.de"), DnsType::aaaa};
  std::array<std::uint8_t, kMaxDnsQuery> room{};
  const DnsHeader header{.id = 0x1234, .recursion_desired = true};
  std::size_t size = emit_query(header, question, 1232, room);
  EXPECT_EQ(Buffer(room.begin(), room.begin() + size),
            join({"1234 0100 0001 0000 0000 0001 03777777 026465 00 001c 0001",
                  "00 0029 04d0 00000000 0000"}));
  size = emit_query(header, question, 0, room);
  EXPECT_EQ(Buffer(room.begin(), room.begin() + size),
            hex("1234 0100 0001 0000 0000 0000 03777777 026465 00 001c 0001"));
}

TEST(DnsQueryTest, IsAnsweredByItsOwnResponseOnly) {
  NARU_CHECKS("DNS-006", "DNS-036");
  const Buffer query = join({"1234 0100 0001 0000 0000 0000", kQuestion});
  const auto is_answered = [&query](const Buffer& response) {
    const auto view = DnsMessageView::parse(response);
    return view && answers(*view, query);
  };
  EXPECT_TRUE(is_answered(response()));
  const auto with = [](std::size_t at, std::uint8_t byte) {
    Buffer bytes = response();
    bytes[at] = byte;
    return bytes;
  };
  EXPECT_FALSE(is_answered(with(0, 0x13))) << "another number";
  EXPECT_FALSE(is_answered(with(2, 0x01))) << "a query";
  EXPECT_FALSE(is_answered(with(2, 0xa1))) << "another opcode";
  EXPECT_FALSE(is_answered(with(13, 'x'))) << "another name";
  EXPECT_FALSE(is_answered(with(13, 'W'))) << "other letters";
  EXPECT_FALSE(is_answered(with(21, 28))) << "another type";
  EXPECT_FALSE(is_answered(with(23, 3))) << "another class";
  EXPECT_FALSE(is_answered(hex("1234 8181 0000 0000 0000 0000"))) << "no question";
  EXPECT_FALSE(is_answered(join({"1234 8180 0002 0000 0000 0000", kQuestion, kQuestion})));
}

}  // namespace
}  // namespace naru::wire::test
