// The naru command.
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <naru/config/options.hpp>

#include "cli/demo.hpp"
#include "cli/dig.hpp"
#include "cli/get.hpp"
#include "cli/lan.hpp"
#include "cli/router.hpp"
#include "cli/run.hpp"
#include "cli/serve.hpp"
#include "cli/version.hpp"

namespace {

constexpr int kUsageError = 2;

std::string_view unit_name(naru::Unit unit) {
  switch (unit) {
    case naru::Unit::boolean:
      return "on/off";
    case naru::Unit::bytes:
      return "bytes";
    case naru::Unit::milliseconds:
      return "ms";
    case naru::Unit::segments:
      return "segments";
    case naru::Unit::number:
      break;
  }
  return "";
}

int print_options() {
  fmt::print("{:<28} {:>10} {:>24} {:<9} {}\n", "name", "default", "range", "unit", "meaning");
  for (const naru::OptionSpec& spec : naru::option_specs()) {
    fmt::print("{:<28} {:>10} {:>24} {:<9} {}\n", spec.name, spec.initial,
               fmt::format("{}..{}", spec.min, spec.max), unit_name(spec.unit), spec.doc);
  }
  return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
  CLI::App app("naru: a TCP/IP stack for your programs, without the kernel's", "naru");
  app.set_version_flag("--version", fmt::format("naru {}", naru::cli::version()));
  app.require_subcommand(1);

  naru::cli::ServeOptions serve_options;
  CLI::App& serve = *app.add_subcommand("serve", "serve a folder as a web site");
  serve_options.add_to(serve);
  naru::cli::GetOptions get_options;
  CLI::App& get = *app.add_subcommand("get", "fetch a URL");
  get_options.add_to(get);
  naru::cli::DigOptions dig_options;
  CLI::App& dig = *app.add_subcommand("dig", "ask name servers");
  dig_options.add_to(dig);
  naru::cli::LanCommand lan_command;
  CLI::App& lan = *app.add_subcommand("lan", "show and remove shared-memory networks");
  lan_command.add_to(lan);
  naru::cli::RunOptions run_options;
  CLI::App& run = *app.add_subcommand("run", "run a program with its sockets on naru");
  run_options.add_to(run);
  naru::cli::RouterOptions router_options;
  CLI::App& router = *app.add_subcommand("router", "forward packets between links, with a NAT");
  router_options.add_to(router);
  CLI::App& ps = *app.add_subcommand("ps", "list the sessions of programs on naru");
  CLI::App& demo = *app.add_subcommand("demo", "show a request's way between two hosts in memory");
  CLI::App& options = *app.add_subcommand("options", "list the options of a stack");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version come this way too.
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "naru: {} (naru --help)\n", error.what());
    return kUsageError;
  }
  if (serve.parsed()) return naru::cli::serve(serve_options);
  if (get.parsed()) return naru::cli::get(get_options);
  if (dig.parsed()) return naru::cli::dig(dig_options);
  if (lan.parsed()) return naru::cli::lan(lan_command);
  if (run.parsed()) return naru::cli::run_program(run_options);
  if (router.parsed()) return naru::cli::route(router_options);
  if (ps.parsed()) return naru::cli::list_sessions();
  if (demo.parsed()) return naru::cli::demo();
  if (options.parsed()) return print_options();
  return kUsageError;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "naru: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
