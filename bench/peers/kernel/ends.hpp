// The two ends of a measurement over the kernel's own TCP. Each runs in a process of its
// own, so that its CPU time can be told apart.
#pragma once

#include <cstdint>
#include <string>

namespace naru::bench::kernel {

enum class Work { bulk, round_trips, connections };

struct EndConfig {
  Work work = Work::bulk;
  std::string address = "127.0.0.1";  // of the server
  std::string server_netns;           // a path such as /proc/123/ns/net; empty: this one
  std::string client_netns;
  int server_cpu = 0;
  int client_cpu = 0;
  bool spin = false;  // ask again and again in place of sleeping in recv
  std::string congestion_control = "cubic";
  double seconds = 1;
};

// What one end did.
struct EndResult {
  double units = 0;    // bytes received, round trips, connections
  double wall_ns = 0;  // of the client's measured part
  double cpu_ns = 0;   // user and system, of this end's process
};

struct Results {
  EndResult client;
  EndResult server;
};

// Runs both ends to their end. Fails the program when either does.
Results run_ends(const EndConfig& config);

}  // namespace naru::bench::kernel
