// Tests that run for both kinds of open, and with sequence numbers about to wrap.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "dsl/fixture.hpp"

namespace naru::test {

struct Numbering {
  const char* name;
  Open open;
  std::optional<std::uint32_t> host_iss;
  std::uint32_t peer_iss;
};

inline constexpr Numbering kNumberings[] = {
    {"Passive", Open::passive, std::nullopt, 1'000'000},
    {"PassiveNear32", Open::passive, 0xffff'ffe0, 0xffff'ff00},
    {"PassiveNear31", Open::passive, 0x7fff'ffe0, 0x7fff'ff00},
    {"Active", Open::active, std::nullopt, 1'000'000},
    {"ActiveNear32", Open::active, 0xffff'ffe0, 0xffff'ff00},
    {"ActiveNear31", Open::active, 0x7fff'ffe0, 0x7fff'ff00},
};

inline constexpr std::size_t kActiveNumberings = 3;  // the last ones

class SequenceTest : public StackTest, public ::testing::WithParamInterface<Numbering> {
 protected:
  void SetUp() override {
    const Numbering& n = GetParam();
    if (!n.host_iss) return peer.set_iss(n.peer_iss);
    NARU_CHECKS("TCS-046");
    aim_iss(peer, n.open, *n.host_iss);
    peer.set_iss(n.peer_iss);
  }

  Open open() const { return GetParam().open; }
  Socket establish(const Segment& options = plain_syn()) {
    return test::establish(peer, open(), options);
  }
  Socket reach(TcpState state, const Segment& options = plain_syn()) {
    return test::reach(peer, state, open(), options);
  }
};

inline void PrintTo(const Numbering& numbering, std::ostream* out) { *out << numbering.name; }
inline std::string name_of_case(const ::testing::TestParamInfo<Numbering>& info) {
  return info.param.name;
}

// Each test of the suite for every numbering.
#define NARU_ALL_NUMBERINGS(suite) \
  INSTANTIATE_TEST_SUITE_P(All, suite, ::testing::ValuesIn(kNumberings), name_of_case)
// Only those that the host opens.
#define NARU_ACTIVE_NUMBERINGS(suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(All, suite,                                                          \
                           ::testing::ValuesIn(std::span(kNumberings).last(kActiveNumberings)), \
                           name_of_case)

}  // namespace naru::test
