// The questions of a program that waits for the answer: they drive its host until it is
// there, or until the resolver has given up.
#pragma once

#include <naru/resolver/connect.hpp>
#include <naru/resolver/resolver.hpp>
#include <naru/socket/socket.hpp>

namespace naru {

// The resolver's stack is that of the host.
NameAnswer ask(Host& host, Resolver& resolver, std::string_view name, DnsType type);
HostAnswer find_host(Host& host, Resolver& resolver, std::string_view name,
                     NameFamily family = NameFamily::any);
HostAnswer find_name(Host& host, Resolver& resolver, const IpAddr& address);

// A connection to the host of this name (resolver/connect.hpp). Where the time is over,
// Error::timed_out without an address.
std::expected<Socket, ConnectFailure> connect_by_name(Host& host, Resolver& resolver,
                                                      std::string_view name, std::uint16_t port,
                                                      Duration timeout = Duration::max());

}  // namespace naru
