// naru router: a host that forwards between its links, and translates addresses where asked.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace naru::cli {

struct RouterOptions {
  std::vector<std::string> links;         // "tap:left=10.1.0.1/24"
  std::vector<std::string> routes;        // "10.9.0.0/16=10.1.0.254"
  std::string nat;                        // one of the links, without its address
  std::vector<std::string> advertised;    // "2001:db8:1::/64"
  std::vector<std::string> name_servers;  // that hosts are told of with the prefixes
  std::vector<std::string> forwards;      // "80:10.1.0.5:8080", "53:10.1.0.5:53/udp"
  std::string capture;
  std::vector<std::string> options;  // "name=value"

  void add_to(CLI::App& app);
};

// Until SIGINT or SIGTERM. Throws Failure.
int route(const RouterOptions& options);

}  // namespace naru::cli
