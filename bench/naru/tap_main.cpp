// One stream between naru and the kernel's own TCP, over a tap device.
#include <CLI/CLI.hpp>

#include "measure.hpp"
#include "naru/tap_end.hpp"
#include "peers/kernel/end.hpp"

namespace naru::bench {
namespace {

Row to_row(const Results& results) {
  Row row{.name = "bulk", .contestant = "naru", .value = 0, .unit = "Gbit/s"};
  row.value = results.client.units * 8 / results.client.wall_ns;
  row.unit_of_work = "gigabyte";
  row.work = results.client.units / 1e9;
  row.sample.ns = results.client.cpu_ns + results.server.cpu_ns;
  return row;
}

struct Arguments {
  TapConfig tap;
  Place naru;
  Place kernel;
};

Results send(const Arguments& a) {
  const kernel::EndConfig peer{.address = a.tap.peer};
  return run_ends(
      a.kernel, [&](const PortTeller& tell) { return kernel::serve(peer, tell); }, a.naru,
      [&](std::uint16_t port) { return TapEnd(a.tap).send(port); });
}

Results receive(const Arguments& a) {
  const std::string address = a.tap.address.substr(0, a.tap.address.find('/'));
  const kernel::EndConfig peer{.address = address, .seconds = a.tap.seconds};
  return run_ends(
      a.naru, [&](const PortTeller& tell) { return TapEnd(a.tap).receive(tell); }, a.kernel,
      [&](std::uint16_t port) { return kernel::request(peer, port); });
}

}  // namespace
}  // namespace naru::bench

int main(int argc, char** argv) {
  using namespace naru::bench;
  Arguments a;
  CLI::App app{"bench_naru_tap: a stream between naru and the kernel's TCP"};
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--tap", a.tap.device, "the device; made where there is none")->required();
  app.add_option("--address", a.tap.address, "of naru, as 10.98.0.2/24")->required();
  app.add_option("--peer", a.tap.peer, "the kernel's address")->required();
  app.add_option("--netns", a.naru.netns, "where the device is");
  app.add_option("--naru-cpu", a.naru.cpu);
  app.add_option("--kernel-cpu", a.kernel.cpu);
  app.add_option("--seconds", a.tap.seconds, "how long the client sends");
  auto* sends = app.add_subcommand("send", "naru sends");
  app.add_subcommand("receive", "naru receives");
  CLI11_PARSE(app, argc, argv);

  a.kernel.netns = a.naru.netns;
  const Results results = *sends ? send(a) : receive(a);
  if (results.client.units == 0 || results.client.units != results.server.units) {
    fail("the two ends count differently");
  }
  print(to_row(results));
}
