#include "base/list.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "unit/base/test_random.hpp"

namespace naru {
namespace {

struct Red;
struct Blue;
struct Item : ListHook<Red>, ListHook<Blue> {
  int number = 0;
};
using RedList = List<Item, Red>;
using BlueList = List<Item, Blue>;

template <class L>
std::vector<int> numbers(L& list) {
  std::vector<int> out;
  for (Item* i = list.front(); i != nullptr; i = list.next(i)) out.push_back(i->number);
  return out;
}

TEST(List, KeepsOrder) {
  std::array<Item, 4> items;
  for (int i = 0; i < 4; ++i) items[i].number = i;
  RedList list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
  EXPECT_EQ(list.pop_front(), nullptr);
  list.push_back(&items[1]);
  list.push_back(&items[3]);
  list.push_front(&items[0]);
  list.insert_before(&items[3], &items[2]);
  EXPECT_EQ(numbers(list), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(list.size(), 4U);
  EXPECT_EQ(list.back(), &items[3]);
  list.remove(&items[2]);
  EXPECT_EQ(numbers(list), (std::vector<int>{0, 1, 3}));
  EXPECT_EQ(list.pop_front(), &items[0]);
  EXPECT_EQ(numbers(list), (std::vector<int>{1, 3}));
}

TEST(List, TagsLetAnObjectBeOnSeveral) {
  std::array<Item, 3> items;
  for (int i = 0; i < 3; ++i) items[i].number = i;
  RedList red;
  BlueList blue;
  for (Item& i : items) {
    red.push_back(&i);
    blue.push_front(&i);
  }
  red.remove(&items[1]);
  EXPECT_EQ(numbers(red), (std::vector<int>{0, 2}));
  EXPECT_EQ(numbers(blue), (std::vector<int>{2, 1, 0}));
  EXPECT_FALSE(static_cast<ListHook<Red>&>(items[1]).is_linked());
  EXPECT_TRUE(static_cast<ListHook<Blue>&>(items[1]).is_linked());
}

TEST(List, AllZeroMemoryIsAnEmptyList) {
  alignas(RedList) std::array<std::uint8_t, sizeof(RedList)> memory{};
  auto* list = reinterpret_cast<RedList*>(memory.data());
  EXPECT_TRUE(list->empty());
  EXPECT_EQ(list->size(), 0U);
  Item item;
  list->push_front(&item);
  EXPECT_EQ(list->front(), &item);
}

TEST(List, AgreesWithAVectorUnderRandomUse) {
  std::array<Item, 64> items;
  for (int i = 0; i < 64; ++i) items[i].number = i;
  RedList list;
  std::vector<int> model;
  TestRandom random(1);
  for (int step = 0; step < 100'000; ++step) {
    Item& item = items[random.below(64)];
    const auto at = std::find(model.begin(), model.end(), item.number);
    const bool linked = static_cast<ListHook<Red>&>(item).is_linked();
    ASSERT_EQ(linked, at != model.end());
    if (linked) {
      list.remove(&item);
      model.erase(at);
    } else if (const std::uint32_t how = random.below(3); how == 0 || model.empty()) {
      list.push_back(&item);
      model.push_back(item.number);
    } else if (how == 1) {
      list.push_front(&item);
      model.insert(model.begin(), item.number);
    } else {
      const std::uint32_t i = random.below(static_cast<std::uint32_t>(model.size()));
      list.insert_before(&items[model[i]], &item);
      model.insert(model.begin() + i, item.number);
    }
    ASSERT_EQ(list.size(), model.size());
    ASSERT_EQ(list.empty(), model.empty());
    if (step % 50 == 0) {
      ASSERT_EQ(numbers(list), model);
    }
  }
}

}  // namespace
}  // namespace naru
