// What is said about a link on the command line: --link, --ip, --gw, --mac. All throw
// Failure.
#pragma once

#include <optional>
#include <string>

#include <naru/wire/address.hpp>

namespace naru::cli {

struct LinkName {
  enum class Kind { tap, packet_socket, lan };

  Kind kind = Kind::tap;
  std::string name;
};

// "tap:naru0", "packet:eth0", "lan:lan0"
LinkName parse_link(const std::string& text);
// "10.0.0.2/24"
Prefix parse_network(const std::string& text);
// An address of the network.
IpAddr parse_gateway(const std::string& text, const Prefix& network);
// None: nothing is said.
std::optional<MacAddr> parse_mac(const std::string& text);

}  // namespace naru::cli
