// The command line of a contestant's program: one workload, one JSON line.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "workloads.hpp"

namespace naru::bench {

// Runs the workload that the command line names on the world that make(config) returns.
template <class Make>
int contestant_main(int argc, char** argv, const std::string& contestant, Make make) {
  WorldConfig config;
  MeasureOptions options;
  unsigned number = 0;
  double loss = 0.01;
  double virtual_seconds = 300;
  bool no_checksums = false;

  CLI::App app{"bench: " + contestant + ", two hosts in one process"};
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--seconds", options.seconds, "CPU time to measure for");
  app.add_option("--count", options.count_units, "run so many units once, for callgrind");
  app.add_option("--mtu", config.mtu)->check(CLI::Range(576, 65535));
  app.add_flag("--no-checksums", no_checksums);
  auto* bulk_row = app.add_subcommand("bulk", "a stream, Gbit/s");
  auto* rr_row = app.add_subcommand("rr", "64-byte round trips");
  auto* conn_row = app.add_subcommand("conn", "connect, request, response, close");
  conn_row->add_option("--time-wait", number, "connections already in TIME_WAIT");
  auto* idle_row = app.add_subcommand("idle", "a round trip on a random idle connection");
  idle_row->add_option("--connections", number)->required();
  auto* memory_row = app.add_subcommand("memory", "bytes per idle connection");
  memory_row->add_option("--connections", number)->required();
  auto* goodput_row = app.add_subcommand("goodput", "a stream over a bad line, in virtual time");
  goodput_row->add_option("--loss", loss, "share of frames lost, both ways");
  goodput_row->add_option("--virtual-seconds", virtual_seconds);
  CLI11_PARSE(app, argc, argv);

  config.checksums = !no_checksums;
  // A client has some 16 000 ephemeral ports for each port of the server.
  config.ports = 1 + number / 16'000;
  config.connections += number;
  config.bounded = conn_row->parsed();
  if (*goodput_row) config.path = PathConfig{.loss = loss};

  pin_to_cpu(0);
  auto world = make(config);
  Row row;
  if (*bulk_row) row = bulk(*world, config, options);
  if (*rr_row) row = round_trips(*world, options);
  if (*conn_row) row = connections(*world, config, options, number);
  if (*idle_row) row = idle_round_trips(*world, config, options, number);
  if (*memory_row) row = idle_memory(*world, config, number);
  if (*goodput_row) row = goodput(*world, virtual_seconds, loss);
  row.contestant = contestant;
  print(row);
  return 0;
}

}  // namespace naru::bench
