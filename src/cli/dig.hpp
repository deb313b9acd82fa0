// naru dig: what a name server says, or what all of them say from the root down.
#pragma once

#include <string>
#include <vector>

#include "cli/machine.hpp"

namespace naru::cli {

struct DigOptions {
  std::vector<std::string> words;  // NAME, TYPE, @SERVER in any order
  bool trace = false;
  MachineOptions machine;

  void add_to(CLI::App& app);
};

// The exit status: 0 where there is an answer, be it that there is no such name. Throws
// Failure.
int dig(const DigOptions& options);

}  // namespace naru::cli
