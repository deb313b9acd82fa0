// naru::ip: what boost::asio::ip is for the kernel's sockets. A program changes
//
//   namespace net_ip = boost::asio::ip;    to    namespace net_ip = naru::ip;
//
// gives its io_context a stack (naru/asio/use_stack.hpp), and runs on naru.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <naru/asio/basic_datagram_socket.hpp>
#include <naru/asio/basic_socket_acceptor.hpp>
#include <naru/asio/basic_stream_socket.hpp>
#include <naru/asio/detail/protocol.hpp>

namespace naru::ip {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;
using boost::asio::ip::bad_address_cast;
using boost::asio::ip::basic_endpoint;
using boost::asio::ip::basic_resolver;
using boost::asio::ip::host_name;
using boost::asio::ip::make_address;
using boost::asio::ip::make_address_v4;
using boost::asio::ip::make_address_v6;
using boost::asio::ip::make_network_v4;
using boost::asio::ip::make_network_v6;
using boost::asio::ip::network_v4;
using boost::asio::ip::network_v6;
using boost::asio::ip::port_type;
using boost::asio::ip::resolver_base;
using boost::asio::ip::resolver_query_base;

}  // namespace naru::ip
