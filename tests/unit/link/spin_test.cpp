#include <gtest/gtest.h>

#include <naru/link/spin.hpp>

namespace naru::link {
namespace {

constexpr Time kStart{1s};

// How long it looks before it sleeps, asking every 100 ns.
Duration spin(SpinPolicy& policy, Time from, unsigned runnable) {
  Time now = from;
  while (policy.should_spin(now, runnable)) now += 100ns;
  return now - from;
}

TEST(SpinPolicy, LooksForAWhileThenSleeps) {
  SpinPolicy policy(2);
  EXPECT_EQ(spin(policy, kStart, 2), 50us);
}

TEST(SpinPolicy, GivesWayToWhoeverWantsTheCore) {
  SpinPolicy policy(2);
  EXPECT_EQ(spin(policy, kStart, 3), 0us);
  SpinPolicy alone(1);
  EXPECT_EQ(spin(alone, kStart, 2), 0us);
}

TEST(SpinPolicy, DoesNotLookWhereThatNeverPays) {
  SpinPolicy policy(2);
  EXPECT_EQ(spin(policy, kStart, 0), 0us);
}

TEST(SpinPolicy, StopsTryingWhereItIsInVain) {
  SpinPolicy policy(2);
  for (int i = 0; i < 10; ++i) {
    spin(policy, kStart + i * 10ms, 1);
    policy.on_wake(kStart + i * 10ms + 5ms);
  }
  EXPECT_EQ(policy.budget(), 1us);
}

TEST(SpinPolicy, TriesAgainWhenThingsComeSoon) {
  SpinPolicy policy(2);
  for (int i = 0; i < 10; ++i) {
    spin(policy, kStart + i * 10ms, 1);
    policy.on_wake(kStart + i * 10ms + 5ms);
  }
  for (int i = 0; i < 6; ++i) {
    spin(policy, kStart + i * 1ms, 1);
    policy.on_wake(kStart + i * 1ms + 30us);
  }
  EXPECT_EQ(policy.budget(), 50us);
}

TEST(SpinPolicy, WhatComesWhileItLooksKeepsItLooking) {
  SpinPolicy policy(2, {.least = 1us, .most = 8us});
  spin(policy, kStart, 1);
  policy.on_wake(kStart + 1ms);
  EXPECT_EQ(policy.budget(), 4us);
  EXPECT_TRUE(policy.should_spin(kStart + 2ms, 1));
  policy.on_work();
  EXPECT_EQ(policy.budget(), 8us);
  policy.on_work();  // without a wait before
  EXPECT_EQ(policy.budget(), 8us);
}

}  // namespace
}  // namespace naru::link
