// CUBIC against the curves of RFC 9438, computed here in segments and seconds.
#include "tcp/congestion/cubic.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "unit/tcp/bulk_sender.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kSmss = 1'000;

// W_cubic(t) after a window of `epoch` segments towards `w_max` (equations 1 and 2).
double w_cubic(double t, double w_max, double epoch) {
  const double k = std::cbrt((w_max - epoch) / 0.4);
  return 0.4 * std::pow(t - k, 3) + w_max;
}

// Runs the sender for `time` and expects its window within 2 % of `curve`, of
// the seconds since the first ACK, all the way.
void expect_curve(BulkSender& s, Duration time, std::uint32_t ack_size,
                  const std::function<double(double)>& curve) {
  s.ack(1);
  const Time start = s.now;
  while (s.now < start + time) {
    s.round(ack_size);
    const double t = std::chrono::duration<double>(s.now - start).count();
    ASSERT_NEAR(s.segments() / curve(t), 1, 0.02) << "t = " << t << ", curve " << curve(t);
  }
}

TEST(Cubic, FollowsTheCurveThroughConcaveAndConvexRegions) {
  NARU_CHECKS("TCC-029");
  for (const std::uint32_t ack_size : {kSmss, 2 * kSmss, 64 * kSmss}) {
    BulkSender s(Algorithm::cubic, 100ms);
    s.lose_at(1'000);
    ASSERT_EQ(s.controller.cwnd(), 700 * kSmss);
    // K is 9.09 s; the far end is well into the convex region.
    expect_curve(s, 16s, ack_size, [](double t) { return w_cubic(t, 1'000, 700); });
    EXPECT_GT(s.segments(), 1'100);
  }
}

// The window of the next round trip is what the curve says for its end.
TEST(Cubic, FollowsTheCurveOnALongPath) {
  NARU_CHECKS("TCC-029");
  BulkSender s(Algorithm::cubic, 600ms);
  s.lose_at(1'000);
  s.round(kSmss);  // Reno's, as W_cubic(0) = cwnd
  const Time start = s.now - 600ms;
  while (s.now < start + 16s) {
    s.round(kSmss);
    const double t = std::chrono::duration<double>(s.now - start).count();
    ASSERT_NEAR(s.segments() / w_cubic(t, 1'000, 700), 1, 0.02) << "t = " << t;
  }
}

TEST(Cubic, FollowsTheCurveOfALargeWindow) {
  NARU_CHECKS("TCC-029");
  BulkSender s(Algorithm::cubic, 50ms);
  s.lose_at(50'000);
  expect_curve(s, 45s, 64 * kSmss, [](double t) { return w_cubic(t, 50'000, 35'000); });
}

TEST(Cubic, GrowsAlikeWhateverTheAcksCover) {
  NARU_CHECKS("TCC-034");
  BulkSender each(Algorithm::cubic, 100ms);
  each.lose_at(300);
  each.run(10s, kSmss);
  for (const std::uint32_t ack_size : {10U, 2 * kSmss, 64 * kSmss}) {
    BulkSender other(Algorithm::cubic, 100ms);
    other.lose_at(300);
    other.run(10s, ack_size);
    EXPECT_NEAR(other.segments() / each.segments(), 1, 0.02) << "ACKs of " << ack_size;
  }
}

// In the Reno-friendly region (4.3) W_est gains 3 (1 - 0.7) / (1 + 0.7) segments
// in a round trip until it reaches the window of the loss, then one.
TEST(Cubic, IsAsFastAsRenoOnAShortPath) {
  NARU_CHECKS("TCC-029");
  BulkSender s(Algorithm::cubic, 20ms);
  s.lose_at(40);
  ASSERT_EQ(s.controller.cwnd(), 28 * kSmss);
  const double alpha = 9.0 / 17.0;
  const double back = (40 - 28) / alpha;  // round trips
  expect_curve(s, 2s, kSmss, [=](double t) {
    const double rounds = t / 0.020;
    return rounds < back ? 28 + alpha * rounds : 40 + (rounds - back);
  });
}

// RTT 5 s: after the first round trip (Reno's, as W_cubic(0) = cwnd) the curve asks
// for W(10 s) = 10 + 0.4 (10 - 1.96)^3 = 218 segments.
TEST(Cubic, GrowsByAtMostHalfInARoundTrip) {
  NARU_CHECKS("TCC-029");
  BulkSender s(Algorithm::cubic, 5s);
  s.lose_at(10);
  ASSERT_EQ(s.controller.cwnd(), 7 * kSmss);
  s.ack(7 * kSmss);
  ASSERT_EQ(s.controller.cwnd(), 7'529U);
  s.round(0);
  EXPECT_NEAR(s.controller.cwnd(), 1.5 * 7'529, 1);
}

TEST(Cubic, NeverGoesBelowTheWindowThatItHas) {
  BulkSender s(Algorithm::cubic, 1ms);
  s.lose_at(1'000);
  for (int i = 0; i < 5'000; ++i) {
    const std::uint32_t before = s.controller.cwnd();
    s.round(kSmss * 16);
    ASSERT_GE(s.controller.cwnd(), before);
  }
}

TEST(Cubic, FastConvergenceGivesWayToNewFlows) {
  NARU_CHECKS("TCC-030");
  BulkSender s(Algorithm::cubic, 100ms);
  s.lose_at(1'000);
  s.run(2s, kSmss);
  ASSERT_LT(s.segments(), 1'000);
  const double cwnd = s.segments();
  s.lose();
  const double epoch = s.segments();
  EXPECT_NEAR(epoch, 0.7 * cwnd, 0.01);
  // The flat part lies at 0.85 of the window, not at the window.
  expect_curve(s, 12s, kSmss, [=](double t) { return w_cubic(t, cwnd * (1 + 0.7) / 2, epoch); });
}

TEST(Cubic, AGrownWindowIsTheNextWMax) {
  NARU_CHECKS("TCC-030");
  BulkSender s(Algorithm::cubic, 100ms);
  s.lose_at(500);
  while (s.segments() < 600) s.round(kSmss);
  const double cwnd = s.segments();
  s.lose();
  const double epoch = s.segments();
  expect_curve(s, 10s, kSmss, [=](double t) { return w_cubic(t, cwnd, epoch); });
}

// 4.8: ssthresh by 0.7, then K = 0 and W_max = cwnd where congestion avoidance begins.
TEST(Cubic, AfterATimeoutTheCurveStartsFlat) {
  NARU_CHECKS("TCC-030", "TCC-013");
  BulkSender s(Algorithm::cubic, 100ms);
  s.lose_at(2'000);  // a W_max to be forgotten
  s.controller.set_cwnd(1'000 * kSmss);
  s.controller.on_timeout(s.now, 1'000 * kSmss, true);
  EXPECT_EQ(s.controller.cwnd(), kSmss);
  EXPECT_EQ(s.controller.ssthresh(), 700 * kSmss);
  s.ack(1'000 * kSmss);  // the one lost segment came; the receiver had the rest
  EXPECT_EQ(s.controller.cwnd(), 2 * kSmss);
  while (s.controller.in_slow_start()) s.ack(kSmss);
  ASSERT_EQ(s.controller.cwnd(), 700 * kSmss);
  const double reno_slope = 9.0 / 17.0 / 0.1;  // segments per second
  expect_curve(s, 8s, kSmss,
               [=](double t) { return 700 + std::max(0.4 * t * t * t, reno_slope * t); });
}

// 4.10: slow start that ends without a loss knows no W_max either.
TEST(Cubic, AfterHyStartTheCurveStartsFlat) {
  NARU_CHECKS("TCC-029", "TCC-031");
  BulkSender s(Algorithm::cubic, 100ms);
  s.round(kSmss);
  s.round(kSmss);
  s.rtt = 150ms;  // a queue
  while (s.controller.in_slow_start()) s.round(kSmss);
  const double epoch = s.segments();
  s.rtt = 100ms;
  // W_est is at cwnd_prior from the start, so Reno's part has slope one.
  expect_curve(s, 8s, kSmss, [=](double t) { return epoch + std::max(0.4 * t * t * t, t / 0.1); });
}

TEST(Cubic, AnUndoneLossLeavesNoTrace) {
  NARU_CHECKS("TCC-030", "TCC-027");
  BulkSender lost(Algorithm::cubic, 100ms);
  lost.lose_at(1'000);
  lost.run(3s, kSmss);
  BulkSender calm = lost;
  lost.controller.on_congestion(lost.now, lost.controller.cwnd());
  lost.controller.set_cwnd(lost.controller.ssthresh());
  lost.controller.undo(lost.now);
  for (int i = 0; i < 100; ++i) {
    lost.round(kSmss);
    calm.round(kSmss);
    ASSERT_EQ(lost.controller.cwnd(), calm.controller.cwnd());
  }
}

TEST(Cubic, ALateUndoChangesNothing) {
  NARU_CHECKS("TCC-030");
  BulkSender s(Algorithm::cubic, 100ms);
  s.lose_at(100);
  while (s.segments() <= 101) s.round(kSmss);
  const std::uint32_t cwnd = s.controller.cwnd();
  const std::uint32_t ssthresh = s.controller.ssthresh();
  s.controller.undo(s.now);
  EXPECT_EQ(s.controller.cwnd(), cwnd);
  EXPECT_EQ(s.controller.ssthresh(), ssthresh);
}

TEST(Cubic, IdleTimeDoesNotCount) {
  NARU_CHECKS("TCC-030");
  BulkSender idle(Algorithm::cubic, 100ms);
  idle.lose_at(1'000);
  idle.run(3s, kSmss);
  BulkSender busy = idle;
  idle.controller.on_application_limited(idle.now);
  idle.now += 1h;
  idle.controller.on_application_limited(idle.now);  // said twice, and late
  for (int i = 0; i < 100; ++i) {
    idle.round(kSmss);
    busy.round(kSmss);
    // The pause also took the time between two ACKs, of which there are many.
    ASSERT_NEAR(idle.segments() / busy.segments(), 1, 0.001);
  }
}

TEST(Cubic, TimeInWhichTheApplicationLimitsDoesNotCount) {
  NARU_CHECKS("TCC-030");
  BulkSender s(Algorithm::cubic, 100ms);
  s.lose_at(1'000);
  s.run(3s, kSmss);
  BulkSender busy = s;
  s.cwnd_limited = false;
  s.run(60s, 10 * kSmss);
  ASSERT_EQ(s.controller.cwnd(), busy.controller.cwnd());
  s.cwnd_limited = true;
  for (int i = 0; i < 50; ++i) {
    s.round(kSmss);
    busy.round(kSmss);
    ASSERT_NEAR(s.segments() / busy.segments(), 1, 0.01);
  }
}

}  // namespace
}  // namespace naru::tcp
