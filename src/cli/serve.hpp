// naru serve: a folder as a web site.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "cli/machine.hpp"
#include "cli/web/session.hpp"

namespace naru::cli {

struct ServeOptions {
  std::string folder;
  std::uint16_t port = 80;
  MachineOptions machine;
  web::ServerOptions server;

  void add_to(CLI::App& app);
};

// Until SIGINT or SIGTERM. The exit status; throws Failure.
int serve(const ServeOptions& options);

}  // namespace naru::cli
