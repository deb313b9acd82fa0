// What is sent again, and how often.
#include "tcp/recovery.hpp"

#include <gtest/gtest.h>

#include "dsl/checks.hpp"

namespace naru::tcp {
namespace {

constexpr std::uint32_t kSmss = 100;
constexpr std::uint32_t kNxt = 2000;

// Fast recovery with [0, 100) lost and sent again; [300, 600) is reported.
struct InRecovery : ::testing::Test {
  InRecovery() {
    sack.add(300, 600);
    EXPECT_TRUE(recovery.on_duplicate(0, kNxt, kSmss, &sack, true));
    while (const auto piece = recovery.next_lost(0, &sack)) recovery.on_retransmit(*piece);
  }

  Recovery recovery;
  Scoreboard sack;
};

TEST_F(InRecovery, TheLastSegmentIsRescuedOnce) {
  const auto piece = recovery.next_unproven(0, kNxt, kSmss, &sack);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->start, kNxt - kSmss);
  EXPECT_EQ(piece->end, kNxt);
  recovery.on_retransmit(*piece);
  EXPECT_FALSE(recovery.next_unproven(0, kNxt, kSmss, &sack));
}

TEST_F(InRecovery, AHoleAfterTheRescueIsSentOnce) {
  recovery.on_retransmit(*recovery.next_unproven(0, kNxt, kSmss, &sack));
  sack.add(700, 750);  // not enough to prove the hole before it lost
  EXPECT_FALSE(recovery.next_lost(0, &sack));
  const auto hole = recovery.next_unproven(0, kNxt, kSmss, &sack);
  ASSERT_TRUE(hole);
  EXPECT_EQ(hole->start, 600U);
  EXPECT_EQ(hole->end, 700U);
  recovery.on_retransmit(*hole);
  EXPECT_FALSE(recovery.next_unproven(0, kNxt, kSmss, &sack));
}

}  // namespace
}  // namespace naru::tcp
