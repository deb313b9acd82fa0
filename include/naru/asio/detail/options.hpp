// Asio's option classes speak setsockopt(2): level, name and bytes.
#pragma once

#include <sys/socket.h>

#include <naru/asio/detail/convert.hpp>
#include <naru/socket/linux_options.hpp>

namespace naru::asio::detail {

inline error_code set_socket_option(Stack& stack, SocketId id, int level, int name,
                                    const void* data, std::size_t size) {
  return to_error_code(
      set_linux_option(stack, id, level, name, data, static_cast<socklen_t>(size)));
}

// Linux doubles a buffer size that is set; Asio shows the programmer his own number.
inline bool is_doubled(int level, int name) {
  return level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF);
}

// Asio's options take an int or a linger; both are copied out in full.
inline error_code get_socket_option(Stack& stack, SocketId id, int level, int name, void* data,
                                    std::size_t size) {
  auto length = static_cast<socklen_t>(size);
  const Status status = get_linux_option(stack, id, level, name, data, &length);
  if (!status) return to_error_code(status.error());
  if (length != size) return boost::asio::error::invalid_argument;
  if (is_doubled(level, name)) *static_cast<int*>(data) /= 2;
  return {};
}

}  // namespace naru::asio::detail
