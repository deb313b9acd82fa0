#include "base/slab.hpp"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "unit/base/test_arena.hpp"
#include "unit/base/test_random.hpp"

namespace naru {
namespace {

struct Object {
  std::uint64_t a = 11;
  std::uint32_t b = 22;
  std::uint32_t generation = 0;
};

TEST(Slab, GivesEachSlotOnceUpToItsCapacity) {
  TestArena arena(1 << 20);
  Slab<Object> slab;
  ASSERT_TRUE(slab.init(*arena, 100));
  std::set<Object*> taken;
  for (std::uint32_t i = 0; i < 100; ++i) {
    Object* o = slab.take();
    ASSERT_NE(o, nullptr);
    EXPECT_TRUE(taken.insert(o).second);
    EXPECT_EQ(o->a, 11U);
    EXPECT_EQ(o->b, 22U);
    EXPECT_EQ(slab.index_of(o), i);
    EXPECT_EQ(slab.at(i), o);
    EXPECT_TRUE(arena->contains(o));
  }
  EXPECT_EQ(slab.in_use(), 100U);
  EXPECT_EQ(slab.take(), nullptr);
  EXPECT_EQ(slab.in_use(), 100U);
  EXPECT_TRUE(slab.is_live(99));
  EXPECT_FALSE(slab.is_live(100));
  EXPECT_FALSE(slab.is_live(kNoIndex));
}

TEST(Slab, GivesTheLastSlotFreedFirst) {
  TestArena arena(1 << 20);
  Slab<Object> slab;
  ASSERT_TRUE(slab.init(*arena, 10));
  Object* first = slab.take();
  Object* second = slab.take();
  slab.give_back(first);
  slab.give_back(second);
  EXPECT_EQ(slab.take(), second);
  EXPECT_EQ(slab.take(), first);
  EXPECT_EQ(slab.index_of(slab.take()), 2U);
}

TEST(Slab, KeepsTheLastOwnersBytesForWhoAsksForThem) {
  TestArena arena(1 << 20);
  Slab<Object> slab;
  ASSERT_TRUE(slab.init(*arena, 10));
  Object* o = slab.take_raw();
  EXPECT_EQ(o->a, 0U) << "zero at first";
  o->generation = 77;
  slab.give_back(o);
  EXPECT_EQ(slab.take_raw()->generation, 77U);
  slab.give_back(o);
  EXPECT_EQ(slab.take()->generation, 0U) << "value-initialised";
}

TEST(Slab, DoesNotFitIntoASmallArena) {
  TestArena arena(1024);
  Slab<Object> slab;
  EXPECT_FALSE(slab.init(*arena, 1'000));
  EXPECT_EQ(slab.take(), nullptr);
  EXPECT_EQ(slab.capacity(), 0U);
}

TEST(Slab, MayBeEmpty) {
  TestArena arena(1024);
  Slab<Object> slab;
  EXPECT_TRUE(slab.init(*arena, 0));
  EXPECT_EQ(slab.take(), nullptr);
}

TEST(SlabDeathTest, StopsWhenASlotIsGivenBackTwice) {
  TestArena arena(1 << 20);
  Slab<Object> slab;
  ASSERT_TRUE(slab.init(*arena, 10));
  Object* o = slab.take();
  slab.take();
  slab.give_back(o);
  EXPECT_DEATH(slab.give_back(o), "is_live");
  EXPECT_DEATH(slab.give_back(slab.at(5)), "is_live") << "never taken";
}

TEST(Slab, KeepsWhatIsStillHeldAfterADeath) {
  TestArena arena(1 << 20);
  Slab<Object> slab;
  ASSERT_TRUE(slab.init(*arena, 100));
  for (int i = 0; i < 70; ++i) slab.take();
  slab.forget();
  EXPECT_TRUE(slab.keep(3) && slab.keep(69));
  EXPECT_FALSE(slab.keep(3)) << "held twice";
  EXPECT_FALSE(slab.keep(70)) << "never in use";
  EXPECT_FALSE(slab.keep(kNoIndex));
  slab.rebuild();
  EXPECT_EQ(slab.in_use(), 2U);
  std::set<Object*> given;
  for (int i = 0; i < 98; ++i) given.insert(slab.take());
  EXPECT_EQ(slab.take(), nullptr);
  EXPECT_EQ(given.size(), 98U);
  EXPECT_FALSE(given.contains(slab.at(3)) || given.contains(slab.at(69)));
}

TEST(Slab, TellsItsSlotsFromOtherPointers) {
  TestArena arena(1 << 20);
  Slab<Object> slab;
  ASSERT_TRUE(slab.init(*arena, 100));
  Object* last = nullptr;
  for (int i = 0; i < 10; ++i) last = slab.take();
  EXPECT_EQ(slab.find(last), 9U);
  EXPECT_EQ(slab.find(slab.at(0)), 0U);
  EXPECT_EQ(slab.find(last + 1), kNoIndex);
  EXPECT_EQ(slab.find(slab.at(0) - 1), kNoIndex);
  EXPECT_EQ(slab.find(nullptr), kNoIndex);
  const auto askew = reinterpret_cast<std::uintptr_t>(last) + 1;
  EXPECT_EQ(slab.find(reinterpret_cast<Object*>(askew)), kNoIndex);
}

TEST(Slab, AgreesWithASetUnderRandomUse) {
  TestArena arena(1 << 20);
  constexpr std::uint32_t kCapacity = 1'000;
  Slab<Object> slab;
  ASSERT_TRUE(slab.init(*arena, kCapacity));
  TestRandom random(1);
  std::vector<Object*> live;
  for (int step = 0; step < 200'000; ++step) {
    if (live.empty() || (random.below(2) == 0 && live.size() < kCapacity)) {
      Object* o = slab.take();
      ASSERT_NE(o, nullptr);
      o->a = reinterpret_cast<std::uintptr_t>(o) + step;
      o->b = static_cast<std::uint32_t>(step);
      live.push_back(o);
    } else {
      const std::uint32_t i = random.below(static_cast<std::uint32_t>(live.size()));
      Object* o = live[i];
      ASSERT_EQ(o->a, reinterpret_cast<std::uintptr_t>(o) + o->b) << "somebody else wrote here";
      slab.give_back(o);
      live[i] = live.back();
      live.pop_back();
    }
    ASSERT_EQ(slab.in_use(), live.size());
    if (step % 5'000 != 0) continue;
    std::set<Object*> walked;
    slab.for_each([&](Object& o) { walked.insert(&o); });
    ASSERT_EQ(walked, std::set<Object*>(live.begin(), live.end()));
  }
}

}  // namespace
}  // namespace naru
