// Transfers over bad networks: every byte arrives, nothing is left over, and the
// same seed gives the same capture, byte for byte.
//
//   NARU_SEEDS=5000 simulation_transfers      so many seeds of each trouble (200)
//   NARU_SEED=17 simulation_transfers         only this one, to look at it
//
// Of a run that fails the capture stays behind: simulation-Loss5-17.pcapng.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

#include "simulation/network.hpp"

namespace naru::test {
namespace {

constexpr std::uint64_t kSeeds = 200;
constexpr std::uint64_t kShards = 8;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Transfers : public ::testing::TestWithParam<std::tuple<Trouble, std::uint64_t>> {
 protected:
  Trouble trouble() const { return std::get<0>(GetParam()); }
  std::uint64_t shard() const { return std::get<1>(GetParam()); }

  void check(std::uint64_t seed) {
    SCOPED_TRACE("NARU_SEED=" + std::to_string(seed));
    const Scenario scenario(trouble(), seed);
    const Outcome first = run(scenario);
    const Outcome second = run(scenario);
    EXPECT_EQ(first.failure, "");
    EXPECT_TRUE(first.capture == second.capture) << "another run, another capture";
    // Damage that came through every check would have shown as wrong bytes.
    if (trouble() == Trouble::bad_cable) {
      EXPECT_EQ(first.cable_damage, first.bad_fcs);
      EXPECT_EQ(first.bad_checksum, 0U);
    }
    total += first;
    if (HasFailure()) keep(first, seed);
  }

  void keep(const Outcome& outcome, std::uint64_t seed) const {
    const std::string name =
        "simulation-" + std::string(word_of(trouble())) + "-" + std::to_string(seed) + ".pcapng";
    std::ofstream file(name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(outcome.capture.data()),
               static_cast<std::streamsize>(outcome.capture.size()));
    std::cout << "the capture is in " << name << "\n";
  }

  // How often the trouble came to pass: a test on a good network would prove little.
  std::uint64_t occurrences() const {
    switch (trouble()) {
      case Trouble::loss_1:
      case Trouble::loss_5:
      case Trouble::loss_20:
        return total.faults.lost;
      case Trouble::reorder:
        return total.faults.reordered;
      case Trouble::duplicate:
        return total.faults.duplicated;
      case Trouble::corrupt:
        return total.bad_checksum;
      case Trouble::bad_cable:
        return total.bad_fcs;
      case Trouble::scarce:
        return total.no_buffer;
      case Trouble::everything:
        return std::min({total.faults.lost, total.faults.reordered, total.faults.duplicated,
                         total.bad_checksum});
    }
    return 0;
  }

  Outcome total;
};

std::string name_of_shard(
    const ::testing::TestParamInfo<std::tuple<Trouble, std::uint64_t>>& info) {
  const auto& [trouble, shard] = info.param;
  return std::string(word_of(trouble)) + "Shard" + std::to_string(shard);
}

INSTANTIATE_TEST_SUITE_P(Simulation, Transfers,
                         ::testing::Combine(::testing::ValuesIn(kTroubles),
                                            ::testing::Range<std::uint64_t>(0, kShards)),
                         name_of_shard);

TEST_P(Transfers, ArriveAndReplay) {
  if (std::getenv("NARU_SEED") != nullptr) {
    if (shard() == 0) check(number_from("NARU_SEED", 0));
    return;
  }
  for (std::uint64_t seed = shard(); seed < number_from("NARU_SEEDS", kSeeds) && !HasFailure();
       seed += kShards) {
    check(seed);
  }
  if (!HasFailure()) {
    EXPECT_GT(occurrences(), 0U);
  }
}

}  // namespace
}  // namespace naru::test
