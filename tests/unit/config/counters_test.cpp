#include <set>
#include <string_view>

#include <gtest/gtest.h>

#include <naru/config/counters.hpp>

#include "unit/config/names.hpp"

namespace naru {
namespace {

TEST(Counters, AreNamedAfterTheEnumeration) {
  const auto names = enumerator_names<Counter, kCounterCount>();
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    EXPECT_EQ(underscored(counter_specs()[i].name), names[i]);
  }
}

TEST(Drops, AreNamedAfterTheEnumeration) {
  const auto names = enumerator_names<Drop, kDropCount>();
  for (std::size_t i = 0; i < kDropCount; ++i) {
    EXPECT_TRUE(drop_specs()[i].name.starts_with("drop."));
    EXPECT_EQ(drop_specs()[i].name.substr(5), names[i]);
    EXPECT_EQ(to_string(static_cast<Drop>(i)), drop_specs()[i].name);
  }
}

TEST(Counters, AreDocumentedAndUnique) {
  std::set<std::string_view> names;
  const auto check = [&names](const CounterSpec& spec) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_TRUE(is_plain_name(spec.name)) << spec.name;
    EXPECT_GE(spec.doc.size(), 6U) << spec.name;
  };
  for (const CounterSpec& spec : counter_specs()) check(spec);
  for (const CounterSpec& spec : drop_specs()) check(spec);
}

TEST(Counters, CountEachForItself) {
  Counters counters;
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    counters.add(static_cast<Counter>(i), i);
    counters.add(static_cast<Counter>(i));
  }
  for (std::size_t i = 0; i < kDropCount; ++i) {
    for (std::size_t n = 0; n < i; ++n) {
      EXPECT_EQ(counters.drop(static_cast<Drop>(i)), static_cast<Drop>(i));
    }
  }
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    EXPECT_EQ(counters.get(static_cast<Counter>(i)), i + 1);
  }
  for (std::size_t i = 0; i < kDropCount; ++i) EXPECT_EQ(counters.get(static_cast<Drop>(i)), i);
}

}  // namespace
}  // namespace naru
