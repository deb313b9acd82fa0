// naru get: fetches a URL.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/machine.hpp"

namespace naru::cli {

struct GetOptions {
  std::string url;
  std::string output = "-";  // "-": standard output
  bool resume = false;
  double timeout = 60;                                     // seconds without any progress
  std::vector<std::pair<std::string, std::string>> hosts;  // name, address
  MachineOptions machine;

  void add_to(CLI::App& app);
};

// The exit status; throws Failure.
int get(const GetOptions& options);

}  // namespace naru::cli
