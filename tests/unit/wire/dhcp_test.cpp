// DHCP messages: well-formed ones, and what is not taken for one.
#include "wire/dhcp.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "hex.hpp"

namespace naru::wire::test {
namespace {

using naru::test::Buffer;
using naru::test::hex;

constexpr MacAddr kMac{{2, 0, 0, 0, 0, 1}};

// A reply with these options, in hexadecimal digits, and nothing behind them.
Buffer reply(std::string_view options, std::string_view file = "") {
  Dhcp fixed{.op = Dhcp::kReply, .xid = 0x12345678, .chaddr = kMac};
  Buffer bytes = DhcpWriter(fixed, DhcpType::ack).finish();
  bytes.resize(Dhcp::kOptionsOffset);
  const Buffer more = hex(options);
  bytes.insert(bytes.end(), more.begin(), more.end());
  const Buffer in_file = hex(file);
  std::copy(in_file.begin(), in_file.end(), bytes.begin() + 108);
  return bytes;
}

TEST(DhcpTest, ComesBackAsItWasWritten) {
  const Dhcp fixed{.op = Dhcp::kRequest,
                   .xid = 0x12345678,
                   .secs = 7,
                   .wants_broadcast = true,
                   .ciaddr = IpAddr::v4(10, 0, 0, 1),
                   .chaddr = kMac};
  DhcpWriter writer(fixed, DhcpType::request);
  writer.add(DhcpOption::server_id, IpAddr::v4(10, 0, 0, 2));
  writer.add32(DhcpOption::lease_time, 3600);
  writer.add16(DhcpOption::interface_mtu, 1400);
  const Buffer bytes = writer.finish();
  EXPECT_EQ(bytes.size(), Dhcp::kMinSize);
  const auto view = DhcpView::parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->fixed().op, Dhcp::kRequest);
  EXPECT_EQ(view->fixed().xid, 0x12345678U);
  EXPECT_EQ(view->fixed().secs, 7);
  EXPECT_TRUE(view->fixed().wants_broadcast);
  EXPECT_EQ(view->fixed().ciaddr, IpAddr::v4(10, 0, 0, 1));
  EXPECT_EQ(view->fixed().chaddr, kMac);
  EXPECT_EQ(view->type(), DhcpType::request);
  EXPECT_EQ(view->address(DhcpOption::server_id), IpAddr::v4(10, 0, 0, 2));
  EXPECT_EQ(view->number32(DhcpOption::lease_time), 3600U);
  EXPECT_EQ(view->number16(DhcpOption::interface_mtu), 1400);
  EXPECT_FALSE(view->option(DhcpOption::routers));
}

TEST(DhcpTest, HasItsCookieAndAnEthernetAddress) {
  NARU_CHECKS("DHC-004");
  const Buffer good = reply("35 01 05 ff");
  EXPECT_TRUE(DhcpView::parse(good));
  for (const std::size_t at : {1U, 2U, 236U, 237U, 238U, 239U}) {
    Buffer bad = good;
    bad[at] ^= 1U;
    EXPECT_FALSE(DhcpView::parse(bad)) << at;
  }
  for (std::size_t size = 0; size < Dhcp::kOptionsOffset; ++size) {
    EXPECT_FALSE(DhcpView::parse(naru::test::cut(good, size))) << size;
  }
}

TEST(DhcpTest, ReadsOptionsWithinTheirArea) {
  NARU_CHECKS("DHC-010");
  EXPECT_TRUE(DhcpView::parse(reply("00 00 35 01 05 00"))) << "no end, but pads";
  EXPECT_EQ(DhcpView::parse(reply("35 01 05 ff 36 04 01"))->type(), DhcpType::ack)
      << "behind the end is nothing";
  EXPECT_FALSE(DhcpView::parse(reply("35"))) << "no length";
  EXPECT_FALSE(DhcpView::parse(reply("35 02 05"))) << "too long";
  EXPECT_FALSE(DhcpView::parse(reply("35 ff 05")));
  EXPECT_TRUE(DhcpView::parse(reply("fe 00")));
}

TEST(DhcpTest, JoinsThePartsOfAnOption) {
  NARU_CHECKS("DHC-010");
  const Buffer bytes = reply("06 04 01020304 35 01 05 06 04 05060708 ff");
  const auto servers = DhcpView::parse(bytes)->addresses(DhcpOption::name_servers, 8);
  EXPECT_EQ(servers, (std::vector{IpAddr::v4(1, 2, 3, 4), IpAddr::v4(5, 6, 7, 8)}));
}

TEST(DhcpTest, ReadsOtherAreasOnceEach) {
  NARU_CHECKS("DHC-010");
  // The field `file` has a router, and says of itself that it has more.
  const Buffer bytes = reply("35 01 05 34 01 01 ff", "03 04 0a000001 34 01 03 ff");
  const auto view = DhcpView::parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->addresses(DhcpOption::routers, 8), std::vector{IpAddr::v4(10, 0, 0, 1)});
  EXPECT_FALSE(DhcpView::parse(reply("34 01 01 ff", "03 ff 0a")));
  EXPECT_TRUE(DhcpView::parse(reply("34 01 02 ff", "03 ff 0a"))) << "only where it is said";
}

TEST(DhcpTest, TakesFormsOfTheRightLengthOnly) {
  NARU_CHECKS("DHC-011");
  for (std::size_t size = 0; size <= 255; ++size) {
    Buffer bytes = reply("");
    for (const std::uint8_t code : {1, 3, 6, 26, 51, 53, 54}) {
      bytes.insert(bytes.end(), {code, static_cast<std::uint8_t>(size)});
      bytes.resize(bytes.size() + size, 1);
    }
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->address(DhcpOption::subnet_mask).has_value(), size == 4) << size;
    EXPECT_EQ(view->address(DhcpOption::server_id).has_value(), size == 4);
    EXPECT_EQ(view->number32(DhcpOption::lease_time).has_value(), size == 4);
    EXPECT_EQ(view->number16(DhcpOption::interface_mtu).has_value(), size == 2);
    EXPECT_EQ(view->type().has_value(), size == 1);
    const std::size_t expected = size % 4 == 0 ? std::min<std::size_t>(size / 4, 8) : 0;
    EXPECT_EQ(view->addresses(DhcpOption::routers, 8).size(), expected);
  }
}

}  // namespace
}  // namespace naru::wire::test
