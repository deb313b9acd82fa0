#include <array>
#include <cerrno>
#include <utility>

#include <naru/socket/errno.hpp>

namespace naru {
namespace {

// In the order of the enumeration.
constexpr std::array<std::pair<Error, int>, 29> kTable{{
    {Error::none, 0},
    {Error::would_block, EAGAIN},
    {Error::in_progress, EINPROGRESS},
    {Error::already, EALREADY},
    {Error::is_connected, EISCONN},
    {Error::not_connected, ENOTCONN},
    {Error::refused, ECONNREFUSED},
    {Error::reset, ECONNRESET},
    {Error::aborted, ECONNABORTED},
    {Error::timed_out, ETIMEDOUT},
    {Error::broken_pipe, EPIPE},
    {Error::host_unreachable, EHOSTUNREACH},
    {Error::network_unreachable, ENETUNREACH},
    {Error::network_down, ENETDOWN},
    {Error::address_in_use, EADDRINUSE},
    {Error::address_not_available, EADDRNOTAVAIL},
    {Error::destination_required, EDESTADDRREQ},
    {Error::message_size, EMSGSIZE},
    {Error::access_denied, EACCES},
    {Error::invalid, EINVAL},
    {Error::not_supported, EOPNOTSUPP},
    {Error::no_protocol_option, ENOPROTOOPT},
    {Error::protocol_error, EPROTO},
    {Error::no_buffers, ENOBUFS},
    {Error::no_memory, ENOMEM},
    {Error::bad_handle, EBADF},
    {Error::address_family, EAFNOSUPPORT},
    {Error::not_found, ENOENT},
    {Error::io, EIO},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].first != static_cast<Error>(i)) return false;
  }
  return kTable.back().first == Error::io;
}
static_assert(in_order(), "every error has its line, in the order of naru/base/result.hpp");

}  // namespace

int to_errno(Error error) {
  const auto index = static_cast<std::size_t>(error);
  return index < kTable.size() ? kTable[index].second : EIO;
}

Error from_errno(int number) {
  for (const auto& [error, value] : kTable) {
    if (value == number) return error;
  }
  return Error::io;
}

}  // namespace naru
