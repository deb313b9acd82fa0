#include "contestant_main.hpp"

#include <cstdlib>

#include <CLI/CLI.hpp>

namespace naru::bench {
namespace {

// A client has 16 000 ephemeral ports and more for each port of the server.
constexpr unsigned kConnectionsPerPort = 16'000;

// Lets the arguments speak; true when there is nothing left to do.
bool parse(CLI::App& app, int argc, char** argv, int& status) {
  try {
    app.parse(argc, argv);
    return false;
  } catch (const CLI::ParseError& error) {
    status = app.exit(error);
    return true;
  }
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv, const std::string& contestant) {
  CommandLine line;
  double loss = 0.01;
  bool no_checksums = false;

  CLI::App app{"bench: " + contestant + ", two hosts in one process"};
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--seconds", line.options.seconds, "CPU time to measure for");
  app.add_option("--count", line.options.count_units, "run so many units once, for callgrind");
  app.add_option("--mtu", line.config.mtu)->check(CLI::Range(576, 65535));
  app.add_flag("--no-checksums", no_checksums);
  app.add_flag("--ipv6", line.config.ipv6, "over IPv6 (naru only)");
  const auto workload = [&](Workload w, const char* name, const char* what) {
    return app.add_subcommand(name, what)->callback([&line, w] { line.workload = w; });
  };
  workload(Workload::bulk, "bulk", "a stream, Gbit/s");
  workload(Workload::round_trips, "rr", "64-byte round trips");
  workload(Workload::connections, "conn", "connect, request, response, close")
      ->add_option("--time-wait", line.number, "connections already in TIME_WAIT");
  workload(Workload::idle_round_trips, "idle", "a round trip on a random idle connection")
      ->add_option("--connections", line.number)
      ->required();
  workload(Workload::idle_memory, "memory", "bytes per idle connection")
      ->add_option("--connections", line.number)
      ->required();
  auto* goodput = workload(Workload::goodput, "goodput", "a stream over a bad line");
  goodput->add_option("--loss", loss, "share of frames lost, both ways");
  goodput->add_option("--virtual-seconds", line.virtual_seconds);
  int status = 0;
  if (parse(app, argc, argv, status)) std::exit(status);

  line.config.checksums = !no_checksums;
  line.config.connections += line.number;
  line.config.ports = 1 + line.number / kConnectionsPerPort;
  line.config.bounded = line.workload == Workload::connections;
  if (line.workload == Workload::goodput) line.config.path = PathConfig{.loss = loss};
  return line;
}

}  // namespace naru::bench
