// The estimator against RFC 6298 in floating point.
#include "tcp/rtt.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <naru/random/random.hpp>

#include "dsl/checks.hpp"
#include "tcp/min_rtt.hpp"

namespace naru::tcp {
namespace {

constexpr RtoLimits kLimits{.initial = 1s, .min = 200ms, .max = 120s};

// RFC 6298 2.2 and 2.3 to the letter, in microseconds.
struct Oracle {
  double srtt = 0;
  double rttvar = 0;

  void sample(double r) {
    if (srtt == 0) {
      srtt = r;
      rttvar = r / 2;
      return;
    }
    rttvar = 0.75 * rttvar + 0.25 * std::abs(srtt - r);
    srtt = 0.875 * srtt + 0.125 * r;
  }
  double rto(double min) const { return srtt + std::max(min, 4 * rttvar); }
};

double microseconds(Duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

void expect_equal(const Rtt& rtt, const Oracle& oracle) {
  ASSERT_NEAR(rtt.srtt_us(), oracle.srtt, 2);
  ASSERT_NEAR(rtt.rttvar_us(), oracle.rttvar, 3);
  ASSERT_NEAR(microseconds(rtt.rto(kLimits)), std::min(oracle.rto(200'000), 120e6), 12);
}

TEST(Rtt, TakesTheFirstSampleWhole) {
  NARU_CHECKS("TCC-002");
  Rtt rtt;
  EXPECT_FALSE(rtt.has_sample());
  rtt.sample(400ms);
  EXPECT_TRUE(rtt.has_sample());
  EXPECT_EQ(rtt.srtt(), 400ms);
  EXPECT_EQ(rtt.rttvar(), 200ms);
  EXPECT_EQ(rtt.rto(kLimits), 1'200ms);
}

TEST(Rtt, FollowsRfc6298) {
  NARU_CHECKS("TCC-002", "TCB-031");
  Random random = Random::seeded(1);
  for (const std::uint32_t scale : {50U, 1'000U, 30'000U, 500'000U, 30'000'000U}) {
    Rtt rtt;
    Oracle oracle;
    for (int i = 0; i < 20'000; ++i) {
      // Steady, jittery, and now and then another path.
      const std::uint32_t jump = i / 500 % 2 * scale;
      const std::uint32_t us =
          1 + scale / 2 + jump / 3 + random.below(scale / (1 + i % 3 * 20) + 1);
      rtt.sample(std::chrono::microseconds(us));
      oracle.sample(us);
      expect_equal(rtt, oracle);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Rtt, SettlesOnASteadyPath) {
  NARU_CHECKS("TCC-002", "TCC-003");
  Rtt rtt;
  for (int i = 0; i < 200; ++i) rtt.sample(100ms);
  EXPECT_NEAR(rtt.srtt_us(), 100'000, 1);
  EXPECT_LE(rtt.rttvar_us(), 1U);
  EXPECT_NEAR(microseconds(rtt.rto(kLimits)), 300'000, 1) << "the variance has a floor of 200 ms";
}

TEST(Rtt, NeverGoesBelowTheFloor) {
  NARU_CHECKS("TCC-003");
  Rtt rtt;
  for (int i = 0; i < 200; ++i) rtt.sample(1ms);
  EXPECT_GE(rtt.rto(kLimits), 200ms + 1ms);
  EXPECT_GE(rtt.rto({.initial = 1s, .min = 1s, .max = 120s}), 1s) << "RFC 6298 2.4";
}

TEST(Rtt, StartsWithOneSecond) {
  NARU_CHECKS("TCC-001");
  Rtt rtt;
  EXPECT_EQ(rtt.rto(kLimits), 1s);
  rtt.backoff();
  EXPECT_EQ(rtt.rto(kLimits), 2s);
}

TEST(Rtt, StartsDataWithThreeSecondsAfterALostSyn) {
  NARU_CHECKS("TCC-001");
  Rtt rtt;
  rtt.syn_was_lost();
  EXPECT_EQ(rtt.rto(kLimits), 3s);
  rtt.sample(100ms);  // by timestamps
  EXPECT_EQ(rtt.rto(kLimits), 300ms);
}

TEST(Rtt, DoublesUpToTheMaximum) {
  NARU_CHECKS("TCC-004", "TCC-007");
  Rtt rtt;
  std::vector<std::int64_t> seconds;
  for (int i = 0; i < 10; ++i, rtt.backoff()) seconds.push_back(rtt.rto(kLimits) / 1s);
  EXPECT_EQ(seconds, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 64, 120, 120, 120}));
  for (int i = 0; i < 1'000; ++i) rtt.backoff();
  EXPECT_EQ(rtt.rto(kLimits), 120s);
  EXPECT_GT(rtt.rto({.initial = 1s, .min = 200ms, .max = Duration::max()}), 0s);
}

TEST(Rtt, ASampleEndsTheBackoff) {
  NARU_CHECKS("TCC-007");
  Rtt rtt;
  rtt.sample(100ms);
  for (int i = 0; i < 4; ++i) rtt.backoff();
  EXPECT_EQ(rtt.backoffs(), 4U);
  EXPECT_EQ(rtt.rto(kLimits), 16 * 300ms);
  rtt.sample(100ms);
  EXPECT_EQ(rtt.backoffs(), 0U);
  EXPECT_LT(rtt.rto(kLimits), 301ms);
}

TEST(Rtt, SurvivesClockSteps) {
  NARU_CHECKS("TCC-009");
  Rtt rtt;
  rtt.sample(-1h);
  EXPECT_FALSE(rtt.has_sample());
  rtt.sample(10ms);
  rtt.sample(-1ns);
  EXPECT_EQ(rtt.srtt(), 10ms);
  for (int i = 0; i < 1'000; ++i) rtt.sample(Duration::max());
  EXPECT_LE(rtt.srtt(), 60s);
  EXPECT_GE(rtt.srtt(), 59s);
  EXPECT_LE(rtt.rto(kLimits), 120s);
  rtt.sample(Duration::min());
  for (int i = 0; i < 200; ++i) rtt.sample(10ms);
  EXPECT_NEAR(rtt.srtt_us(), 10'000, 1);
  EXPECT_LT(rtt.rto(kLimits), 300ms) << "one hour's step is forgotten";
}

TEST(Rtt, TakesRoundTripsOfNothing) {
  NARU_CHECKS("TCC-008", "TCC-009");
  for (const Duration tiny : {Duration(0), Duration(1), Duration(999)}) {
    Rtt rtt;
    for (int i = 0; i < 100; ++i) rtt.sample(tiny);
    EXPECT_TRUE(rtt.has_sample());
    EXPECT_EQ(rtt.srtt_us(), 1U);
    EXPECT_GE(rtt.rto({.initial = 1s, .min = 0s, .max = 120s}), 1us);
    EXPECT_LE(rtt.rto({.initial = 1s, .min = 0s, .max = 120s}), 5us);
  }
}

// RFC 7323 appendix G: with n samples in a round trip the estimator remembers as
// many round trips as with one.
TEST(Rtt, SpreadsItsMemoryOverAWindowOfSamples) {
  NARU_CHECKS("TCX-016");
  Rtt once;
  Rtt often;
  once.sample(100ms);
  often.sample(100ms);
  for (int round = 0; round < 8; ++round) {
    once.sample(150ms);
    for (int i = 0; i < 16; ++i) often.sample(150ms, 16);
  }
  EXPECT_NEAR(often.srtt_us(), once.srtt_us(), 2'000);
  Rtt spike;
  spike.sample(100ms);
  spike.sample(200ms, 50);
  EXPECT_EQ(spike.srtt_us(), 100'250U);
}

TEST(MinRtt, IsTheSmallestOfTheWindow) {
  Random random = Random::seeded(7);
  MinRtt min;
  EXPECT_FALSE(min.has_sample());
  EXPECT_EQ(min.get(), 0s);
  std::vector<std::pair<std::int64_t, std::int64_t>> all;  // second, microseconds
  std::int64_t second = 0;
  for (int i = 0; i < 20'000; ++i) {
    second += random.below(4);
    const std::int64_t us = 10'000 + random.below(10'000) + (i / 1'000 % 3) * 3'000;
    min.sample(time_from_ns(second * 1'000'000'000), std::chrono::microseconds(us));
    all.emplace_back(second, us);
    // The three samples are an estimate from above that is at most half a window
    // behind the truth.
    std::int64_t whole = us;
    std::int64_t half = us;
    for (auto s = all.rbegin(); s != all.rend() && s->first >= second - 300; ++s) {
      whole = std::min(whole, s->second);
      if (s->first >= second - 75) half = std::min(half, s->second);
    }
    ASSERT_GE(min.get() / 1us, whole);
    ASSERT_LE(min.get() / 1us, half);
  }
}

TEST(MinRtt, ForgetsAfterFiveMinutes) {
  MinRtt min;
  min.sample(time_from_ns(0), 1ms);
  min.sample(time_from_ns(0) + 300s, 5ms);
  EXPECT_EQ(min.get(), 1ms);
  min.sample(time_from_ns(0) + 301s, 6ms);
  EXPECT_EQ(min.get(), 5ms);
  min.sample(time_from_ns(0) + 10h, 9ms);
  EXPECT_EQ(min.get(), 9ms);
}

// On a path that grows longer and longer a successor of the best is at hand.
TEST(MinRtt, RemembersSamplesOfAllPartsOfTheWindow) {
  MinRtt min;
  for (int second = 0; second <= 2'000; ++second) {
    min.sample(time_from_ns(0) + second * 1s, 1s + second * 1ms);
    const auto best = (min.get() - 1s) / 1ms;  // the second of the sample
    ASSERT_LE(second - best, 300);
    if (second == 301) {
      EXPECT_EQ(best, 76) << "the first of the second quarter";
    }
    ASSERT_GE(second - best, second > 300 ? 150 : 0) << "later ones are there to choose from";
  }
}

TEST(MinRtt, TakesAnySample) {
  MinRtt min;
  min.sample(time_from_ns(0), -1s);
  EXPECT_FALSE(min.has_sample());
  min.sample(time_from_ns(0), Duration::max());
  EXPECT_TRUE(min.has_sample());
  min.sample(time_from_ns(0), 0s);
  EXPECT_EQ(min.get(), 1us);
}

}  // namespace
}  // namespace naru::tcp
