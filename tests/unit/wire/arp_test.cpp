#include "wire/arp.hpp"

#include <gtest/gtest.h>

#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;

const Buffer kReply = hex("0001 0800 06 04 0002 020000000002 0a000002 020000000001 0a000001");

TEST(Arp, ReadsAPacket) {
  const auto arp = ArpView::parse(kReply);
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->op(), Arp::kReply);
  EXPECT_EQ(arp->sha(), MacAddr::parse("02:00:00:00:00:02"));
  EXPECT_EQ(arp->spa(), IpAddr::v4(10, 0, 0, 2));
  EXPECT_EQ(arp->tha(), MacAddr::parse("02:00:00:00:00:01"));
  EXPECT_EQ(arp->tpa(), IpAddr::v4(10, 0, 0, 1));
}

TEST(Arp, EmitsWhatItReads) {
  Buffer out(Arp::kSize);
  ArpView::parse(kReply)->value().emit(out.data());
  EXPECT_EQ(out, kReply);
}

TEST(Arp, RefusesEveryTruncationAndTakesPadding) {
  for (std::size_t n = 0; n < Arp::kSize; ++n) EXPECT_FALSE(ArpView::parse(cut(kReply, n))) << n;
  Buffer padded = kReply;
  padded.resize(46);
  EXPECT_TRUE(ArpView::parse(padded));
}

TEST(Arp, RefusesOtherNetworks) {
  for (std::size_t at = 0; at < 6; ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Buffer packet = kReply;
      packet[at] = static_cast<std::uint8_t>(value);
      EXPECT_EQ(ArpView::parse(packet).has_value(), value == kReply[at]) << at << " " << value;
    }
  }
}

TEST(Arp, TakesEveryOperation) {
  for (const unsigned op : {0U, 3U, 4U, 8U, 9U, 65535U}) {
    Buffer packet = kReply;
    store_be16(&packet[6], static_cast<std::uint16_t>(op));
    EXPECT_EQ(ArpView::parse(packet)->op(), op);
  }
}

}  // namespace
}  // namespace naru::wire
