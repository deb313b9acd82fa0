// Result: how naru's calls report errors (no exceptions below asio/).
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace naru {

// What a call can answer instead of its value. The names follow errno; the one
// table to errno is naru/socket/errno.hpp.
enum class Error : std::uint8_t {
  none,
  would_block,            // EAGAIN
  in_progress,            // EINPROGRESS: connect has started
  already,                // EALREADY: connect is under way
  is_connected,           // EISCONN
  not_connected,          // ENOTCONN
  refused,                // ECONNREFUSED
  reset,                  // ECONNRESET
  aborted,                // ECONNABORTED
  timed_out,              // ETIMEDOUT
  broken_pipe,            // EPIPE
  host_unreachable,       // EHOSTUNREACH
  network_unreachable,    // ENETUNREACH
  network_down,           // ENETDOWN
  address_in_use,         // EADDRINUSE
  address_not_available,  // EADDRNOTAVAIL
  destination_required,   // EDESTADDRREQ
  message_size,           // EMSGSIZE
  access_denied,          // EACCES
  invalid,                // EINVAL
  not_supported,          // EOPNOTSUPP
  no_protocol_option,     // ENOPROTOOPT
  protocol_error,         // EPROTO
  no_buffers,             // ENOBUFS
  no_memory,              // ENOMEM: the arena or a bounded table is full
  bad_handle,             // EBADF: the socket handle is stale
  address_family,         // EAFNOSUPPORT
  not_found,              // ENOENT
  io,                     // EIO
};

template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

// The error as words, for messages to people: "connection refused".
std::string_view to_string(Error error);

}  // namespace naru
