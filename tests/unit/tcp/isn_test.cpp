// Initial sequence numbers and timestamp offsets.
#include "tcp/isn.hpp"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <naru/random/random.hpp>

#include "dsl/checks.hpp"
#include "tcp/seq.hpp"
#include "unit/tcp/chi_square.hpp"

namespace naru::tcp {
namespace {

constexpr SipKey kSecret{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr SipKey kOtherSecret{0x0706050403020100, 0x0f0e0d0c0b0a0909};
const Endpoint kServer{IpAddr::v4(10, 0, 0, 1), 80};
constexpr Time kNow = time_from_ns(1'000'000'000);

Endpoint client(std::uint32_t n) {
  return {IpAddr::v4(0x0a000100 + n / 50'000), static_cast<std::uint16_t>(10'000 + n % 50'000)};
}

TEST(Isn, RisesByOneEveryFourMicroseconds) {
  NARU_CHECKS("TCB-012");
  const std::uint32_t isn = initial_sequence(kSecret, kServer, client(1), kNow);
  EXPECT_EQ(initial_sequence(kSecret, kServer, client(1), kNow + 3us), isn);
  EXPECT_EQ(initial_sequence(kSecret, kServer, client(1), kNow + 4us), isn + 1);
  EXPECT_EQ(initial_sequence(kSecret, kServer, client(1), kNow + 1s), isn + 250'000);
}

TEST(Isn, TheSameTupleStartsAheadOfItsLastLife) {
  NARU_CHECKS("TCB-012");
  for (std::uint32_t n = 0; n < 1'000; ++n) {
    std::uint32_t last = initial_sequence(kSecret, kServer, client(n), kNow);
    for (int i = 1; i <= 100; ++i) {
      const std::uint32_t isn = initial_sequence(kSecret, kServer, client(n), kNow + i * 100ms);
      ASSERT_TRUE(seq_gt(isn, last));
      last = isn;
    }
  }
}

TEST(Isn, IsUniformOverTuplesThatAreNeighbours) {
  NARU_CHECKS("TCB-013");
  std::array<std::uint32_t, 256> high{};
  std::array<std::uint32_t, 256> low{};
  std::array<std::uint32_t, 256> step{};
  std::uint32_t last = 0;
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    const std::uint32_t isn = initial_sequence(kSecret, kServer, client(n), kNow);
    ++high[isn >> 24U];
    ++low[isn & 0xffU];
    ++step[(isn - last) >> 24U];
    last = isn;
  }
  EXPECT_LT(deviations_from_uniform(high), 5);
  EXPECT_LT(deviations_from_uniform(low), 5);
  EXPECT_LT(deviations_from_uniform(step), 5) << "one tuple's number tells of the next one's";
}

TEST(Isn, DependsOnEveryPartOfTheTupleAndOnTheSecret) {
  NARU_CHECKS("TCB-013", "TCB-014");
  const Endpoint other_port{kServer.addr, 81};
  const Endpoint other_addr{IpAddr::v4(10, 0, 0, 2), 80};
  const std::set<std::uint32_t> all{
      initial_sequence(kSecret, kServer, client(1), kNow),
      initial_sequence(kSecret, other_port, client(1), kNow),
      initial_sequence(kSecret, other_addr, client(1), kNow),
      initial_sequence(kSecret, kServer, client(2), kNow),
      initial_sequence(kSecret, kServer, {client(50'001).addr, client(1).port}, kNow),
      initial_sequence(kSecret, client(1), kServer, kNow),
      initial_sequence(kOtherSecret, kServer, client(1), kNow),
  };
  EXPECT_EQ(all.size(), 7U);
}

TEST(Isn, TakesIpv6Addresses) {
  NARU_CHECKS("TCB-013");
  const auto a = *IpAddr::parse("2001:db8::1");
  const auto b = *IpAddr::parse("2001:db8::2");
  std::set<std::uint32_t> all;
  for (std::uint16_t port = 1; port <= 1'000; ++port) {
    all.insert(initial_sequence(kSecret, {a, 80}, {b, port}, kNow));
    all.insert(initial_sequence(kSecret, {b, 80}, {a, port}, kNow));
  }
  EXPECT_GE(all.size(), 1'999U) << "two of 2000 may meet by chance, once in 2000 runs";
}

TEST(TimestampOffset, BelongsToThePairOfAddresses) {
  NARU_CHECKS("TCX-014", "TCX-015");
  const IpAddr us = kServer.addr;
  const std::uint32_t offset = timestamp_offset(kSecret, us, client(1).addr);
  // A tuple that is used again keeps it: the clock alone moves TSval.
  EXPECT_EQ(timestamp_offset(kSecret, us, client(1).addr), offset);
  EXPECT_NE(timestamp_offset(kOtherSecret, us, client(1).addr), offset);

  std::array<std::uint32_t, 256> difference{};
  std::uint32_t last = offset;
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    const std::uint32_t next = timestamp_offset(kSecret, us, IpAddr::v4(0x0b000000 + n));
    ++difference[(next - last) >> 24U];
    last = next;
  }
  EXPECT_LT(deviations_from_uniform(difference), 5);
}

// One host's fields give nothing away of each other, nor of another host's.
TEST(TimestampOffset, IsIndependentOfTheSequenceNumbers) {
  NARU_CHECKS("TCB-014");
  std::array<std::uint32_t, 256> against_isn{};
  std::array<std::uint32_t, 256> against_other_host{};
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    const Endpoint peer{IpAddr::v4(0x0b000000 + n), 0};
    const std::uint32_t offset = timestamp_offset(kOtherSecret, kServer.addr, peer.addr);
    const Endpoint us{kServer.addr, 0};
    ++against_isn[(offset - initial_sequence(kSecret, us, peer, kNow)) >> 24U];
    ++against_other_host[(offset - timestamp_offset(kSecret, kServer.addr, peer.addr)) >> 24U];
  }
  EXPECT_LT(deviations_from_uniform(against_isn), 5);
  EXPECT_LT(deviations_from_uniform(against_other_host), 5);
}

}  // namespace
}  // namespace naru::tcp
