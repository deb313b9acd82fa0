// The kernel's TCP as a peer, over whatever joins the two network namespaces that are
// named: loopback when none is, a veth pair when scripts/bench has made one.
#include <CLI/CLI.hpp>

#include "end.hpp"
#include "measure.hpp"

namespace naru::bench::kernel {
namespace {

Row to_row(const EndConfig& config, const std::string& link, const Results& results) {
  Row row{.name = {}, .contestant = "kernel-" + link, .value = 0, .unit = {}};
  const double seconds = results.client.wall_ns / 1e9;
  row.work = results.client.units;
  switch (config.work) {
    case Work::bulk:
      row.name = "bulk";
      row.unit = "Gbit/s";
      row.work /= 1e9;
      row.unit_of_work = "gigabyte";
      row.value = results.client.units * 8e-9 / seconds;
      break;
    case Work::round_trips:
      row.name = config.spin ? "round trip spinning" : "round trip";
      row.unit = "us";
      row.unit_of_work = "round trip";
      row.value = seconds * 1e6 / results.client.units;
      break;
    case Work::connections:
      row.name = "connections";
      row.unit = "1/s";
      row.unit_of_work = "connection";
      row.value = results.client.units / seconds;
      break;
  }
  row.sample.ns = results.client.cpu_ns + results.server.cpu_ns;
  return row;
}

}  // namespace
}  // namespace naru::bench::kernel

int main(int argc, char** argv) {
  using namespace naru::bench;
  using namespace naru::bench::kernel;
  EndConfig config;
  Place server;
  Place client;
  std::string link = "loopback";
  CLI::App app{"bench_kernel: the kernel's TCP between two processes"};
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--link", link, "what the contestant is called");
  app.add_option("--address", config.address, "the server's IPv4 address");
  app.add_option("--server-netns", server.netns);
  app.add_option("--client-netns", client.netns);
  app.add_option("--server-cpu", server.cpu);
  app.add_option("--client-cpu", client.cpu);
  app.add_option("--congestion-control", config.congestion_control);
  app.add_option("--seconds", config.seconds, "how long the client sends");
  app.add_flag("--spin", config.spin, "poll in place of sleeping");
  auto* bulk = app.add_subcommand("bulk", "one stream");
  auto* rr = app.add_subcommand("rr", "64-byte round trips");
  auto* conn = app.add_subcommand("conn", "connect, request, response, close");
  CLI11_PARSE(app, argc, argv);

  if (*bulk) config.work = Work::bulk;
  if (*rr) config.work = Work::round_trips;
  if (*conn) config.work = Work::connections;
  const Results results = run_ends(
      server, [&](const PortTeller& tell) { return serve(config, tell); }, client,
      [&](std::uint16_t port) { return request(config, port); });
  if (results.client.units == 0 || results.client.units != results.server.units) {
    fail("the two ends count differently");
  }
  print(to_row(config, link, results));
}
