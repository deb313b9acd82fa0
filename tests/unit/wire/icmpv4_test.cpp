#include "wire/icmpv4.hpp"

#include <random>

#include <gtest/gtest.h>

#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::cut;
using test::hex;

const Buffer kEcho = hex("0800 66cf 0001 0002 61626364656667");

TEST(Icmpv4, ReadsAnEcho) {
  const auto icmp = Icmpv4View::parse(kEcho);
  ASSERT_TRUE(icmp);
  EXPECT_EQ(icmp->type(), Icmpv4Type::echo_request);
  EXPECT_EQ(icmp->code(), 0);
  EXPECT_EQ(icmp->checksum(), 0x66cf);
  EXPECT_EQ(icmp->id(), 1);
  EXPECT_EQ(icmp->seq(), 2);
  EXPECT_EQ(icmp->payload().size(), 7U);
  EXPECT_TRUE(icmp->checksum_ok());
  EXPECT_FALSE(icmp->is_error());
}

TEST(Icmpv4, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < kEcho.size(); ++n) {
    const Buffer message = cut(kEcho, n);
    const auto icmp = Icmpv4View::parse(message);
    ASSERT_EQ(icmp.has_value(), n >= 8) << n;
    if (icmp) {
      EXPECT_FALSE(icmp->checksum_ok()) << n;
    }
  }
}

TEST(Icmpv4, SeesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < kEcho.size() * 8; ++bit) {
    Buffer message = kEcho;
    message[bit / 8] = static_cast<std::uint8_t>(message[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(Icmpv4View::parse(message)->checksum_ok()) << bit;
  }
}

Buffer emit(const Icmpv4& value, Bytes payload) {
  Buffer message(Icmpv4::kHeaderSize + payload.size());
  const std::uint64_t sum =
      copy_and_sum(message.data() + Icmpv4::kHeaderSize, payload.data(), payload.size());
  value.emit(message.data(), sum);
  return message;
}

TEST(Icmpv4, EmitsWhatItReads) {
  const Buffer payload = hex("61626364656667");
  EXPECT_EQ(emit(Icmpv4::echo(Icmpv4Type::echo_request, 1, 2), payload), kEcho);
}

TEST(Icmpv4, EmitsErrors) {
  const Buffer quote(28, 0x45);
  const Buffer too_big =
      emit(Icmpv4::unreachable(Icmpv4Unreachable::fragmentation_needed, 1280), quote);
  const auto unreachable = Icmpv4View::parse(too_big);
  EXPECT_TRUE(unreachable->checksum_ok());
  EXPECT_EQ(unreachable->type(), Icmpv4Type::unreachable);
  EXPECT_EQ(unreachable->code(), 4);
  EXPECT_EQ(unreachable->next_hop_mtu(), 1280);
  EXPECT_EQ(load_be16(&too_big[4]), 0);

  const Buffer exceeded = emit(Icmpv4::time_exceeded(1), quote);
  EXPECT_EQ(Icmpv4View::parse(exceeded)->type(), Icmpv4Type::time_exceeded);
  EXPECT_EQ(Icmpv4View::parse(exceeded)->code(), 1);

  const Buffer problem = emit(Icmpv4::parameter_problem(21), quote);
  EXPECT_EQ(Icmpv4View::parse(problem)->type(), Icmpv4Type::parameter_problem);
  EXPECT_EQ(Icmpv4View::parse(problem)->pointer(), 21);

  const Buffer redirect = emit(Icmpv4::redirect(1, IpAddr::v4(10, 0, 0, 9)), quote);
  EXPECT_EQ(Icmpv4View::parse(redirect)->gateway(), IpAddr::v4(10, 0, 0, 9));
  for (const Buffer& message : {too_big, exceeded, problem, redirect}) {
    EXPECT_TRUE(Icmpv4View::parse(message)->is_error());
    EXPECT_TRUE(Icmpv4View::parse(message)->checksum_ok());
    EXPECT_EQ(cut(Bytes(message).subspan(8), 28), quote);
  }
}

TEST(Icmpv4, KnowsTheErrors) {
  for (unsigned type = 0; type < 256; ++type) {
    Buffer message = kEcho;
    message[0] = static_cast<std::uint8_t>(type);
    const bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    EXPECT_EQ(Icmpv4View::parse(message)->is_error(), is_error) << type;
  }
}

}  // namespace
}  // namespace naru::wire
