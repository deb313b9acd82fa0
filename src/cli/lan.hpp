// naru lan: shows the lans of this user, takes one down, removes one.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace naru::cli {

struct LanCommand {
  std::string name;       // of a lan; empty for ls: all
  std::string directory;  // empty: where they usually are
  CLI::App* ls = nullptr;
  CLI::App* down = nullptr;
  CLI::App* rm = nullptr;

  void add_to(CLI::App& app);
};

// The exit status; throws Failure.
int lan(const LanCommand& command);

}  // namespace naru::cli
