// naru run: a program whose sockets live on naru; naru ps: the sessions there are.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace naru::cli {

struct RunOptions {
  std::string net;         // the lan that it joins, or "none"; empty: lan0, or the link
  std::string link;        // "tap:naru0", "packet:eth0", "lan:lan0"; empty: a lan
  std::string name;        // of the session; empty: made from the program's
  std::string address;     // on the lan (empty: the next free one), or "10.0.0.2/24"
  std::string address_v6;  // "none", or with a device "fd00::2/64" or "auto"
  std::string gateway;     // with a device, as are the next three
  std::string gateway_v6;
  std::vector<std::string> routes;
  std::string mac;
  std::vector<std::string> name_servers;  // their addresses
  std::string capture;
  bool journey = false;
  std::vector<std::string> publish;  // "8080:80"
  std::vector<std::string> command;  // program and arguments

  void add_to(CLI::App& app);
};

// Becomes the program (exec): returns only by throwing Failure.
int run_program(const RunOptions& options);

// The exit status; throws Failure.
int list_sessions();

}  // namespace naru::cli
