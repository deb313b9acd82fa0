// Addresses between naru's words and Asio's.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <naru/wire/address.hpp>

namespace naru::gateway {

// `Asio` is a basic_endpoint of the kernel's protocols or of naru's; IPv4.
template <class Asio>
Asio to_asio(const Endpoint& endpoint) {
  return Asio(boost::asio::ip::address_v4(endpoint.addr.to_v4()), endpoint.port);
}

}  // namespace naru::gateway
