// Server: gives the hosts of a laboratory's network their addresses (RFC 2131 4.3), from one
// range, for as long as it runs. Relays are not served.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <naru/dhcp/lease.hpp>
#include <naru/stack/stack.hpp>

namespace naru::dhcp {

struct ServerConfig {
  std::uint8_t interface = 1;
  Prefix address = {};  // the server's own there, with the length of the network
  IpAddr first = {};    // of the range, which is of at most kMaxRange addresses
  IpAddr last = {};
  Duration lifetime{1h};
  std::vector<IpAddr> routers = {};
  std::vector<IpAddr> name_servers = {};
  std::string domain = {};

  static constexpr std::uint32_t kMaxRange = 65'536;
};

// Driven as its stack is, which outlives it: poll() after each poll of the stack. It never
// has anything to do by itself.
class Server {
 public:
  // Error::invalid for a range that is none, or not of the network.
  static Result<std::unique_ptr<Server>> create(Stack& stack, ServerConfig config);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void poll(Time now);

  // Addresses that are somebody's at this time, and that are kept for who was offered them.
  std::size_t leases(Time now) const;
  std::size_t offers(Time now) const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace naru::dhcp
