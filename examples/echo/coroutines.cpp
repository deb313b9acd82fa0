// A coroutine for each client, on Boost.Asio. The same source on the kernel's sockets
// and, with ON_NARU, on a stack of its own inside this process: no naru run, no
// preloading. That stack is a member of the lan "lan0" and has a name there.
//
//   echo_coroutines_kernel [HOST] [-p PORT]
//   echo_coroutines_naru   [NAME] [-p PORT]

#ifdef ON_NARU
#include <naru/asio.hpp>
#include <naru/link/lan.hpp>
namespace net_ip = naru::ip;
#else
#include <boost/asio/ip/tcp.hpp>
namespace net_ip = boost::asio::ip;
#endif

#include <array>
#include <csignal>
#include <exception>
#include <iostream>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "echo.hpp"

namespace net = boost::asio;
using net_ip::tcp;

namespace {

net::awaitable<void> converse(tcp::socket client) try {
  client.set_option(tcp::no_delay(true));
  std::array<char, 65536> data;
  for (;;) {
    const std::size_t n = co_await client.async_read_some(net::buffer(data), net::use_awaitable);
    co_await net::async_write(client, net::buffer(data, n), net::use_awaitable);
  }
} catch (const boost::system::system_error&) {
  // The end of the stream, or one client's misfortune.
}

net::awaitable<void> serve(tcp::acceptor acceptor) {
  for (;;) {
    tcp::socket client = co_await acceptor.async_accept(net::use_awaitable);
    net::co_spawn(acceptor.get_executor(), converse(std::move(client)), net::detached);
  }
}

#ifdef ON_NARU
// A host on the lan, with the name that HOST says.
std::unique_ptr<naru::Host> make_host(const echo::Settings& settings) {
  naru::link::LanOptions options;
  if (settings.host != echo::Settings().host) options.name = settings.host;
  auto link = naru::link::LanLink::join("lan0", options);
  if (!link) throw std::runtime_error(link.error().message);
  auto host = naru::Host::create({}).value();
  const naru::Prefix address = (*link)->address();
  host->add_link("lan0", std::move(*link), address).value();
  return host;
}
#endif

}  // namespace

int main(int argc, char** argv) try {
  const echo::Settings settings = echo::settings(argc, argv);
#ifdef ON_NARU
  const auto host = make_host(settings);  // it outlives the context that drives it
#endif
  net::io_context context(1);
#ifdef ON_NARU
  naru::asio::use_stack(context, *host);
  const auto address = net_ip::make_address("0.0.0.0");
#else
  const auto address = net_ip::make_address(settings.host);
#endif
  const auto port = static_cast<unsigned short>(std::stoi(settings.port));
  net::co_spawn(context, serve(tcp::acceptor(context, tcp::endpoint(address, port))),
                [](const std::exception_ptr& error) {
                  if (error) std::rethrow_exception(error);
                });
  net::signal_set ends(context, SIGINT, SIGTERM);
  ends.async_wait([&](auto, int) { context.stop(); });
  context.run();
} catch (const std::exception& error) {
  std::cerr << "echo: " << error.what() << '\n';
  return EXIT_FAILURE;
}
