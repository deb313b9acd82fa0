// Names, for the C library's name functions: the lan's, which stand in its file, and those
// that the session's name servers know.
#pragma once

#include <netdb.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <naru/resolver/resolver.hpp>

#include "posix/library.hpp"

namespace naru::posix {

class Names {
 public:
  explicit Names(Library& library) : library_(library), session_(library.fds.session()) {}

  // Of "web", "web.lan" or "WEB.lan.", of both families where we speak both; none: it is
  // nobody's on the lan, as localhost.
  std::vector<IpAddr> addresses_of(std::string_view name) const;
  // "web.lan"
  std::optional<std::string> name_of(const IpAddr& address) const;

  // The session has name servers: those of naru run --dns or, with a device, the machine's.
  bool has_servers() const { return !servers().servers.empty(); }
  // Asks them, and waits for the answer.
  HostAnswer find_host(std::string_view name, NameFamily family) const;
  HostAnswer find_name(const IpAddr& address) const;

  // What getaddrinfo(3) has found, in the order of RFC 6724.
  addrinfo* sort(addrinfo* list) const;
  // The session has an address of this family beside its loopback's (AI_ADDRCONFIG).
  bool has_family(int family) const;

 private:
  ResolverConfig servers() const;
  HostAnswer ask(const std::function<void(Resolver&, Resolver::OnHost)>& question) const;

  Library& library_;
  session::Session& session_;
};

// A host as gethostbyname(3) tells it, with addresses of one family; all in `room`. False: it
// does not fit.
bool fill_host(hostent& host, std::span<char> room, std::string_view name, int family,
               std::span<const IpAddr> addresses);

// Those with an address of `order` in that order, the others behind them; who has the same
// address stays in his place among them. The first one has the canonical name.
addrinfo* put_in_order(addrinfo* list, std::span<const IpAddr> order);

}  // namespace naru::posix
