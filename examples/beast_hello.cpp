// A web server and its client, written for Boost.Beast. The kernel's sockets or
// naru's: the program is the same, only the namespace net_ip is another one.
#ifdef ON_NARU
#include <naru/asio.hpp>
namespace net_ip = naru::ip;
#else
#include <boost/asio/ip/tcp.hpp>
namespace net_ip = boost::asio::ip;
#endif

#include <cstdlib>
#include <exception>
#include <iostream>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using net_ip::tcp;
using TcpStream = beast::basic_stream<tcp>;

// Answers the requests of one connection until the client has enough.
net::awaitable<void> serve(TcpStream stream) {
  beast::flat_buffer buffer;
  for (bool more = true; more;) {
    stream.expires_after(std::chrono::seconds(10));
    http::request<http::string_body> request;
    co_await http::async_read(stream, buffer, request, net::use_awaitable);
    http::response<http::string_body> response{http::status::ok, request.version()};
    response.set(http::field::content_type, "text/plain");
    response.body() = "hello from " + std::string(request.target()) + "\n";
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    more = response.keep_alive();
    co_await http::async_write(stream, response, net::use_awaitable);
  }
  stream.socket().shutdown(tcp::socket::shutdown_send);
}

net::awaitable<std::string> fetch(TcpStream& stream, const char* target, bool keep_alive) {
  http::request<http::empty_body> request{http::verb::get, target, 11};
  request.set(http::field::host, "localhost");
  request.keep_alive(keep_alive);
  co_await http::async_write(stream, request, net::use_awaitable);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  co_await http::async_read(stream, buffer, response, net::use_awaitable);
  co_return response.body();
}

net::awaitable<void> talk(tcp::acceptor acceptor) {
  TcpStream stream(co_await net::this_coro::executor);
  stream.expires_after(std::chrono::seconds(10));
  co_await stream.async_connect(acceptor.local_endpoint(), net::use_awaitable);
  auto peer = co_await acceptor.async_accept(net::use_awaitable);
  net::co_spawn(acceptor.get_executor(), serve(TcpStream(std::move(peer))), net::detached);
  std::cout << co_await fetch(stream, "/one", true);
  std::cout << co_await fetch(stream, "/two", false);
}

int main() try {
  net::io_context context(1);
#ifdef ON_NARU
  const auto host = naru::Host::create({}).value();
  naru::asio::use_stack(context, *host);
#endif
  tcp::acceptor acceptor(context, tcp::endpoint(net_ip::make_address("127.0.0.1"), 0));
  net::co_spawn(context, talk(std::move(acceptor)), [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  });
  context.run();
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  std::cerr << "beast_hello: " << error.what() << '\n';
  return EXIT_FAILURE;
}
