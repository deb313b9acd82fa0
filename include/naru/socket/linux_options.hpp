// getsockopt(2) and setsockopt(2) of Linux, in terms of a stack: level, name and bytes
// become a SocketOption and a number. What speaks to programs in Linux's words shares
// this one table.
#pragma once

#include <optional>
#include <sys/socket.h>

#include <naru/stack/stack.hpp>

namespace naru {

// Which option a level and a name mean; none for those that naru does not have.
std::optional<SocketOption> find_linux_option(int level, int name);

// As setsockopt(2). `value` holds `length` bytes; one byte will do where Linux wants an
// int, as for IP_TOS. Error::no_protocol_option for what naru does not have,
// Error::not_found for a congestion control that it does not have.
Status set_linux_option(Stack& stack, SocketId socket, int level, int name, const void* value,
                        socklen_t length);

// As getsockopt(2): writes *length bytes at most, and *length becomes what was written.
// Beside the table: SO_ERROR (and clears it), TCP_INFO.
Status get_linux_option(Stack& stack, SocketId socket, int level, int name, void* value,
                        socklen_t* length);

}  // namespace naru
