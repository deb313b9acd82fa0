#include "wire/ethernet.hpp"

#include <string>

#include <gtest/gtest.h>

#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;

const Buffer kPlain = hex("020000000002 020000000001 0800 4500");

TEST(Ethernet, ReadsAHeader) {
  const auto view = EthernetView::parse(kPlain);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->dst(), MacAddr::parse("02:00:00:00:00:02"));
  EXPECT_EQ(view->src(), MacAddr::parse("02:00:00:00:00:01"));
  EXPECT_EQ(view->type(), kEtherTypeIpv4);
  EXPECT_EQ(view->payload().size(), 2U);
  EXPECT_EQ(view->payload()[0], 0x45);
}

TEST(Ethernet, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kPlain.size(); ++n) {
    const Buffer frame = cut(kPlain, n);
    EXPECT_EQ(EthernetView::parse(frame).has_value(), n >= 14) << n;
    EXPECT_EQ(EthernetHeader::parse(frame).has_value(), n >= 14) << n;
  }
}

TEST(Ethernet, EmitsWhatItReads) {
  Buffer out(Ethernet::kHeaderSize);
  const auto view = EthernetView::parse(kPlain);
  Ethernet{view->dst(), view->src(), view->type()}.emit(out.data());
  EXPECT_EQ(out, cut(kPlain, 14));
}

TEST(EthernetHeader, WithoutTag) {
  const auto header = EthernetHeader::parse(kPlain);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->dst, MacAddr::parse("02:00:00:00:00:02"));
  EXPECT_EQ(header->src, MacAddr::parse("02:00:00:00:00:01"));
  EXPECT_FALSE(header->tag);
  EXPECT_TRUE(header->is_untagged());
  EXPECT_EQ(header->priority(), 0);
  EXPECT_EQ(header->ether_type, kEtherTypeIpv4);
  EXPECT_EQ(header->payload_offset, 14);
}

TEST(EthernetHeader, WithATag) {
  const Buffer frame = hex("020000000002 020000000001 8100 b04d 0806 0001");
  const auto header = EthernetHeader::parse(frame);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->tag, (VlanTag{.id = 77, .priority = 5, .drop_eligible = true}));
  EXPECT_FALSE(header->inner_tag);
  EXPECT_FALSE(header->is_untagged());
  EXPECT_EQ(header->priority(), 5);
  EXPECT_EQ(header->ether_type, kEtherTypeArp);
  EXPECT_EQ(header->payload_offset, 18);
  for (std::size_t n = 14; n < 18; ++n) EXPECT_FALSE(EthernetHeader::parse(cut(frame, n))) << n;
  EXPECT_TRUE(EthernetHeader::parse(cut(frame, 18)));
}

TEST(EthernetHeader, APriorityTagIsNoVlan) {
  EXPECT_TRUE(
      EthernetHeader::parse(hex("020000000002 020000000001 8100 6000 0800"))->is_untagged());
  EXPECT_FALSE(EthernetHeader::parse(hex("020000000002 020000000001 88a8 6000 8100 004d 0800"))
                   ->is_untagged());
}

TEST(EthernetHeader, WithTwoTags) {
  const Buffer frame = hex("020000000002 020000000001 88a8 0064 8100 0007 86dd 60");
  const auto header = EthernetHeader::parse(frame);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->tag->id, 100);
  EXPECT_EQ(header->inner_tag->id, 7);
  EXPECT_EQ(header->ether_type, kEtherTypeIpv6);
  EXPECT_EQ(header->payload_offset, 22);
  for (std::size_t n = 0; n < 22; ++n) EXPECT_FALSE(EthernetHeader::parse(cut(frame, n))) << n;
}

TEST(EthernetHeader, RefusesMoreThanTwoTags) {
  for (std::size_t tags = 0; tags <= 40; ++tags) {
    Buffer frame = hex("020000000002 020000000001");
    for (std::size_t i = 0; i < tags; ++i) {
      for (const std::uint8_t byte : hex("8100 0000")) frame.push_back(byte);
    }
    for (const std::uint8_t byte : hex("0800 4500")) frame.push_back(byte);
    EXPECT_EQ(EthernetHeader::parse(frame).has_value(), tags <= 2) << tags;
  }
}

TEST(EthernetHeader, RefusesALengthInsteadOfAType) {
  for (const unsigned type : {0U, 1U, 46U, 1500U, 0x05ffU, 0x0600U}) {
    Buffer frame = kPlain;
    store_be16(&frame[12], static_cast<std::uint16_t>(type));
    EXPECT_EQ(EthernetHeader::parse(frame).has_value(), type >= kMinEtherType) << type;
    Buffer tagged = hex("020000000002 020000000001 8100 0001 0000");
    store_be16(&tagged[16], static_cast<std::uint16_t>(type));
    EXPECT_EQ(EthernetHeader::parse(tagged).has_value(), type >= kMinEtherType) << type;
  }
}

}  // namespace
}  // namespace naru::wire
