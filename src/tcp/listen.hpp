// Listen: local ports - who holds them, who listens on them.
#pragma once

#include "tcp/tcp.hpp"

namespace naru::tcp {

// The listener for a SYN from `remote`: exact local address before any address;
// among several with SO_REUSEPORT a keyed hash of the peer chooses. kNoIndex: none.
std::uint32_t find_listener(Tcp& t, const Endpoint& local, const Endpoint& remote);

// Holds `local` for the connection. Port 0 takes an ephemeral one.
// Errors: address_in_use, no_memory.
Status hold_port(Tcp& t, Connection& c, const Endpoint& local);
// An ephemeral port for a connection to `remote` (RFC 6056).
Result<std::uint16_t> choose_port(Tcp& t, const IpAddr& local, const Endpoint& remote);

// CLOSED to LISTEN, or another backlog for one that listens already.
Status start_listening(Tcp& t, Connection& c, std::uint32_t backlog);
// LISTEN to CLOSED; pending connections are reset.
void stop_listening(Tcp& t, Connection& c);
// The oldest connection of the accept queue, now owned, or nullptr.
Connection* accept_next(Tcp& t, Connection& listening);

}  // namespace naru::tcp
