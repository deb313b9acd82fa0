// Control messages of sendmsg(2) and recvmsg(2): cmsg(3), ip(7).
#pragma once

#include <sys/socket.h>

#include <naru/buf/error_queue.hpp>
#include <naru/config/socket_types.hpp>

#include "session/tables.hpp"

namespace naru::posix {

// What the message wants done with its datagram; 0 or -EINVAL. The control buffer can be
// read.
long read_control(const msghdr& message, bool is_v6, DatagramControl& control);

// Writes what the socket was asked to tell of a datagram into the message's control
// buffer, which can be written, and sets msg_controllen and MSG_CTRUNC.
void write_control(msghdr& message, const session::OpenSocket& socket, const DatagramInfo& info,
                   const Endpoint& local);

// The same for an error that MSG_ERRQUEUE asks for.
void write_error(msghdr& message, const session::OpenSocket& socket, const SocketError& error);

}  // namespace naru::posix
