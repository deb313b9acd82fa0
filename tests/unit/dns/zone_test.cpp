// Zone files, and what a zone says of a name.
#include "zones.hpp"

namespace naru::dns::test {
namespace {

using wire::DnsName;
using Kind = Zone::Finding::Kind;

Kind kind_of(const Zone& zone, std::string_view name, DnsType type = DnsType::a) {
  return zone.find(*DnsName::parse(name), type).kind;
}

TEST(ZoneTest, IsReadFromItsFile) {
  const Zone shop = zone(kShopZone);
  EXPECT_EQ(shop.origin().to_string(), "shop.example");
  const auto found = shop.find(*DnsName::parse("WWW.shop.example"), DnsType::a);
  ASSERT_EQ(found.kind, Kind::records);
  EXPECT_EQ(found.set->ttl, 300U);
  const std::vector<std::vector<std::uint8_t>> addresses{{192, 0, 2, 1}, {192, 0, 2, 2}};
  EXPECT_EQ(found.set->data, addresses);
  EXPECT_EQ(shop.find(*DnsName::parse("www.shop.example"), DnsType::aaaa).set->data[0].size(), 16U);
  const auto* text = shop.find(*DnsName::parse("a.wild.shop.example"), DnsType::txt).set;
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->data[0].size(), 1U + 8U + 1U + 6U);
}

TEST(ZoneTest, SaysInWhichLineAMistakeIs) {
  const auto said = [](std::string_view text) { return Zone::parse(text).error(); };
  EXPECT_NE(said("$ORIGIN x.\n@ SOA a b 1 2 3 4 5\nwww A 1.2.3\n").find("line 3"),
            std::string::npos);
  EXPECT_EQ(said(""), "an empty zone");
  EXPECT_EQ(said("www.x. A 192.0.2.1\n"), "there is no SOA record");
  EXPECT_EQ(said("x. SOA a. b. 1 2 3 4 5\ny. A 192.0.2.1\n"), "a name outside of x");
  EXPECT_EQ(said("x. SOA a. b. 1 2 3 4 5\na.x. A 192.0.2.1\na.x. CNAME b.x.\n"),
            "an alias (CNAME) with other records beside it");
  EXPECT_EQ(said("x. SOA a. b. 1 2 3 4 5\na.x. SOA a. b. 1 2 3 4 5\n"),
            "there is more than one SOA record");
  EXPECT_FALSE(Zone::parse("$INCLUDE /etc/passwd\n"));
}

TEST(ZoneTest, TellsMissingNamesFromMissingData) {
  const Zone shop = zone(kShopZone);
  EXPECT_EQ(kind_of(shop, "www.shop.example", DnsType::mx), Kind::no_data);
  EXPECT_EQ(kind_of(shop, "nobody.shop.example"), Kind::no_name);
  EXPECT_EQ(kind_of(shop, "below.www.shop.example"), Kind::no_name);
  // Nothing stands there, but below it something does (RFC 4592 2.2.2).
  EXPECT_EQ(kind_of(shop, "below.shop.example"), Kind::no_data);
  EXPECT_EQ(kind_of(shop, "down.below.shop.example"), Kind::no_data);
  EXPECT_EQ(kind_of(shop, "deep.down.below.shop.example"), Kind::records);
}

TEST(ZoneTest, KnowsItsAliases) {
  const Zone shop = zone(kShopZone);
  EXPECT_EQ(kind_of(shop, "web.shop.example"), Kind::alias);
  EXPECT_EQ(kind_of(shop, "web.shop.example", DnsType::cname), Kind::records);
}

TEST(ZoneTest, HasWildcards) {
  const Zone shop = zone(kShopZone);
  EXPECT_EQ(kind_of(shop, "a.wild.shop.example", DnsType::txt), Kind::records);
  EXPECT_EQ(kind_of(shop, "a.b.wild.shop.example", DnsType::txt), Kind::records);
  EXPECT_EQ(kind_of(shop, "a.wild.shop.example", DnsType::a), Kind::no_data);
  EXPECT_EQ(kind_of(shop, "wild.shop.example", DnsType::txt), Kind::no_data);
}

TEST(ZoneTest, DelegatesWhatIsBelowACut) {
  const Zone example = zone(kExampleZone);
  for (const std::string_view name : {"shop.example", "www.shop.example", "a.b.shop.example"}) {
    const auto found = example.find(*DnsName::parse(name), DnsType::a);
    ASSERT_EQ(found.kind, Kind::delegation) << name;
    EXPECT_EQ(found.cut, *DnsName::parse("shop.example"));
    EXPECT_EQ(found.set->data.size(), 2U);
  }
  EXPECT_NE(example.glue(*DnsName::parse("ns.shop.example"), DnsType::a), nullptr);
  // At its own top it is no delegation.
  EXPECT_EQ(kind_of(example, "example", DnsType::ns), Kind::records);
  EXPECT_EQ(kind_of(example, "ns.nic.example"), Kind::records);
}

}  // namespace
}  // namespace naru::dns::test
