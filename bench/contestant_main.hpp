// A contestant's program: the workload that the command line names, one JSON line.
#pragma once

#include <string>

#include "workloads.hpp"

namespace naru::bench {

enum class Workload { bulk, round_trips, connections, idle_round_trips, idle_memory, goodput };

struct CommandLine {
  Workload workload{};
  WorldConfig config;
  MeasureOptions options;
  unsigned number = 0;  // of connections, in TIME_WAIT or idle
  double virtual_seconds = 300;
};

// Ends the program where the arguments make no sense, and for --help.
CommandLine parse_command_line(int argc, char** argv, const std::string& contestant);

// Runs the workload on the world that make(config) returns.
template <class Make>
int contestant_main(int argc, char** argv, const std::string& contestant, Make make) {
  const CommandLine line = parse_command_line(argc, argv, contestant);
  pin_to_cpu(0);
  auto world = make(line.config);
  Row row;
  switch (line.workload) {
    case Workload::bulk:
      row = bulk(*world, line.config, line.options);
      break;
    case Workload::round_trips:
      row = round_trips(*world, line.options);
      break;
    case Workload::connections:
      row = connections(*world, line.config, line.options, line.number);
      break;
    case Workload::idle_round_trips:
      row = idle_round_trips(*world, line.config, line.options, line.number);
      break;
    case Workload::idle_memory:
      row = idle_memory(*world, line.config, line.number);
      break;
    case Workload::goodput:
      row = goodput(*world, line.virtual_seconds, line.config.path->loss);
      break;
  }
  row.contestant = contestant;
  print(row);
  return 0;
}

}  // namespace naru::bench
