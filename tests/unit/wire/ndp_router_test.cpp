// Router discovery's messages and options (RFC 4861 4, RFC 4191, RFC 8106).
#include "wire/ndp_router.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"

namespace naru::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

IpAddr ip(std::string_view text) { return *IpAddr::parse(text); }

NdpOption option(const Buffer& bytes) { return {bytes[0], bytes}; }

// The option with as many units of eight bytes; names beyond that are cut off.
Buffer domains(const Buffer& names, std::size_t units) {
  Buffer bytes(units * 8);
  bytes[0] = NdpOption::kSearchDomains;
  bytes[1] = static_cast<std::uint8_t>(units);
  bytes[7] = 60;
  for (std::size_t i = 0; i < names.size() && 8 + i < bytes.size(); ++i) bytes[8 + i] = names[i];
  return bytes;
}

TEST(RouterAdvertisement, IsReadAsItWasWritten) {
  RouterAdvertisement written;
  written.fields = {.hop_limit = 61,
                    .is_managed = true,
                    .has_other_config = false,
                    .preference = RouterPreference::high,
                    .lifetime = 1800,
                    .reachable_time = 20'000,
                    .retransmit_time = 2'000};
  written.source_link_layer = MacAddr{{2, 0, 0, 0, 0, 7}};
  written.mtu = 1400;
  written.prefixes[0] = {{ip("2001:db8:1::"), 64}, true, true, 86'400, 3'600};
  written.prefix_count = 1;
  written.name_servers = {ip("2001:db8::53"), ip("2001:db8::54")};
  written.name_server_count = 2;
  written.name_server_lifetime = 900;
  Buffer bytes(RouterAdvertisement::kMaxSize);
  bytes.resize(written.emit(bytes.data()));

  const auto view = NdpView::parse(bytes);
  ASSERT_TRUE(view);
  const auto fields = RouterFields::of(*view);
  EXPECT_EQ(fields.hop_limit, 61);
  EXPECT_TRUE(fields.is_managed);
  EXPECT_FALSE(fields.has_other_config);
  EXPECT_EQ(fields.preference, RouterPreference::high);
  EXPECT_EQ(fields.lifetime, 1800);
  EXPECT_EQ(fields.reachable_time, 20'000U);
  EXPECT_EQ(fields.retransmit_time, 2'000U);
  EXPECT_EQ(NdpOptions::of(view->options()).source_link_layer, written.source_link_layer);

  NdpOptionWalker walker(view->options());
  NdpOption found;
  ASSERT_TRUE(walker.next(found) && walker.next(found));
  EXPECT_EQ(parse_mtu(found), 1400U);
  ASSERT_TRUE(walker.next(found));
  const auto prefix = PrefixInformation::parse(found);
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->prefix, written.prefixes[0].prefix);
  EXPECT_TRUE(prefix->is_on_link && prefix->is_autonomous);
  EXPECT_EQ(prefix->valid_lifetime, 86'400U);
  EXPECT_EQ(prefix->preferred_lifetime, 3'600U);
  ASSERT_TRUE(walker.next(found));
  const auto servers = RecursiveServers::parse(found);
  ASSERT_TRUE(servers);
  EXPECT_EQ(servers->lifetime(), 900U);
  ASSERT_EQ(servers->count(), 2U);
  EXPECT_EQ(servers->at(1), ip("2001:db8::54"));
  EXPECT_FALSE(walker.next(found));
  EXPECT_FALSE(walker.malformed());
}

TEST(RouterAdvertisement, AReservedPreferenceIsMedium) {
  Buffer bytes(RouterFields::kSize);
  RouterFields{}.emit(bytes.data());
  for (const auto& [bits, meant] : {std::pair{0, RouterPreference::medium},
                                    {1, RouterPreference::high},
                                    {2, RouterPreference::medium},
                                    {3, RouterPreference::low}}) {
    bytes[5] = static_cast<std::uint8_t>(bits << 3);
    EXPECT_EQ(RouterFields::of(*NdpView::parse(bytes)).preference, meant);
  }
}

TEST(PrefixInformation, HasOneSizeAndABoundedLength) {
  Buffer bytes(PrefixInformation::kSize);
  PrefixInformation{{ip("2001:db8::ffff"), 64}, true, false, 1, 2}.emit(bytes.data());
  const auto prefix = PrefixInformation::parse(option(bytes));
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->prefix.addr, ip("2001:db8::")) << "host bits are nobody's business";
  auto mapped = bytes;
  store_ipv6(mapped.data() + 16, ip("10.0.0.0"));
  mapped[2] = 128;
  EXPECT_FALSE(PrefixInformation::parse(option(mapped))) << "of IPv4";
  bytes[2] = 129;
  EXPECT_FALSE(PrefixInformation::parse(option(bytes)));
  bytes[2] = 64;
  bytes.resize(24);
  EXPECT_FALSE(PrefixInformation::parse(option(bytes)));
}

TEST(RecursiveServers, HaveAnOddLengthOfThreeAtLeast) {
  NARU_CHECKS("IC6-036");
  for (std::size_t units = 1; units <= 9; ++units) {
    Buffer bytes(units * 8);
    bytes[0] = NdpOption::kRecursiveServers;
    bytes[1] = static_cast<std::uint8_t>(units);
    const auto servers = RecursiveServers::parse(option(bytes));
    EXPECT_EQ(servers.has_value(), units >= 3 && units % 2 == 1) << units;
    if (!servers) continue;
    EXPECT_EQ(servers->count(), (units - 1) / 2);
  }
}

TEST(SearchDomains, AreNamesAndZeros) {
  NARU_CHECKS("IC6-036");
  const Buffer bytes =
      domains({3, 'l', 'a', 'b', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 1, 'a', 0}, 4);
  auto walk = SearchDomains::parse(option(bytes));
  ASSERT_TRUE(walk);
  EXPECT_EQ(walk->lifetime(), 60U);
  EXPECT_EQ(walk->next()->to_string(), "lab.example");
  EXPECT_EQ(walk->next()->to_string(), "a");
  EXPECT_FALSE(walk->next());
}

TEST(SearchDomains, NoNameIsLongerThanItMayBe) {
  NARU_CHECKS("IC6-036");
  EXPECT_FALSE(SearchDomains::parse(option(domains({}, 1)))) << "none";
  EXPECT_FALSE(SearchDomains::parse(option(domains({}, 3)))) << "nothing but zeros";
  EXPECT_FALSE(SearchDomains::parse(option(domains({7, 'a', 'b'}, 2)))) << "beyond the end";
  EXPECT_FALSE(SearchDomains::parse(option(domains({1, 'a', 0xc0, 8}, 2)))) << "compressed";
  EXPECT_FALSE(SearchDomains::parse(option(domains({0x41, 'a', 0}, 2)))) << "no label";
  EXPECT_FALSE(SearchDomains::parse(option(domains({1, 'a', 0, 0, 1}, 2)))) << "no zeros";
  Buffer name;
  for (int i = 0; i < 5; ++i) {
    name.push_back(63);
    name.insert(name.end(), 63, 'x');
  }
  EXPECT_FALSE(SearchDomains::parse(option(domains(name, 50)))) << "longer than 255 bytes";
}

TEST(Redirect, QuotesWithinTheLeastMtu) {
  const Buffer packet(1500, 0x5a);
  const Redirect redirect{ip("fe80::2"), ip("2001:db8::9"), MacAddr{{2, 0, 0, 0, 0, 2}}, packet};
  Buffer bytes(Redirect::kMaxSize);
  const std::size_t size = redirect.emit(bytes.data());
  EXPECT_LE(size, Redirect::kMaxSize);
  bytes.resize(size);
  const auto view = NdpView::parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->target(), redirect.target);
  EXPECT_EQ(view->destination(), redirect.destination);
  EXPECT_EQ(NdpOptions::of(view->options()).target_link_layer, redirect.target_link_layer);
  EXPECT_FALSE(NdpOptions::of(view->options()).malformed);
}

}  // namespace
}  // namespace naru::wire
