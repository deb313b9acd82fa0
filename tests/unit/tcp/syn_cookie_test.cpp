// SYN cookies: what comes back in an ACK, and what does not pass.
#include "tcp/syn_cookie.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include <naru/random/random.hpp>

#include "dsl/checks.hpp"
#include "tcp/seq.hpp"
#include "unit/tcp/chi_square.hpp"

namespace naru::tcp {
namespace {

constexpr SipKey kSecret{1, 2};
constexpr SipKey kNextSecret{3, 4};
constexpr SipKey kThirdSecret{5, 6};
const Endpoint kServer{IpAddr::v4(10, 0, 0, 1), 80};
const Endpoint kClient{IpAddr::v4(10, 0, 0, 2), 40'000};
constexpr std::uint32_t kIsn = 0xfffffff0;
constexpr Time kNow = time_from_ns(1'000'000'000'000);
// 64-second steps: kNow lies 40 s into one.
constexpr Duration kToNextStep = 24s;

SynCookies fresh() {
  SynCookies cookies;
  cookies.start(kSecret);
  return cookies;
}

TEST(SynCookie, BringsTheMssBack) {
  NARU_CHECKS("TCX-045");
  SynCookies cookies = fresh();
  for (std::uint32_t mss = 1; mss <= 65'535; ++mss) {
    const auto peer = static_cast<std::uint16_t>(mss);
    const std::uint32_t cookie = cookies.make(kServer, kClient, kIsn, peer, kNow);
    const auto back = cookies.check(kServer, kClient, kIsn, cookie, kNow);
    ASSERT_TRUE(back);
    ASSERT_TRUE(*back <= peer || *back == 216) << "our smallest segment is 216 bytes";
    const bool usual = mss >= 1'220 && mss <= 1'500;
    ASSERT_GE(*back * 100, usual ? peer * 89 : 0) << "too little is left of " << mss;
  }
  for (const std::uint16_t exact : {216, 536, 1'220, 1'360, 1'400, 1'440, 1'460, 8'960}) {
    const std::uint32_t cookie = cookies.make(kServer, kClient, kIsn, exact, kNow);
    EXPECT_EQ(cookies.check(kServer, kClient, kIsn, cookie, kNow), exact);
  }
}

TEST(SynCookie, WorksForIpv6) {
  NARU_CHECKS("TCX-045");
  SynCookies cookies = fresh();
  const Endpoint server{*IpAddr::parse("2001:db8::1"), 443};
  const Endpoint client{*IpAddr::parse("2001:db8::2"), 50'000};
  const std::uint32_t cookie = cookies.make(server, client, kIsn, 1'440, kNow);
  EXPECT_EQ(cookies.check(server, client, kIsn, cookie, kNow), 1'440);
  EXPECT_FALSE(cookies.check(client, server, kIsn, cookie, kNow));
}

TEST(SynCookie, LivesForAtLeastOneStepAndLessThanTwo) {
  NARU_CHECKS("TCX-046");
  SynCookies cookies = fresh();
  const std::uint32_t cookie = cookies.make(kServer, kClient, kIsn, 1'460, kNow);
  const auto valid = [&](Duration age) {
    return cookies.check(kServer, kClient, kIsn, cookie, kNow + age).has_value();
  };
  EXPECT_TRUE(valid(0s));
  EXPECT_TRUE(valid(kToNextStep));
  EXPECT_TRUE(valid(kToNextStep + 64s - 1ns));
  EXPECT_FALSE(valid(kToNextStep + 64s));
  EXPECT_FALSE(valid(1h));
  EXPECT_FALSE(valid(-41s)) << "not before it was made";
}

TEST(SynCookie, BelongsToOneClientAndItsSyn) {
  NARU_CHECKS("TCX-045", "TCX-046");
  SynCookies cookies = fresh();
  const std::uint32_t cookie = cookies.make(kServer, kClient, kIsn, 1'460, kNow);
  const auto check = [&](const Endpoint& local, const Endpoint& remote, std::uint32_t isn) {
    return cookies.check(local, remote, isn, cookie, kNow).has_value();
  };
  EXPECT_TRUE(check(kServer, kClient, kIsn));
  EXPECT_FALSE(check(kServer, kClient, kIsn + 1));
  EXPECT_FALSE(check(kServer, {kClient.addr, 40'001}, kIsn));
  EXPECT_FALSE(check(kServer, {IpAddr::v4(10, 0, 0, 3), 40'000}, kIsn));
  EXPECT_FALSE(check({kServer.addr, 81}, kClient, kIsn));
  EXPECT_FALSE(check({IpAddr::v4(10, 0, 0, 9), 80}, kClient, kIsn));
  for (unsigned bit = 0; bit < 32; ++bit) {
    EXPECT_FALSE(cookies.check(kServer, kClient, kIsn, cookie ^ (1U << bit), kNow)) << bit;
  }
}

TEST(SynCookie, AMillionGuessesFail) {
  NARU_CHECKS("TCX-046");
  SynCookies cookies = fresh();
  cookies.make(kServer, kClient, kIsn, 1'460, kNow);
  Random random = Random::seeded(1);
  int accepted = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    accepted += cookies.check(kServer, kClient, kIsn, random.next_u32(), kNow).has_value();
  }
  EXPECT_EQ(accepted, 0) << "expected once in 2^28";
}

// 29 bits that nobody can foresee; with the MSS index they are all that a guess needs.
TEST(SynCookie, IsUniform) {
  NARU_CHECKS("TCX-046");
  SynCookies cookies = fresh();
  std::array<std::uint32_t, 256> high{};
  std::array<std::uint32_t, 256> low{};
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    const std::uint32_t mac = cookies.make(kServer, kClient, n, 1'460, kNow) << 3U;
    ++high[mac >> 24U];
    ++low[mac >> 3U & 0xffU];
  }
  EXPECT_LT(deviations_from_uniform(high), 5);
  EXPECT_LT(deviations_from_uniform(low), 5);
}

TEST(SynCookie, NoneIsAcceptedWhenNoneWasMadeLately) {
  NARU_CHECKS("TCX-046");
  SynCookies busy = fresh();
  const std::uint32_t cookie = busy.make(kServer, kClient, kIsn, 1'460, kNow);
  SynCookies calm = fresh();
  EXPECT_FALSE(calm.check(kServer, kClient, kIsn, cookie, kNow)) << "same secret, no flood";
  calm.make(kServer, kClient, kIsn, 1'460, kNow - 200s);
  EXPECT_FALSE(calm.check(kServer, kClient, kIsn, cookie, kNow)) << "the flood is long over";
  calm.make(kServer, kClient, kIsn, 1'460, kNow);
  EXPECT_TRUE(calm.check(kServer, kClient, kIsn, cookie, kNow));
}

TEST(SynCookie, OutlivesARotationOfTheSecret) {
  NARU_CHECKS("TCX-045");
  SynCookies cookies = fresh();
  EXPECT_TRUE(cookies.rotation_due(kNow + 2h));
  const std::uint32_t old = cookies.make(kServer, kClient, kIsn, 1'460, kNow);
  cookies.rotate(kNextSecret, kNow);
  EXPECT_FALSE(cookies.rotation_due(kNow));
  EXPECT_TRUE(cookies.rotation_due(kNow + 2h));
  // Made and checked on both sides of the change.
  EXPECT_TRUE(cookies.check(kServer, kClient, kIsn, old, kNow));
  const Time later = kNow + kToNextStep;
  EXPECT_TRUE(cookies.check(kServer, kClient, kIsn, old, later));
  const std::uint32_t next = cookies.make(kServer, kClient, kIsn, 1'460, later);
  EXPECT_TRUE(cookies.check(kServer, kClient, kIsn, next, later));

  // Too soon: the first secret's cookies would be lost.
  cookies.rotate(kThirdSecret, later);
  EXPECT_TRUE(cookies.check(kServer, kClient, kIsn, old, later));
  EXPECT_TRUE(cookies.check(kServer, kClient, kIsn, next, later));
  // Now only the second's matter.
  cookies.rotate(kThirdSecret, later + 64s);
  EXPECT_TRUE(cookies.check(kServer, kClient, kIsn, next, later + 64s));
  EXPECT_FALSE(cookies.check(kServer, kClient, kIsn, next, later + 128s));
}

TEST(SynCookie, TheNewSecretIsUsed) {
  NARU_CHECKS("TCX-045");
  SynCookies rotated = fresh();
  SynCookies same = fresh();
  rotated.rotate(kNextSecret, kNow);
  const Time later = kNow + kToNextStep;
  EXPECT_NE(rotated.make(kServer, kClient, kIsn, 1'460, later),
            same.make(kServer, kClient, kIsn, 1'460, later));
}

TEST(CookieTimestamp, BringsTheOptionsBack) {
  NARU_CHECKS("TCX-045");
  for (const std::uint32_t clock : {0U, 1U, 31U, 63U, 64U, 0x7fffffffU, 0xffffffffU, 12'345'678U}) {
    for (int scale = -1; scale <= 14; ++scale) {
      for (const bool sack : {false, true}) {
        for (const bool ecn : {false, true}) {
          CookieOptions options{.window_scale = std::nullopt, .sack_permitted = sack, .ecn = ecn};
          if (scale >= 0) options.window_scale = static_cast<std::uint8_t>(scale);
          const std::uint32_t tsval = cookie_timestamp(clock, options);
          ASSERT_EQ(cookie_options(tsval), options);
          ASSERT_TRUE(seq_le(tsval, clock)) << "later timestamps must not be smaller";
          ASSERT_LT(clock - tsval, 64U);
        }
      }
    }
  }
}

TEST(CookieTimestamp, TakesAShiftAboveFourteenAsFourteen) {
  NARU_CHECKS("TCX-002");
  EXPECT_EQ(cookie_options(cookie_timestamp(1'000, {.window_scale = 15})).window_scale, 14);
  EXPECT_EQ(cookie_options(cookie_timestamp(1'000, {.window_scale = 255})).window_scale, 14);
}

}  // namespace
}  // namespace naru::tcp
