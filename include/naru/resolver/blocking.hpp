// The questions of a program that waits for the answer: they drive its host until it is
// there, or until the resolver has given up.
#pragma once

#include <naru/resolver/resolver.hpp>
#include <naru/socket/host.hpp>

namespace naru {

// The resolver's stack is that of the host.
NameAnswer ask(Host& host, Resolver& resolver, std::string_view name, DnsType type);
HostAnswer find_host(Host& host, Resolver& resolver, std::string_view name,
                     NameFamily family = NameFamily::any);
HostAnswer find_name(Host& host, Resolver& resolver, const IpAddr& address);

}  // namespace naru
