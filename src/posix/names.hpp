// Names, for the C library's name functions: the lan's, which stand in its file, and those
// that the session's name servers know.
#pragma once

#include <netdb.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <naru/resolver/resolver.hpp>

#include "posix/library.hpp"

namespace naru::posix {

class Names {
 public:
  explicit Names(Library& library) : library_(library), session_(library.fds.session()) {}

  // Of "web", "web.lan" or "WEB.lan."; localhost is nobody's on the lan.
  std::optional<IpAddr> address_of(std::string_view name) const;
  // "web.lan"
  std::optional<std::string> name_of(const IpAddr& address) const;

  // The session has name servers: those of naru run --dns or, with a device, the machine's.
  bool has_servers() const { return !servers().servers.empty(); }
  // Asks them, and waits for the answer.
  HostAnswer find_host(std::string_view name, NameFamily family) const;
  HostAnswer find_name(const IpAddr& address) const;

 private:
  ResolverConfig servers() const;
  HostAnswer ask(const std::function<void(Resolver&, Resolver::OnHost)>& question) const;

  Library& library_;
  session::Session& session_;
};

// A host as gethostbyname(3) tells it, with IPv4 addresses; all in `room`. False: it does
// not fit.
bool fill_host(hostent& host, std::span<char> room, std::string_view name,
               std::span<const IpAddr> addresses);

// Naru has no route to IPv6 addresses yet, so they come last (RFC 6724 rule 1).
addrinfo* put_reachable_first(addrinfo* list);

}  // namespace naru::posix
