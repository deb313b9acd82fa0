// naru's end of a stream over a tap; the kernel's own TCP is at the other.
#pragma once

#include <memory>
#include <string>

#include <naru/socket/host.hpp>

#include "processes.hpp"

namespace naru::bench {

struct TapConfig {
  std::string device;
  std::string address;  // of naru, with its network: "10.98.0.2/24"
  std::string peer;     // of the kernel
  double seconds = 1;
};

// A host on a tap device, as a program with blocking sockets has one.
class TapEnd {
 public:
  explicit TapEnd(const TapConfig& config);

  // The client: sends for the configured time, then says goodbye.
  EndResult send(std::uint16_t port);
  // The server: takes connections until one says goodbye.
  EndResult receive(const PortTeller& tell);

 private:
  SocketId connect(std::uint16_t port);
  // Sleeps until the socket is ready for one of these.
  void wait(SocketId s, std::uint8_t readiness);
  double send_until(SocketId s, double end_ns);
  double drain(SocketId s);

  TapConfig config_;
  std::unique_ptr<Host> host_;
};

}  // namespace naru::bench
