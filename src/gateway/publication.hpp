// Publication: a port of the kernel's behind which a program on naru answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <naru/wire/address.hpp>

namespace naru::gateway {

struct Publication {
  Protocol protocol = Protocol::tcp;           // or udp
  Endpoint outside{IpAddr::loopback_v4(), 0};  // of the kernel
  Endpoint inside;                             // of the program, on the lan

  bool operator==(const Publication&) const = default;
  // "127.0.0.1:8080/tcp", as the person who wrote -p knows it.
  std::string name() const;
};

// What stands behind -p: [ADDRESS:]PORT:PORT[/udp|/tcp], outside and inside. The
// address inside is still to be filled in.
std::optional<Publication> parse_publication(std::string_view text);

// A publication as a line of the gateway's control socket, without the end of line, and back.
std::string to_line(const Publication& publication);
std::optional<Publication> from_line(std::string_view line);

}  // namespace naru::gateway
