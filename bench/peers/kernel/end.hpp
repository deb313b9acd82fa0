// One end of a connection on the kernel's own TCP.
#pragma once

#include <cstdint>
#include <string>

#include "processes.hpp"

namespace naru::bench::kernel {

enum class Work { bulk, round_trips, connections };

struct EndConfig {
  Work work = Work::bulk;
  std::string address = "127.0.0.1";  // of the server
  bool spin = false;                  // ask again and again in place of sleeping in recv
  std::string congestion_control = "cubic";
  double seconds = 1;
};

// Serves one measurement; tells the port when it listens.
EndResult serve(const EndConfig& config, const PortTeller& tell);

// Sends to the server, or asks it, for the configured time; then says goodbye.
EndResult request(const EndConfig& config, std::uint16_t port);

}  // namespace naru::bench::kernel
