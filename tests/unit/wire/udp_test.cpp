#include "wire/udp.hpp"

#include <random>

#include <gtest/gtest.h>

#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;
using test::lies_within;

const IpAddr kA = IpAddr::v4(10, 0, 0, 1);
const IpAddr kB = IpAddr::v4(10, 0, 0, 2);
const IpAddr kA6 = *IpAddr::parse("2001:db8::1");
const IpAddr kB6 = *IpAddr::parse("2001:db8::2");

const Buffer kOverV4 = hex("d903 0035 000d cec6 68656c6c6f");
const Buffer kOverV6 = hex("d903 0035 000d 8754 68656c6c6f");

TEST(Udp, ReadsADatagram) {
  const auto udp = UdpView::parse(kOverV4);
  ASSERT_TRUE(udp);
  EXPECT_EQ(udp->src_port(), 55555);
  EXPECT_EQ(udp->dst_port(), 53);
  EXPECT_EQ(udp->length(), 13);
  EXPECT_EQ(udp->payload().size(), 5U);
  EXPECT_TRUE(udp->checksum_ok(kA, kB));
  EXPECT_FALSE(udp->checksum_ok(kA, kA));
  EXPECT_TRUE(UdpView::parse(kOverV6)->checksum_ok(kA6, kB6));
  EXPECT_FALSE(UdpView::parse(kOverV6)->checksum_ok(kA, kB));
}

TEST(Udp, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kOverV4.size(); ++n) {
    EXPECT_FALSE(UdpView::parse(cut(kOverV4, n))) << n;
  }
}

TEST(Udp, ChecksItsLength) {
  for (unsigned length = 0; length < 65536; ++length) {
    Buffer datagram = kOverV4;
    store_be16(&datagram[4], static_cast<std::uint16_t>(length));
    const auto udp = UdpView::parse(datagram);
    ASSERT_EQ(udp.has_value(), length >= 8 && length <= 13) << length;
    if (udp) {
      EXPECT_EQ(udp->payload().size(), length - 8);
      EXPECT_TRUE(lies_within(udp->payload(), datagram));
    }
  }
}

TEST(Udp, SeesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < kOverV4.size() * 8; ++bit) {
    Buffer datagram = kOverV4;
    datagram[bit / 8] = static_cast<std::uint8_t>(datagram[bit / 8] ^ (1U << bit % 8));
    const auto udp = UdpView::parse(datagram);
    EXPECT_FALSE(udp && udp->checksum_ok(kA, kB)) << bit;
  }
}

TEST(Udp, NoChecksumIsRightOverIpv4Only) {
  Buffer datagram = kOverV4;
  datagram[6] = datagram[7] = 0;
  const auto udp = UdpView::parse(datagram);
  EXPECT_FALSE(udp->has_checksum());
  EXPECT_TRUE(udp->checksum_ok(kA, kB));
  EXPECT_FALSE(udp->checksum_ok(kA6, kB6));
}

TEST(Udp, EmitsWhatItReads) {
  const Buffer payload = hex("68656c6c6f");
  const Udp value{.src_port = 55555, .dst_port = 53, .length = 13};
  Buffer out(8);
  value.emit(out.data(), kA, kB, sum_bytes(payload));
  EXPECT_EQ(out, cut(kOverV4, 8));
  value.emit(out.data(), kA6, kB6, sum_bytes(payload));
  EXPECT_EQ(out, cut(kOverV6, 8));
  value.emit(out.data());
  EXPECT_EQ(out, hex("d903 0035 000d 0000"));
}

// The payload's one word takes every value, so the sum does too.
TEST(Udp, SendsAZeroChecksumAsOnes) {
  int ones = 0;
  for (unsigned word = 0; word < 65536; ++word) {
    Buffer datagram(10);
    store_be16(&datagram[8], static_cast<std::uint16_t>(word));
    const Udp value{.src_port = 1000, .dst_port = 2000, .length = 10};
    value.emit(datagram.data(), kA, kB, sum_bytes(&datagram[8], 2));
    const auto udp = UdpView::parse(datagram);
    ASSERT_TRUE(udp->has_checksum());
    ASSERT_TRUE(udp->checksum_ok(kA, kB));
    ones += udp->checksum() == 0xffff ? 1 : 0;
  }
  EXPECT_EQ(ones, 1);
}

}  // namespace
}  // namespace naru::wire
