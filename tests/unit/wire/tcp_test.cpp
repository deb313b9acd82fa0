#include "wire/tcp.hpp"

#include <random>

#include <gtest/gtest.h>

#include "hex.hpp"
#include "wire/tcp_options.hpp"

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

const Buffer kSynV4 =
    hex("9c40 0050 0000007b 00000000 a002 ffff 96f0 0000"
        "020405b4 0402080a 00000001 00000000 01030308");
const Buffer kSynV6 =
    hex("9c40 0050 0000007b 00000000 a002 ffff 4f7e 0000"
        "020405b4 0402080a 00000001 00000000 01030308");
const Buffer kData =
    hex("9c40 0050 0000007c 00000002 8018 0100 80ca 0000"
        "0101080a 00000001 00000002 68656c6c6f");

TEST(Tcp, ReadsASyn) {
  const auto tcp = TcpView::parse(kSynV4);
  ASSERT_TRUE(tcp);
  EXPECT_EQ(tcp->src_port(), 40000);
  EXPECT_EQ(tcp->dst_port(), 80);
  EXPECT_EQ(tcp->seq(), 123U);
  EXPECT_EQ(tcp->ack(), 0U);
  EXPECT_EQ(tcp->header_size(), 40U);
  EXPECT_EQ(tcp->flags(), kSyn);
  EXPECT_TRUE(tcp->has(kSyn));
  EXPECT_FALSE(tcp->has(kAck));
  EXPECT_EQ(tcp->window(), 65535);
  EXPECT_EQ(tcp->urgent_pointer(), 0);
  EXPECT_EQ(tcp->options().size(), 20U);
  EXPECT_TRUE(tcp->payload().empty());
  EXPECT_TRUE(tcp->checksum_ok(kA, kB));
  EXPECT_FALSE(tcp->checksum_ok(kA, kA));
  EXPECT_TRUE(TcpView::parse(kSynV6)->checksum_ok(kA6, kB6));
}

TEST(Tcp, ReadsData) {
  const auto tcp = TcpView::parse(kData);
  ASSERT_TRUE(tcp);
  EXPECT_EQ(tcp->ack(), 2U);
  EXPECT_EQ(tcp->flags(), kPsh | kAck);
  EXPECT_EQ(tcp->payload().size(), 5U);
  EXPECT_EQ(tcp->payload()[0], 'h');
  EXPECT_TRUE(tcp->checksum_ok(kA, kB));
}

TEST(Tcp, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kData.size(); ++n) {
    const Buffer segment = cut(kData, n);
    const auto tcp = TcpView::parse(segment);
    ASSERT_EQ(tcp.has_value(), n >= 32) << n;
    if (tcp) {
      EXPECT_FALSE(tcp->checksum_ok(kA, kB)) << n;
    }
  }
}

TEST(Tcp, ChecksTheDataOffset) {
  for (unsigned offset = 0; offset < 16; ++offset) {
    Buffer segment = kData;
    segment[12] = static_cast<std::uint8_t>(offset << 4U);
    const auto tcp = TcpView::parse(segment);
    ASSERT_EQ(tcp.has_value(), offset >= 5 && offset * 4 <= segment.size()) << offset;
    if (tcp) {
      EXPECT_EQ(tcp->options().size(), offset * 4 - 20);
      EXPECT_TRUE(lies_within(tcp->options(), segment));
      EXPECT_TRUE(lies_within(tcp->payload(), segment));
    }
  }
}

TEST(Tcp, ReadsItsOffsetOnce) {
  Buffer segment = kData;
  const auto tcp = TcpView::parse(segment);
  segment[12] = 0xf0;
  EXPECT_EQ(tcp->header_size(), 32U);
  EXPECT_EQ(tcp->payload().size(), 5U);
}

TEST(Tcp, SeesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < kData.size() * 8; ++bit) {
    Buffer segment = kData;
    segment[bit / 8] = static_cast<std::uint8_t>(segment[bit / 8] ^ (1U << bit % 8));
    const auto tcp = TcpView::parse(segment);
    EXPECT_FALSE(tcp && tcp->checksum_ok(kA, kB)) << bit;
  }
}

TEST(Tcp, EmitsWhatItReads) {
  Buffer out(kData.size());
  const Tcp value{
      .src_port = 40000, .dst_port = 80, .seq = 124, .ack = 2, .flags = kPsh | kAck, .window = 256};
  std::uint64_t sum = value.emit(out.data(), TcpOptions::kTimestampsSize);
  EXPECT_EQ(fold(sum), fold(sum_bytes(out.data(), 20)));
  const std::uint64_t options_sum = emit_timestamps(out.data() + 20, {1, 2});
  EXPECT_EQ(fold(options_sum), fold(sum_bytes(out.data() + 20, 12)));
  const Bytes payload = Bytes(kData).subspan(32);
  sum = add(sum, options_sum);
  sum = add(sum, copy_and_sum(out.data() + 32, payload.data(), payload.size()));
  Tcp::emit_checksum(out.data(), kA, kB, static_cast<std::uint32_t>(out.size()), sum);
  EXPECT_EQ(out, kData);
}

TEST(Tcp, EmitsEveryField) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const Tcp value{.src_port = static_cast<std::uint16_t>(random()),
                    .dst_port = static_cast<std::uint16_t>(random()),
                    .seq = static_cast<std::uint32_t>(random()),
                    .ack = static_cast<std::uint32_t>(random()),
                    .flags = static_cast<std::uint8_t>(random()),
                    .window = static_cast<std::uint16_t>(random()),
                    .urgent_pointer = static_cast<std::uint16_t>(random())};
    const std::size_t options = random() % 11 * 4;
    Buffer out(20 + options, kOptionNop);
    const std::uint64_t sum = sum_bytes(out.data() + 20, options, value.emit(out.data(), options));
    Tcp::emit_checksum(out.data(), kA6, kB6, static_cast<std::uint32_t>(out.size()), sum);
    const auto tcp = TcpView::parse(out);
    ASSERT_TRUE(tcp);
    EXPECT_TRUE(tcp->checksum_ok(kA6, kB6));
    EXPECT_EQ(tcp->src_port(), value.src_port);
    EXPECT_EQ(tcp->dst_port(), value.dst_port);
    EXPECT_EQ(tcp->seq(), value.seq);
    EXPECT_EQ(tcp->ack(), value.ack);
    EXPECT_EQ(tcp->flags(), value.flags);
    EXPECT_EQ(tcp->window(), value.window);
    EXPECT_EQ(tcp->urgent_pointer(), value.urgent_pointer);
    EXPECT_EQ(tcp->options().size(), options);
  }
}

}  // namespace
}  // namespace naru::wire
