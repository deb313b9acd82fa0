// Which requirements a test checks: the ids of tests/conformance/requirements.tsv.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace naru {

// Records the ids with the running test, beside those recorded before. The test's
// result in GoogleTest's XML carries them, and scripts/conformance counts them.
//
//   NARU_CHECKS("TCS-001", "TCS-044");
template <class... Ids>
void NARU_CHECKS(const Ids&... ids) {
  std::string all;
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  for (int i = 0; i < test->result()->test_property_count(); ++i) {
    const ::testing::TestProperty& property = test->result()->GetTestProperty(i);
    if (std::string_view(property.key()) == "checks") all = property.value();
  }
  ((all += (all.empty() ? "" : " ") + std::string(ids)), ...);
  ::testing::Test::RecordProperty("checks", all);
}

}  // namespace naru
