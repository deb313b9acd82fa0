#include "wire/icmpv6.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;

const IpAddr kSrc = IpAddr::parse("2001:db8::1").value();
const IpAddr kDst = IpAddr::parse("2001:db8::2").value();

// The checksum was worked out by another program, word by word.
const Buffer kEcho = hex("8000 9310 0001 0002 61626364656667");

TEST(Icmpv6, ReadsAnEcho) {
  const auto icmp = Icmpv6View::parse(kEcho);
  ASSERT_TRUE(icmp);
  EXPECT_EQ(icmp->type(), Icmpv6Type::echo_request);
  EXPECT_EQ(icmp->code(), 0);
  EXPECT_EQ(icmp->id(), 1);
  EXPECT_EQ(icmp->seq(), 2);
  EXPECT_EQ(icmp->payload().size(), 7U);
  EXPECT_FALSE(icmp->is_error());
}

TEST(Icmpv6, ChecksumCoversTheAddresses) {
  NARU_CHECKS("IC6-001");
  const auto icmp = Icmpv6View::parse(kEcho);
  EXPECT_TRUE(icmp->checksum_ok(kSrc, kDst));
  EXPECT_FALSE(icmp->checksum_ok(kSrc, IpAddr::parse("2001:db8::3").value()));
  for (std::size_t byte = 0; byte < kEcho.size(); ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Buffer bad = kEcho;
      bad[byte] = static_cast<std::uint8_t>(bad[byte] ^ 1U << bit);
      EXPECT_FALSE(Icmpv6View::parse(bad)->checksum_ok(kSrc, kDst)) << byte << "." << bit;
    }
  }
}

TEST(Icmpv6, WritesWhatItReads) {
  Buffer message = kEcho;
  Icmpv6::echo(Icmpv6Type::echo_request, 1, 2).emit(message.data());
  EXPECT_EQ(message[2] | message[3], 0);
  fill_icmpv6_checksum(message, kSrc, kDst);
  EXPECT_EQ(message, kEcho);
}

TEST(Icmpv6, RefusesWhatHasNoHeader) {
  for (std::size_t n = 0; n < kEcho.size(); ++n) {
    const Buffer message = cut(kEcho, n);
    const auto icmp = Icmpv6View::parse(message);
    ASSERT_EQ(icmp.has_value(), n >= 4) << n;
    if (icmp) {
      EXPECT_EQ(icmp->has_rest(), n >= 8) << n;
    }
  }
}

TEST(Icmpv6, TypesBelow128AreErrors) {
  for (unsigned type = 0; type < 256; ++type) {
    Buffer message = kEcho;
    message[0] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(Icmpv6View::parse(message)->is_error(), type < 128);
  }
}

}  // namespace
}  // namespace naru::wire
