#include <set>
#include <string>

#include <gtest/gtest.h>

#include <naru/config/options.hpp>

#include "unit/config/names.hpp"

namespace naru {
namespace {

TEST(Options, AreNamedAfterTheEnumeration) {
  const auto names = enumerator_names<Option, kOptionCount>();
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    EXPECT_EQ(underscored(option_specs()[i].name), names[i]);
    EXPECT_EQ(static_cast<std::size_t>(option_specs()[i].option), i);
  }
}

TEST(Options, AreDocumentedAndUnique) {
  std::set<std::string_view> names;
  for (const OptionSpec& spec : option_specs()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_TRUE(is_plain_name(spec.name)) << spec.name;
    EXPECT_GE(spec.doc.size(), 6U) << spec.name;
    EXPECT_NE(spec.doc.back(), '.') << spec.name;
  }
}

TEST(Options, HaveDefaultsInSensibleRanges) {
  for (const OptionSpec& spec : option_specs()) {
    EXPECT_LE(spec.min, spec.initial) << spec.name;
    EXPECT_LE(spec.initial, spec.max) << spec.name;
    EXPECT_LT(spec.min, spec.max) << spec.name << " could not be set";
    EXPECT_GE(spec.min, 0) << spec.name << " is read as unsigned";
    EXPECT_LE(spec.max, std::int64_t{0xffffffff}) << spec.name << " is read as 32 bits";
    if (spec.unit == Unit::boolean) {
      EXPECT_EQ(spec.min, 0) << spec.name;
      EXPECT_EQ(spec.max, 1) << spec.name;
    }
  }
}

TEST(Options, AreFoundByName) {
  for (const OptionSpec& spec : option_specs()) EXPECT_EQ(find_option(spec.name), spec.option);
  for (const char* unknown : {"", "tcp", "tcp.", "tcp.rto_mi", "tcp.rto_min ", "TCP.RTO_MIN"}) {
    EXPECT_FALSE(find_option(unknown)) << unknown;
  }
}

TEST(Options, StartWithTheDefaultsAndTakeTheWholeRange) {
  Options options;
  for (const OptionSpec& spec : option_specs()) {
    EXPECT_EQ(options.get(spec.option), spec.initial) << spec.name;
    for (const std::int64_t value : {spec.min, spec.max, spec.initial}) {
      EXPECT_TRUE(options.set(spec.option, value)) << spec.name;
      EXPECT_EQ(options.get(spec.option), value);
    }
    for (const std::int64_t value : {spec.min - 1, spec.max + 1, INT64_MIN, INT64_MAX}) {
      const Status status = options.set(spec.option, value);
      ASSERT_FALSE(status) << spec.name << " = " << value;
      EXPECT_EQ(status.error(), Error::invalid);
      EXPECT_EQ(options.get(spec.option), spec.initial) << "a refusal changes nothing";
    }
  }
}

TEST(Options, SettingOneLeavesTheOthers) {
  for (const OptionSpec& changed : option_specs()) {
    Options options;
    ASSERT_TRUE(options.set(changed.option, changed.max));
    for (const OptionSpec& spec : option_specs()) {
      if (spec.option == changed.option) continue;
      ASSERT_EQ(options.get(spec.option), spec.initial) << changed.name << " wrote " << spec.name;
    }
  }
}

TEST(Options, AreReadInTheirUnits) {
  Options options;
  ASSERT_TRUE(options.set(Option::tcp_rto_min, 250));
  EXPECT_EQ(options.duration(Option::tcp_rto_min), 250ms);
  EXPECT_EQ(options.u32(Option::tcp_rto_min), 250U);
  ASSERT_TRUE(options.set(Option::tcp_sack, 0));
  EXPECT_FALSE(options.on(Option::tcp_sack));
}

}  // namespace
}  // namespace naru
