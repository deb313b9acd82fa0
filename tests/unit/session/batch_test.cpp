// What an event loop does may wait, but nobody for it.
#include "session/batch.hpp"

#include <gtest/gtest.h>

namespace naru::session {
namespace {

TEST(Batch, WaitsForTheCallsThatFollow) {
  Batch batch;
  Time now{1s};
  EXPECT_TRUE(batch.may_wait(now, false, 100us));
  EXPECT_FALSE(batch.waits()) << "nothing is to be sent";
  EXPECT_TRUE(batch.may_wait(now, true, 100us));
  EXPECT_TRUE(batch.waits());
  EXPECT_TRUE(batch.may_wait(now + 99us, true, 100us));
  EXPECT_FALSE(batch.may_wait(now + 100us, true, 100us)) << "long enough";
  batch.end(now + 100us);
  EXPECT_FALSE(batch.waits());
  EXPECT_TRUE(batch.may_wait(now + 101us, true, 100us));
}

TEST(Batch, IsGivenUpWhereItIsOftenLate) {
  Batch batch;
  Time now{1s};
  EXPECT_TRUE(batch.may_wait(now, true, 100us));
  batch.end(now + 2ms);
  int at_once = 0;
  while (!batch.may_wait(now, true, 100us)) ++at_once;
  EXPECT_EQ(at_once, 100);
  batch.end(now);
  // Who has been in time a hundred times may be late once.
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(batch.may_wait(now, true, 100us));
    batch.end(now + 50us);
  }
  EXPECT_TRUE(batch.may_wait(now, true, 100us));
  batch.end(now + 2ms);
  EXPECT_TRUE(batch.may_wait(now, true, 100us));
}

}  // namespace
}  // namespace naru::session
