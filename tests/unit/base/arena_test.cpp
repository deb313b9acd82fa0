#include <cstring>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <naru/base/arena.hpp>

#include "unit/base/test_arena.hpp"

namespace naru {
namespace {

TEST(Arena, GivesZeroedAlignedSpaceThatDoesNotOverlap) {
  TestArena arena(64 * 1024);
  const auto* base = reinterpret_cast<std::uint8_t*>(&*arena);
  const std::uint8_t* last_end = base;
  for (const std::size_t align : {1U, 2U, 8U, 64U}) {
    for (const std::size_t size : {1U, 7U, 64U, 1'000U}) {
      auto* p = static_cast<std::uint8_t*>(arena->take(size, align));
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % align, 0U);
      EXPECT_GE(p, last_end);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(p[i], 0);
      std::memset(p, 0xff, size);
      last_end = p + size;
      EXPECT_TRUE(arena->contains(p));
      EXPECT_TRUE(arena->contains(p + size - 1));
    }
  }
  EXPECT_LE(last_end, base + arena->used());
}

TEST(Arena, EndsAtItsSize) {
  TestArena arena(4096);
  const std::size_t left = arena->size() - arena->used();
  EXPECT_EQ(arena->take(left + 1, 1), nullptr);
  auto* last = static_cast<std::uint8_t*>(arena->take(left, 1));
  ASSERT_NE(last, nullptr);
  std::memset(last, 1, left);
  EXPECT_EQ(arena->used(), arena->size());
  EXPECT_EQ(arena->take(1, 1), nullptr);
  EXPECT_NE(arena->take(0, 1), nullptr);
  EXPECT_FALSE(arena->contains(last + left));
  EXPECT_FALSE(arena->contains(reinterpret_cast<std::uint8_t*>(&*arena) - 1));
}

TEST(Arena, AlignmentMayLeadPastTheEnd) {
  TestArena arena(4090);
  ASSERT_NE(arena->take(arena->size() - arena->used() - 1, 1), nullptr);
  EXPECT_EQ(arena->take(1, 64), nullptr);
  EXPECT_NE(arena->take(1, 1), nullptr);
}

TEST(Arena, RefusesSizesThatWouldWrap) {
  TestArena arena(4096);
  const std::size_t before = arena->used();
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX - 63, SIZE_MAX / 2, std::size_t{4097}}) {
    EXPECT_EQ(arena->take(size), nullptr) << size;
  }
  EXPECT_EQ(arena->used(), before) << "a refusal takes nothing";
}

TEST(Arena, MakesObjects) {
  struct alignas(64) Wide {
    explicit Wide(int v) : value(v) {}
    int value;
  };
  TestArena arena(4096);
  auto* wide = arena->make<Wide>(7);
  ASSERT_NE(wide, nullptr);
  EXPECT_EQ(wide->value, 7);
  TestArena small(256);
  struct Big {
    char bytes[300];
  };
  EXPECT_EQ(small->make<Big>(), nullptr);
}

TEST(Arena, IsTooSmallForItself) {
  alignas(64) std::array<std::uint8_t, 64> memory{};
  EXPECT_EQ(Arena::format(memory.data(), sizeof(Arena) - 1), nullptr);
  EXPECT_NE(Arena::format(memory.data(), sizeof(Arena)), nullptr);
}

TEST(Arena, AttachesOnlyToAnArenaOfThatSize) {
  TestArena arena(4096);
  int root = 0;
  arena->set_root(&root);
  const auto attached = Arena::attach(&*arena, 4096);
  ASSERT_TRUE(attached);
  EXPECT_EQ((*attached)->root(), &root);
  EXPECT_EQ(Arena::attach(&*arena, 8192).error(), Error::invalid);
  alignas(64) std::array<std::uint8_t, 128> nothing{};
  EXPECT_EQ(Arena::attach(nothing.data(), nothing.size()).error(), Error::invalid);
}

TEST(ArenaMapping, CostsAddressesNotPages) {
  auto mapping = ArenaMapping::map_private(std::size_t{1} << 36U);  // 64 GiB
  ASSERT_TRUE(mapping.has_value());
  void* far = mapping->arena().take(std::size_t{1} << 35U);
  ASSERT_NE(far, nullptr);
  static_cast<std::uint8_t*>(far)[(std::size_t{1} << 35U) - 1] = 1;
  ArenaMapping moved = std::move(*mapping);
  EXPECT_TRUE(moved.arena().contains(far));
}

TEST(ArenaMapping, IsSharedWithAChild) {
  auto mapping = ArenaMapping::map_shared(1U << 20U, kSharedArenaAddress);
  ASSERT_TRUE(mapping.has_value());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&mapping->arena()), kSharedArenaAddress);
  auto* value = mapping->arena().make<std::uint32_t>(1U);
  mapping->arena().set_root(value);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto arena = Arena::attach(reinterpret_cast<void*>(kSharedArenaAddress), 1U << 20U);
    if (arena) *static_cast<std::uint32_t*>((*arena)->root()) = 2;
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(*value, 2U);
  const auto second = ArenaMapping::map_shared(1U << 20U, kSharedArenaAddress);
  ASSERT_FALSE(second.has_value()) << "the place is taken";
  EXPECT_EQ(second.error(), Error::no_memory);
}

TEST(ArenaMapping, RefusesSizesThatHoldNoArena) {
  EXPECT_FALSE(ArenaMapping::map_private(0).has_value());
  EXPECT_FALSE(ArenaMapping::map_private(sizeof(Arena) - 1).has_value());
  EXPECT_FALSE(ArenaMapping::map_shared(1, kSharedArenaAddress).has_value());
}

}  // namespace
}  // namespace naru
