// Runs a Scenario to its end, in virtual time.
//
//   programs ── Stack ── faults ── capture ── cable ══ cable ── faults ── Stack ── programs
//               host 0                                                   host 1
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulation/scenario.hpp"

namespace naru::test {

// What a run leaves behind.
struct Outcome {
  // What went wrong, in words; empty when every byte arrived and nothing is left over.
  std::string failure;
  // The capture file: all that crossed the wire at host 0.
  std::vector<std::uint8_t> capture;

  // Of both hosts together.
  link::FaultStats faults;
  std::uint64_t cable_damage = 0;
  std::uint64_t bad_fcs = 0;
  std::uint64_t no_buffer = 0;     // dropped by links or TCP
  std::uint64_t bad_checksum = 0;  // dropped by IP or TCP
  std::uint64_t resets = 0;        // sent

  std::uint64_t bytes = 0;  // that programs received
  std::uint64_t steps = 0;  // of the clock
  Duration time{};

  // Adds the numbers.
  Outcome& operator+=(const Outcome& other);
};

Outcome run(const Scenario& scenario);

}  // namespace naru::test
