// HyStart++ (RFC 9406) round by round.
#include "tcp/congestion/hystart.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "unit/tcp/bulk_sender.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kSmss = 1'000;

struct FirstSlowStart {
  HyStart hystart;
  Window window{.cwnd = 20 * kSmss, .ssthresh = kNoThreshold, .smss = kSmss};
  std::uint32_t snd_una = 0xffffff00U;
  std::uint32_t snd_nxt = snd_una + window.cwnd;

  std::uint32_t ack(std::uint32_t bytes, Duration rtt) {
    snd_una += bytes;
    AckSample sample{};
    sample.acked = bytes;
    sample.rtt = rtt;
    sample.snd_una = snd_una;
    sample.snd_nxt = snd_nxt;
    return hystart.on_ack(window, sample, bytes);
  }

  // A round of 20 ACKs of a segment each, for what the round before has sent.
  void round(Duration rtt) {
    const std::uint32_t end = snd_nxt;
    while (snd_una + kSmss != end) ack(kSmss, rtt);
    snd_nxt += 20 * kSmss;
    ack(kSmss, rtt);
  }
};

// RttThresh = max(4 ms, min(RTT / 8, 16 ms)).
TEST(HyStart, GoesSlowlyFromTheThresholdOn) {
  NARU_CHECKS("TCC-031");
  const std::pair<Duration, Duration> cases[] = {
      {100us, 4ms},      {10ms, 4ms},   {32ms, 4ms},   {40ms, 5ms},
      {100ms, 12'500us}, {128ms, 16ms}, {300ms, 16ms},
  };
  for (const auto& [rtt, threshold] : cases) {
    FirstSlowStart below;
    below.round(rtt);
    below.round(rtt + threshold - 1us);
    EXPECT_FALSE(below.hystart.is_conservative()) << rtt / 1us;

    FirstSlowStart at;
    at.round(rtt);
    at.round(rtt + threshold);
    EXPECT_TRUE(at.hystart.is_conservative()) << rtt / 1us;
  }
}

TEST(HyStart, ComparesWithTheRoundBefore) {
  NARU_CHECKS("TCC-031");
  FirstSlowStart s;
  for (int i = 0; i < 20; ++i) s.round(100ms + i * 10ms);  // 10 ms a round: never enough
  EXPECT_FALSE(s.hystart.is_conservative());
}

TEST(HyStart, WantsEightSamples) {
  NARU_CHECKS("TCC-031");
  FirstSlowStart s;
  s.round(50ms);
  for (int i = 0; i < 7; ++i) s.ack(kSmss, 90ms);
  EXPECT_FALSE(s.hystart.is_conservative());
  s.ack(kSmss, {});  // measured nothing
  EXPECT_FALSE(s.hystart.is_conservative());
  s.ack(kSmss, 90ms);
  EXPECT_TRUE(s.hystart.is_conservative());
}

TEST(HyStart, TheSmallestSampleOfTheRoundDecides) {
  NARU_CHECKS("TCC-031");
  FirstSlowStart s;
  s.round(50ms);
  s.ack(kSmss, 51ms);
  for (int i = 0; i < 18; ++i) s.ack(kSmss, 90ms);
  EXPECT_FALSE(s.hystart.is_conservative());
}

TEST(HyStart, GrowsByAQuarterInConservativeSlowStart) {
  NARU_CHECKS("TCC-031");
  FirstSlowStart s;
  s.round(50ms);
  EXPECT_EQ(s.ack(kSmss, 70ms), kSmss);
  s.round(70ms);
  ASSERT_TRUE(s.hystart.is_conservative());
  EXPECT_EQ(s.ack(4 * kSmss, 70ms), kSmss);
}

// CSS begins in the middle of a round, and that round is the first of five.
TEST(HyStart, LeavesSlowStartAfterFiveRounds) {
  NARU_CHECKS("TCC-031");
  FirstSlowStart s;
  s.round(50ms);
  s.round(70ms);
  ASSERT_TRUE(s.hystart.is_conservative());
  for (int round = 2; round <= 4; ++round) {
    s.round(70ms);
    EXPECT_EQ(s.window.ssthresh, kNoThreshold) << "after round " << round;
  }
  s.round(70ms);
  EXPECT_EQ(s.window.ssthresh, s.window.cwnd);
}

TEST(HyStart, ResumesWhenTheRiseWasAPassingOne) {
  NARU_CHECKS("TCC-031");
  FirstSlowStart s;
  s.round(50ms);
  s.round(70ms);
  s.round(70ms);
  ASSERT_TRUE(s.hystart.is_conservative());
  s.round(69ms);
  EXPECT_FALSE(s.hystart.is_conservative());
  for (int i = 0; i < 10; ++i) s.round(69ms);
  EXPECT_EQ(s.window.ssthresh, kNoThreshold);
  s.round(90ms);  // and a true one: five rounds again
  ASSERT_TRUE(s.hystart.is_conservative());
  for (int round = 2; round <= 4; ++round) s.round(90ms);
  EXPECT_EQ(s.window.ssthresh, kNoThreshold);
  s.round(90ms);
  EXPECT_EQ(s.window.ssthresh, s.window.cwnd);
}

TEST(HyStart, SurvivesStrangeRoundTripTimes) {
  FirstSlowStart s;
  for (const Duration rtt :
       {Duration(1), Duration(-1h), Duration(10h), Duration(0), Duration::max()}) {
    s.round(rtt);
  }
  EXPECT_TRUE(s.window.ssthresh == kNoThreshold || s.window.ssthresh == s.window.cwnd);
}

// RFC 9406 4.3: only the first slow start of a connection.
TEST(HyStart, IsForTheFirstSlowStartOnly) {
  NARU_CHECKS("TCC-031");
  BulkSender s(Algorithm::cubic, 50ms);
  s.round(kSmss);
  s.controller.on_timeout(s.now, 1'000 * kSmss, true);
  s.ack(kSmss);
  s.controller.restore(20 * kSmss, 10'000 * kSmss);
  s.round(kSmss);
  s.round(kSmss);
  ASSERT_EQ(s.controller.cwnd(), 80 * kSmss);
  s.rtt = 200ms;
  for (int i = 0; i < 6; ++i) s.round(kSmss);
  EXPECT_EQ(s.controller.cwnd(), 80 * 64 * kSmss);
}

TEST(HyStart, EndsSlowStartBeforeTheQueueOverflows) {
  NARU_CHECKS("TCC-031");
  BulkSender s(Algorithm::cubic, 50ms);
  // A path of 100 segments with a queue behind: the RTT grows with the window.
  while (s.controller.in_slow_start() && s.segments() < 10'000) {
    s.rtt = 50ms * std::max<std::int64_t>(s.controller.cwnd(), 100 * kSmss) / (100 * kSmss);
    s.round(kSmss);
  }
  EXPECT_FALSE(s.controller.in_slow_start());
  EXPECT_GE(s.segments(), 100);
  EXPECT_LE(s.segments(), 320 * 3.1) << "five rounds of a quarter above the first with a queue";
}

TEST(HyStart, NewRenoDoesWithout) {
  BulkSender s(Algorithm::newreno, 50ms);
  s.round(kSmss);
  s.rtt = 500ms;
  for (int i = 0; i < 8; ++i) s.round(kSmss);
  EXPECT_TRUE(s.controller.in_slow_start());
}

}  // namespace
}  // namespace naru::tcp
