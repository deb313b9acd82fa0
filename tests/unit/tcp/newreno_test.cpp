// NewReno, and what every controller has from RFC 5681.
#include "tcp/congestion/newreno.hpp"

#include <gtest/gtest.h>

#include <naru/random/random.hpp>

#include "dsl/checks.hpp"
#include "tcp/congestion/controller.hpp"
#include "unit/tcp/bulk_sender.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kSmss = 1'000;

BulkSender reno() { return {Algorithm::newreno, 100ms}; }

// RFC 6928 2: min(10 MSS, max(2 MSS, 14600)).
TEST(InitialWindow, FollowsRfc6928) {
  NARU_CHECKS("TCC-010");
  const auto window = [](std::uint32_t smss, std::uint32_t segments) {
    Controller c;
    c.start(Algorithm::cubic, smss, segments);
    return c.cwnd();
  };
  EXPECT_EQ(window(536, 10), 5'360U);
  EXPECT_EQ(window(1'460, 10), 14'600U);
  EXPECT_EQ(window(1'448, 10), 14'480U);
  EXPECT_EQ(window(4'000, 10), 14'600U);
  EXPECT_EQ(window(8'960, 10), 17'920U);
  EXPECT_EQ(window(65'483, 10), 130'966U);
  EXPECT_EQ(window(1'460, 1), 1'460U);  // after a lost SYN (RFC 5681 3.1)
  EXPECT_EQ(window(8'960, 1), 8'960U);
}

TEST(SlowStart, CountsBytesNotAcks) {
  NARU_CHECKS("TCC-011");
  for (const std::uint32_t segments_per_ack : {1U, 2U, 4U, 10U}) {
    BulkSender s = reno();
    std::uint32_t expected = 10 * kSmss;
    for (int round = 0; round < 6; ++round) {
      s.round(segments_per_ack * kSmss);
      expected *= 2;
      EXPECT_EQ(s.controller.cwnd(), expected) << segments_per_ack << " per ACK";
    }
  }
}

TEST(SlowStart, OneAckForABurstOf64OpensTheWindowAsMuch) {
  NARU_CHECKS("TCC-011");
  BulkSender s = reno();
  s.controller.set_cwnd(64 * kSmss);
  s.round(0);
  EXPECT_EQ(s.controller.cwnd(), 128 * kSmss);
}

TEST(SlowStart, DividedAcksGainNothing) {
  NARU_CHECKS("TCC-034");
  for (const Algorithm algorithm : {Algorithm::newreno, Algorithm::cubic}) {
    BulkSender divided(algorithm, 100ms);
    BulkSender whole(algorithm, 100ms);
    for (int i = 0; i < 512; ++i) divided.ack(3);
    whole.ack(512 * 3);
    EXPECT_LE(divided.controller.cwnd(), whole.controller.cwnd());
    EXPECT_GE(divided.controller.cwnd(), 10 * kSmss);
  }
}

TEST(SlowStart, EndsAtSsthreshAndTheRestCountsForCongestionAvoidance) {
  BulkSender s = reno();
  s.controller.restore(10 * kSmss, 12 * kSmss);
  EXPECT_TRUE(s.controller.in_slow_start());
  s.ack(5 * kSmss);  // two for slow start, three of twelve
  EXPECT_EQ(s.controller.cwnd(), 12 * kSmss);
  EXPECT_FALSE(s.controller.in_slow_start());
  s.ack(8 * kSmss);
  EXPECT_EQ(s.controller.cwnd(), 12 * kSmss);
  s.ack(1 * kSmss);
  EXPECT_EQ(s.controller.cwnd(), 13 * kSmss);
}

TEST(CongestionAvoidance, GrowsOneSegmentInARoundTrip) {
  NARU_CHECKS("TCC-011", "TCC-034");
  for (const std::uint32_t ack_size : {3U, 500U, kSmss, 2 * kSmss, 64 * kSmss}) {
    BulkSender s = reno();
    s.lose_at(100);
    ASSERT_EQ(s.controller.cwnd(), 50 * kSmss);
    for (std::uint32_t round = 1; round <= 20; ++round) s.round(ack_size);
    EXPECT_NEAR(s.segments(), 70, 1) << "ACKs of " << ack_size;
  }
}

TEST(CongestionAvoidance, KeepsWhatIsLeftOfAWindow) {
  BulkSender s = reno();
  s.lose_at(20);
  ASSERT_EQ(s.controller.cwnd(), 10 * kSmss);
  s.ack(7 * kSmss);
  s.ack(7 * kSmss);  // 14 of 10
  EXPECT_EQ(s.controller.cwnd(), 11 * kSmss);
  s.ack(7 * kSmss);  // 4 and 7 of 11
  EXPECT_EQ(s.controller.cwnd(), 12 * kSmss);
}

TEST(CongestionControl, DoesNotGrowWhileTheWindowIsNotTheLimit) {
  NARU_CHECKS("TCC-011", "TCC-039");
  for (const Algorithm algorithm : {Algorithm::newreno, Algorithm::cubic}) {
    BulkSender s(algorithm, 100ms);
    s.cwnd_limited = false;
    s.run(10s, kSmss);
    EXPECT_EQ(s.controller.cwnd(), 10 * kSmss);
    s.lose_at(100);
    const std::uint32_t before = s.controller.cwnd();
    s.run(10s, kSmss);
    EXPECT_EQ(s.controller.cwnd(), before);
  }
}

// RFC 5681 (4), and RFC 9438 4.6 with its 0.7: from the flight, not the window.
TEST(CongestionControl, TakesSsthreshFromTheFlight) {
  NARU_CHECKS("TCC-012");
  BulkSender reno_sender = reno();
  BulkSender cubic_sender(Algorithm::cubic, 100ms);
  for (BulkSender* s : {&reno_sender, &cubic_sender}) {
    s->controller.set_cwnd(100 * kSmss);
    s->controller.on_congestion(s->now, 20 * kSmss);
    EXPECT_EQ(s->controller.cwnd(), 100 * kSmss) << "recovery's, until it is over";
  }
  EXPECT_EQ(reno_sender.controller.ssthresh(), 10 * kSmss);
  EXPECT_EQ(cubic_sender.controller.ssthresh(), 14 * kSmss);
  reno_sender.controller.on_recovery_exit(reno_sender.now);
  EXPECT_EQ(reno_sender.controller.cwnd(), 10 * kSmss);
}

TEST(CongestionControl, KeepsTwoSegmentsOfSsthresh) {
  NARU_CHECKS("TCC-012");
  for (const Algorithm algorithm : {Algorithm::newreno, Algorithm::cubic}) {
    BulkSender s(algorithm, 100ms);
    s.controller.on_congestion(s.now, kSmss);
    EXPECT_EQ(s.controller.ssthresh(), 2 * kSmss);
    s.controller.on_timeout(s.now, 0, true);
    EXPECT_EQ(s.controller.ssthresh(), 2 * kSmss);
  }
}

TEST(CongestionControl, DoesNotCountLimitedTransmit) {
  BulkSender s = reno();
  s.controller.set_cwnd(20 * kSmss);
  s.controller.on_congestion(s.now, 22 * kSmss);
  EXPECT_EQ(s.controller.ssthresh(), 10 * kSmss);
}

TEST(Timeout, LeavesOneSegmentAndSetsSsthreshOnce) {
  NARU_CHECKS("TCC-013", "TCC-012");
  BulkSender s = reno();
  s.controller.set_cwnd(40 * kSmss);
  s.controller.on_timeout(s.now, 30 * kSmss, true);
  EXPECT_EQ(s.controller.cwnd(), kSmss);
  EXPECT_EQ(s.controller.ssthresh(), 15 * kSmss);
  s.controller.on_timeout(s.now + 2s, 30 * kSmss, false);
  EXPECT_EQ(s.controller.cwnd(), kSmss);
  EXPECT_EQ(s.controller.ssthresh(), 15 * kSmss);
}

// The receiver kept 28 of 30 segments; the ACK for the first jumps over them.
TEST(Timeout, AnAckThatJumpsOpensTheWindowByOneSegment) {
  BulkSender s = reno();
  s.controller.set_cwnd(40 * kSmss);
  s.controller.on_timeout(s.now, 30 * kSmss, true);
  const auto ack = [&s](std::uint32_t acked, std::uint32_t una) {
    s.controller.on_ack({.now = s.now,
                         .acked = acked,
                         .flight_before = 30 * kSmss,
                         .rtt = {},
                         .srtt = s.rtt,
                         .min_rtt = s.rtt,
                         .snd_una = una,
                         .snd_nxt = 30 * kSmss,
                         .cwnd_limited = true});
  };
  ack(19 * kSmss, 19 * kSmss);
  EXPECT_EQ(s.controller.cwnd(), 2 * kSmss);
  ack(11 * kSmss, 30 * kSmss);
  EXPECT_EQ(s.controller.cwnd(), 3 * kSmss);
  // All that was sent before the timeout is acknowledged: slow start as usual.
  ack(3 * kSmss, 33 * kSmss);
  EXPECT_EQ(s.controller.cwnd(), 6 * kSmss);
}

TEST(Idle, RestartsFromTheInitialWindow) {
  NARU_CHECKS("TCC-017");
  BulkSender s = reno();
  s.controller.set_cwnd(100 * kSmss);
  s.controller.on_idle(s.now + 5s, 10);
  EXPECT_EQ(s.controller.cwnd(), 10 * kSmss);
  EXPECT_EQ(s.controller.ssthresh(), kNoThreshold);

  s.lose_at(100);  // ssthresh and cwnd are 50
  s.controller.on_idle(s.now + 5s, 10);
  EXPECT_EQ(s.controller.cwnd(), 10 * kSmss);
  EXPECT_EQ(s.controller.ssthresh(), 50 * kSmss);
}

TEST(Idle, NeverOpensTheWindow) {
  NARU_CHECKS("TCC-017");
  BulkSender s = reno();
  s.controller.on_timeout(s.now, 10 * kSmss, true);
  s.controller.on_idle(s.now + 5s, 10);
  EXPECT_EQ(s.controller.cwnd(), kSmss);
}

TEST(Idle, SlowStartGoesBackToThreeQuartersOfTheWindowThatWas) {
  BulkSender s = reno();
  s.lose_at(20);  // ssthresh 10
  for (int i = 0; i < 90; ++i) s.round(kSmss);
  ASSERT_NEAR(s.segments(), 100, 1);
  s.controller.on_idle(s.now + 5s, 10);
  EXPECT_NEAR(s.controller.ssthresh() / 1000.0, 75, 1);
}

TEST(Undo, RestoresTheWindowOfBeforeTheLossOnce) {
  NARU_CHECKS("TCC-027");
  for (const Algorithm algorithm : {Algorithm::newreno, Algorithm::cubic}) {
    BulkSender s(algorithm, 100ms);
    s.controller.set_cwnd(80 * kSmss);
    s.lose();
    s.controller.undo(s.now);
    EXPECT_EQ(s.controller.cwnd(), 80 * kSmss);
    EXPECT_EQ(s.controller.ssthresh(), kNoThreshold);
    s.controller.set_cwnd(20 * kSmss);
    s.controller.undo(s.now);
    EXPECT_EQ(s.controller.cwnd(), 20 * kSmss);
  }
}

TEST(Undo, OfATimeoutGoesBackBeforeTheFirst) {
  for (const Algorithm algorithm : {Algorithm::newreno, Algorithm::cubic}) {
    BulkSender s(algorithm, 100ms);
    s.lose_at(100);
    const std::uint32_t cwnd = s.controller.cwnd();
    const std::uint32_t ssthresh = s.controller.ssthresh();
    s.controller.on_timeout(s.now, cwnd, true);
    s.controller.on_timeout(s.now + 1s, cwnd, false);
    s.controller.undo(s.now + 2s);
    EXPECT_EQ(s.controller.cwnd(), cwnd);
    EXPECT_EQ(s.controller.ssthresh(), ssthresh);
  }
}

TEST(Undo, NeverShrinksAWindowThatHasGrownSince) {
  BulkSender s = reno();
  s.lose_at(20);
  s.controller.set_cwnd(30 * kSmss);
  s.controller.undo(s.now);
  EXPECT_EQ(s.controller.cwnd(), 30 * kSmss);
  EXPECT_EQ(s.controller.ssthresh(), 10 * kSmss);
}

TEST(Controller, KeepsTheNumberOfSegmentsWhenTheyShrink) {
  BulkSender s = reno();
  s.controller.set_cwnd(20 * kSmss);
  s.controller.set_smss(500);
  EXPECT_EQ(s.controller.cwnd(), 10'000U);
  s.controller.set_smss(20'000);
  EXPECT_EQ(s.controller.cwnd(), 20'000U) << "at least one segment";
}

TEST(Controller, TakesUpWhereAnIdleConnectionLeft) {
  for (const Algorithm algorithm : {Algorithm::newreno, Algorithm::cubic}) {
    BulkSender s(algorithm, 100ms);
    s.controller.restore(30 * kSmss, 30 * kSmss);
    EXPECT_EQ(s.controller.cwnd(), 30 * kSmss);
    EXPECT_EQ(s.controller.ssthresh(), 30 * kSmss);
    EXPECT_FALSE(s.controller.in_slow_start());
    for (int i = 0; i < 5; ++i) s.round(kSmss);
    EXPECT_NEAR(s.segments(), 32.5 + 2.5, 3);
    EXPECT_GT(s.segments(), 31);
  }
}

// Whatever happens: at least one segment, at most the largest window, and an ACK
// neither shrinks the window nor opens it by more than it acknowledged (NewReno
// gives a segment when it has counted enough bytes).
TEST(Controller, StaysInBoundsUnderAnySequenceOfEvents) {
  Random random = Random::seeded(1);
  for (int life = 0; life < 200; ++life) {
    BulkSender s(life % 2 == 0 ? Algorithm::newreno : Algorithm::cubic,
                 Duration(1 + std::int64_t{random.below(2'000'000'000)}));
    for (int step = 0; step < 2'000; ++step) {
      s.now += Duration(random.below(4) == 0 ? std::int64_t{random.next_u32()} * 1'000
                                             : random.below(1'000'000));
      s.cwnd_limited = random.below(8) != 0;
      const std::uint32_t before = s.controller.cwnd();
      switch (random.below(40)) {
        case 0:
          s.controller.on_congestion(s.now, random.next_u32());
          break;
        case 1:
          s.controller.on_recovery_exit(s.now);
          break;
        case 2:
          s.controller.on_timeout(s.now, random.next_u32(), random.below(2) == 0);
          break;
        case 3:
          s.controller.on_idle(s.now, 10);
          break;
        case 4:
          s.controller.undo(s.now);
          break;
        case 5:
          s.controller.on_application_limited(s.now);
          break;
        case 6:
          s.controller.set_cwnd(random.next_u32());
          break;
        default: {
          const std::uint32_t bytes = 1 + random.below(random.below(4) == 0 ? before : 3'000);
          s.ack(bytes);
          ASSERT_GE(s.controller.cwnd(), before);
          ASSERT_LE(s.controller.cwnd(), before + bytes + s.smss);
        }
      }
      ASSERT_GE(s.controller.cwnd(), s.smss);
      ASSERT_LE(s.controller.cwnd(), kMaxWindow);
      ASSERT_GE(s.controller.ssthresh(), 2 * s.smss);
    }
  }
}

}  // namespace
}  // namespace naru::tcp
