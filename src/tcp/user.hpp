// User: what programs ask of TCP (RFC 9293 3.9.1), with Linux's answers. `c` is a
// connection that a program owns.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// A socket in CLOSED.
Result<Connection*> open(Tcp& t);
// Local address and port; port 0 takes an ephemeral one.
Status bind(Tcp& t, Connection& c, const Endpoint& local);
Status listen(Tcp& t, Connection& c, std::uint32_t backlog);
Result<Connection*> accept(Tcp& t, Connection& c);
// `source` is the address that the route gives when the socket is bound to none.
// Error::in_progress, or why not.
Status connect(Tcp& t, Connection& c, const Endpoint& remote, const IpAddr& source);

Result<std::size_t> send(Tcp& t, Connection& c, Bytes data, unsigned flags);
Result<std::size_t> recv(Tcp& t, Connection& c, MutableBytes out, unsigned flags);
Status shutdown(Tcp& t, Connection& c, Shutdown how);
void close(Tcp& t, Connection& c);
void abort(Tcp& t, Connection& c);
void abort_orphans(Tcp& t);
// An abort that leaves the program its socket, as new.
void disconnect(Tcp& t, Connection& c);

std::uint8_t readiness(const Tcp& t, const Connection& c);
Error take_error(Tcp& t, Connection& c);

// --- socket_options.cpp ---
Status set_option(Tcp& t, Connection& c, SocketOption option, std::int64_t value);
Result<std::int64_t> get_option(const Tcp& t, const Connection& c, SocketOption option);

// --- info.cpp ---
TcpInfo info(const Tcp& t, const Connection& c, std::uint32_t mtu);

// --- invariants.cpp ---
// Aborts with a message when the connection contradicts itself.
void check_invariants(const Tcp& t, const Connection& c);
void check_invariants(const Tcp& t);

}  // namespace naru::tcp
