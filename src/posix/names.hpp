// Names: the lan's, for the C library's name functions. Nobody is asked: they stand in
// the lan's file.
#pragma once

#include <netdb.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "session/session.hpp"

namespace naru::posix {

class Names {
 public:
  explicit Names(session::Session& session) : session_(session) {}

  // Of "web", "web.lan" or "WEB.lan."; localhost is nobody's on the lan.
  std::optional<IpAddr> address_of(std::string_view name) const;
  // "web.lan"
  std::optional<std::string> name_of(const IpAddr& address) const;

 private:
  session::Session& session_;
};

// A host with one address, as gethostbyname(3) tells it; all in `room`. False: it does not
// fit.
bool fill_host(hostent& host, std::span<char> room, std::string_view name, const IpAddr& address);

// Naru has no route to IPv6 addresses yet, so they come last (RFC 6724 rule 1).
addrinfo* put_reachable_first(addrinfo* list);

}  // namespace naru::posix
