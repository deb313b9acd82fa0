#include <naru/base/result.hpp>

namespace naru {

std::string_view to_string(Error error) {
  switch (error) {
    case Error::none:
      return "no error";
    case Error::would_block:
      return "operation would block";
    case Error::in_progress:
      return "operation in progress";
    case Error::already:
      return "operation already in progress";
    case Error::is_connected:
      return "already connected";
    case Error::not_connected:
      return "not connected";
    case Error::refused:
      return "connection refused";
    case Error::reset:
      return "connection reset by peer";
    case Error::aborted:
      return "connection aborted";
    case Error::timed_out:
      return "connection timed out";
    case Error::broken_pipe:
      return "broken pipe";
    case Error::host_unreachable:
      return "no route to host";
    case Error::network_unreachable:
      return "network is unreachable";
    case Error::network_down:
      return "network is down";
    case Error::address_in_use:
      return "address already in use";
    case Error::address_not_available:
      return "cannot assign requested address";
    case Error::destination_required:
      return "destination address required";
    case Error::message_size:
      return "message too long";
    case Error::access_denied:
      return "permission denied";
    case Error::invalid:
      return "invalid argument";
    case Error::not_supported:
      return "operation not supported";
    case Error::no_protocol_option:
      return "protocol option not available";
    case Error::protocol_error:
      return "protocol error";
    case Error::no_buffers:
      return "no buffer space available";
    case Error::no_memory:
      return "out of memory";
    case Error::bad_handle:
      return "bad socket handle";
    case Error::address_family:
      return "address family not supported";
    case Error::not_found:
      return "not found";
    case Error::io:
      return "input/output error";
  }
  return "unknown error";
}

}  // namespace naru
