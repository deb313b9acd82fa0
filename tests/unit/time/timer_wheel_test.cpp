// The timer wheel against a sorted list.
#include "time/timer_wheel.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/checks.hpp"
#include "unit/base/test_random.hpp"

namespace naru {
namespace {

constexpr Duration kTick = Duration(1 << 16);

struct Timer : TimerNode {
  int id = 0;
};

// What a wheel must do, the slow way.
class SortedTimers {
 public:
  void arm(Timer* t, Time deadline) {
    cancel(t);
    timers_.emplace(deadline, t);
    deadlines_.emplace_back(t, deadline);
  }
  void cancel(Timer* t) {
    std::erase_if(deadlines_, [&](const auto& armed) {
      if (armed.first != t) return false;
      timers_.erase({armed.second, t});
      return true;
    });
  }
  // All that are due.
  std::set<Timer*> expire(Time now) {
    std::set<Timer*> due;
    while (!timers_.empty() && timers_.begin()->first <= now) {
      Timer* t = timers_.begin()->second;
      due.insert(t);
      cancel(t);
    }
    return due;
  }
  Time next() const { return timers_.empty() ? kTimeNever : timers_.begin()->first; }
  std::size_t size() const { return timers_.size(); }

 private:
  std::set<std::pair<Time, Timer*>> timers_;
  std::vector<std::pair<Timer*, Time>> deadlines_;
};

std::set<Timer*> expire(TimerWheel& wheel, Time now) {
  std::set<Timer*> due;
  while (TimerNode* t = wheel.pop_expired(now)) {
    EXPECT_FALSE(t->is_armed());
    EXPECT_LE(t->deadline, now);
    EXPECT_TRUE(due.insert(static_cast<Timer*>(t)).second) << "fired twice";
  }
  return due;
}

TEST(TimerWheel, FiresToTheNanosecond) {
  const auto wheel = std::make_unique<TimerWheel>();
  Timer t;
  const Time deadline = time_from_ns(123'456'789);
  wheel->arm(t, deadline);
  EXPECT_TRUE(t.is_armed());
  EXPECT_EQ(wheel->armed(), 1U);
  EXPECT_EQ(wheel->pop_expired(deadline - 1ns), nullptr);
  EXPECT_EQ(wheel->next_deadline(), deadline);
  EXPECT_EQ(wheel->pop_expired(deadline), &t);
  EXPECT_FALSE(t.is_armed());
  EXPECT_EQ(wheel->armed(), 0U);
  EXPECT_EQ(wheel->pop_expired(deadline + 1h), nullptr);
  EXPECT_EQ(wheel->next_deadline(), kTimeNever);
}

TEST(TimerWheel, FiresAtOnceWhatIsInThePast) {
  const auto wheel = std::make_unique<TimerWheel>();
  const Time now = time_from_ns(5'000'000'000);
  EXPECT_EQ(wheel->pop_expired(now), nullptr);
  for (const Time past :
       {now, now - 1ns, now - 3s, time_from_ns(0), time_from_ns(-1), Time::min()}) {
    Timer t;
    wheel->arm(t, past);
    EXPECT_LE(wheel->next_deadline(), now);
    EXPECT_EQ(wheel->pop_expired(now), &t) << nanoseconds(past);
  }
}

TEST(TimerWheel, CancelsAndMoves) {
  const auto wheel = std::make_unique<TimerWheel>();
  Timer a;
  Timer b;
  wheel->arm(a, time_from_ns(1'000'000));
  wheel->arm(b, time_from_ns(1'000'000));
  wheel->cancel(a);
  wheel->cancel(a);
  EXPECT_FALSE(a.is_armed());
  EXPECT_EQ(wheel->armed(), 1U);
  wheel->arm(b, time_from_ns(9'000'000'000));
  EXPECT_EQ(wheel->armed(), 1U);
  EXPECT_EQ(wheel->pop_expired(time_from_ns(2'000'000)), nullptr);
  wheel->arm(b, time_from_ns(3'000'000));
  EXPECT_EQ(wheel->pop_expired(time_from_ns(3'000'000)), &b);
}

TEST(TimerWheel, ArmNoLaterKeepsTheEarlierDeadline) {
  const auto wheel = std::make_unique<TimerWheel>();
  Timer t;
  wheel->arm_no_later(t, time_from_ns(2'000'000));
  wheel->arm_no_later(t, time_from_ns(3'000'000));
  EXPECT_EQ(t.deadline, time_from_ns(2'000'000));
  wheel->arm_no_later(t, time_from_ns(1'000'000));
  EXPECT_EQ(t.deadline, time_from_ns(1'000'000));
  EXPECT_EQ(wheel->armed(), 1U);
}

// Slot boundaries of all levels, each seen from several positions of the wheel.
TEST(TimerWheel, FiresOnTimeAtEveryLevel) {
  NARU_CHECKS("TCC-045");
  for (const std::int64_t position :
       {0LL, 1LL, 63LL, 64LL, 4'095LL, 4'096LL, 262'143LL, 123'456'789LL}) {
    for (unsigned level = 0; level < 8; ++level) {
      for (const std::int64_t slot : {1LL, 2LL, 31LL, 62LL, 63LL}) {
        for (const std::int64_t beside : {-1LL, 0LL, 1LL}) {
          const std::int64_t ticks = (slot << (6 * level)) + beside;
          if (ticks + position >= std::int64_t{1} << 46U) continue;
          const auto wheel = std::make_unique<TimerWheel>();
          const Time now = time_from_ns(0) + position * kTick;
          ASSERT_EQ(wheel->pop_expired(now), nullptr);
          Timer t;
          const Time deadline = now + ticks * kTick + 17ns;
          wheel->arm(t, deadline);
          ASSERT_EQ(wheel->pop_expired(deadline - 1ns), nullptr) << ticks << " from " << position;
          ASSERT_EQ(wheel->pop_expired(deadline), &t) << ticks << " from " << position;
        }
      }
    }
  }
}

// Whoever sleeps until next_deadline() each time wakes on time, and not often.
TEST(TimerWheel, NextDeadlineLeadsToEveryTimer) {
  NARU_CHECKS("TCC-045");
  TestRandom random(3);
  const auto wheel = std::make_unique<TimerWheel>();
  std::vector<Timer> timers(200);
  std::vector<Time> deadlines;
  for (Timer& t : timers) {
    const Time deadline =
        time_from_ns(static_cast<std::int64_t>(random.next_u64() >> (2 + random.below(60))));
    wheel->arm(t, deadline);
    deadlines.push_back(deadline);
  }
  std::sort(deadlines.begin(), deadlines.end());
  std::size_t fired = 0;
  int wakes = 0;
  for (Time now = wheel->next_deadline(); now != kTimeNever; now = wheel->next_deadline()) {
    ASSERT_LE(now, deadlines[fired]) << "too late";
    for (const Timer* t : expire(*wheel, now)) {
      ASSERT_EQ(t->deadline, now);
      ++fired;
    }
    ASSERT_GT(wheel->next_deadline(), now) << "would spin";
    ++wakes;
  }
  EXPECT_EQ(fired, timers.size());
  EXPECT_LE(wakes, 200 * 8);
}

TEST(TimerWheel, HoldsTheFarFuture) {
  NARU_CHECKS("TCC-045");
  const auto wheel = std::make_unique<TimerWheel>();
  Timer year;
  Timer never;
  Timer soon;
  const Time now = time_from_ns(1'000);
  wheel->arm(never, kTimeNever);
  wheel->arm(year, now + 24h * 365);
  wheel->arm(soon, now + 1ms);
  EXPECT_EQ(wheel->pop_expired(now + 1ms), &soon);
  EXPECT_EQ(wheel->pop_expired(now + 24h * 365 - 1ns), nullptr);
  EXPECT_EQ(wheel->pop_expired(now + 24h * 365), &year);
  EXPECT_EQ(wheel->pop_expired(now + 24h * 365 * 200), nullptr);
  EXPECT_EQ(wheel->armed(), 1U);
  EXPECT_EQ(wheel->pop_expired(kTimeNever), &never);
}

// 49.7 days: where a count of milliseconds in 32 bits wraps.
TEST(TimerWheel, PassesTheWrapOfMilliseconds) {
  NARU_CHECKS("TCC-045");
  const auto wheel = std::make_unique<TimerWheel>();
  const Time wrap = time_from_ns((std::int64_t{1} << 32U) * 1'000'000);
  EXPECT_EQ(milliseconds32(wrap - 1ns), 0xffffffffU);
  EXPECT_EQ(milliseconds32(wrap), 0U);
  Time now = wrap - 10s;
  EXPECT_EQ(wheel->pop_expired(now), nullptr);
  std::vector<Timer> timers(2'000);
  for (int i = 0; i < 2'000; ++i) wheel->arm(timers[static_cast<std::size_t>(i)], now + i * 10ms);
  for (int i = 0; i < 2'000; ++i, now += 10ms) {
    ASSERT_EQ(wheel->pop_expired(now - 1ns), nullptr);
    ASSERT_EQ(wheel->pop_expired(now), &timers[static_cast<std::size_t>(i)]);
    ASSERT_EQ(wheel->pop_expired(now), nullptr);
  }
}

TEST(TimerWheel, AClockThatStepsBackHurtsNothing) {
  const auto wheel = std::make_unique<TimerWheel>();
  Timer a;
  Timer b;
  const Time now = time_from_ns(10'000'000'000);
  EXPECT_EQ(wheel->pop_expired(now), nullptr);
  wheel->arm(a, now + 1s);
  EXPECT_EQ(wheel->pop_expired(now - 5s), nullptr);
  wheel->arm(b, now - 4s);
  EXPECT_EQ(wheel->pop_expired(now), &b);
  EXPECT_EQ(wheel->pop_expired(now + 1s), &a);
}

// A timer's owner arms it again, and others, while the wheel is being emptied.
TEST(TimerWheel, MayBeChangedBetweenTwoExpiries) {
  const auto wheel = std::make_unique<TimerWheel>();
  std::vector<Timer> timers(100);
  const Time now = time_from_ns(1'000'000'000);
  for (Timer& t : timers) wheel->arm(t, now);
  int fired = 0;
  while (TimerNode* t = wheel->pop_expired(now)) {
    ++fired;
    const auto i = static_cast<std::size_t>(static_cast<Timer*>(t) - timers.data());
    if (i % 3 == 0 && i + 1 < timers.size()) wheel->cancel(timers[i + 1]);
    if (i % 3 == 2 && fired < 1'000) wheel->arm(*t, now + 1ms);
  }
  EXPECT_EQ(fired, 67);
  EXPECT_EQ(expire(*wheel, now + 1ms).size(), 33U);
  EXPECT_EQ(wheel->armed(), 0U);
}

struct Mix {
  const char* name;
  std::uint32_t timers;
  int steps;
  std::int64_t start;
  unsigned deadline_bits;  // deadlines up to 2^bits ns ahead
  unsigned advance_bits;
};

class TimerWheelMix : public ::testing::TestWithParam<Mix> {};

TEST_P(TimerWheelMix, AgreesWithASortedList) {
  NARU_CHECKS("TCC-045");
  const Mix& mix = GetParam();
  TestRandom random(mix.timers);
  const auto up_to = [&random](unsigned bits) {
    const unsigned shift = 64 - 1 - random.below(bits);
    return Duration(static_cast<std::int64_t>(random.next_u64() >> shift));
  };
  const auto wheel = std::make_unique<TimerWheel>();
  SortedTimers model;
  std::vector<Timer> timers(mix.timers);
  Time now = time_from_ns(mix.start);
  for (int step = 0; step < mix.steps; ++step) {
    Timer& t = timers[random.below(mix.timers)];
    const std::uint32_t what = random.below(16);
    if (what < 9) {
      const Time deadline = now + up_to(mix.deadline_bits) - (what == 0 ? 1ms : 0ms);
      wheel->arm(t, deadline);
      model.arm(&t, deadline);
    } else if (what < 12) {
      wheel->cancel(t);
      model.cancel(&t);
    } else {
      // Sometimes exactly to where the wheel says that it has something to do.
      const Time next = wheel->next_deadline();
      ASSERT_LE(next, model.next());
      now = what == 15 && next != kTimeNever ? std::max(now, next) : now + up_to(mix.advance_bits);
      ASSERT_EQ(expire(*wheel, now), model.expire(now)) << "step " << step;
      ASSERT_GT(wheel->next_deadline(), now) << "step " << step;
    }
    ASSERT_EQ(wheel->armed(), model.size());
  }
  now += Duration(std::int64_t{1} << (mix.deadline_bits + 1));
  ASSERT_EQ(expire(*wheel, now), model.expire(now));
  EXPECT_EQ(wheel->armed(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Mixes, TimerWheelMix,
    ::testing::Values(Mix{"few_timers_short", 4, 1'000'000, 0, 24, 22},
                      Mix{"delayed_acks", 50, 1'000'000, 1'000'000'000'000, 28, 24},
                      Mix{"retransmissions", 60, 500'000, 77'777'777'777, 37, 30},
                      Mix{"keepalive", 60, 500'000, 4'294'967'296'000'000 - 1'000'000'000, 43, 40},
                      Mix{"years", 40, 300'000, 12'345, 56, 50}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace naru
