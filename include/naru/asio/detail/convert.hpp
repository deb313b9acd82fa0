// Between naru's words and Asio's: errors, addresses, endpoints.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/system_error.hpp>

#include <naru/base/result.hpp>
#include <naru/socket/errno.hpp>
#include <naru/wire/address.hpp>

namespace naru::asio::detail {

using boost::system::error_code;

// boost::asio::error::basic_errors are errno values of the system's category.
inline error_code to_error_code(Error error) {
  return {to_errno(error), boost::system::system_category()};
}

inline error_code to_error_code(const Status& status) {
  return status ? error_code() : to_error_code(status.error());
}

inline void throw_error(const error_code& ec, const char* what) {
  if (ec) throw boost::system::system_error(ec, what);
}

inline IpAddr from_asio(const boost::asio::ip::address& address) {
  return address.is_v4() ? IpAddr::v4(address.to_v4().to_uint())
                         : IpAddr::v6(address.to_v6().to_bytes());
}

inline boost::asio::ip::address to_asio(const IpAddr& addr) {
  if (addr.is_v4()) return boost::asio::ip::address_v4(addr.to_v4());
  return boost::asio::ip::address_v6(addr.bytes());
}

template <class AsioEndpoint>
Endpoint from_asio_endpoint(const AsioEndpoint& endpoint) {
  return {from_asio(endpoint.address()), endpoint.port()};
}

// A socket that is not bound yet answers the unspecified address of its family.
template <class AsioEndpoint, class Protocol>
AsioEndpoint to_asio_endpoint(const Endpoint& endpoint, const Protocol& protocol) {
  if (endpoint.addr == IpAddr::any_v6() && protocol == Protocol::v4()) {
    return AsioEndpoint(Protocol::v4(), endpoint.port);
  }
  return AsioEndpoint(to_asio(endpoint.addr), endpoint.port);
}

}  // namespace naru::asio::detail
