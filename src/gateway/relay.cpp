#include "gateway/relay.hpp"

#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace naru::gateway {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::redirect_error;
using net::use_awaitable;

constexpr std::size_t kBlock = 64 * 1024;

// One direction. False when it did not end well.
template <class From, class To>
net::awaitable<bool> carry(From& from, To& to) {
  std::vector<char> block(kBlock);
  error_code ec;
  for (;;) {
    const std::size_t n =
        co_await from.async_read_some(net::buffer(block), redirect_error(use_awaitable, ec));
    if (ec) break;
    co_await net::async_write(to, net::buffer(block.data(), n), redirect_error(use_awaitable, ec));
    if (ec) co_return false;
  }
  if (ec != net::error::eof) co_return false;
  to.shutdown(net::socket_base::shutdown_send, ec);
  co_return !ec;
}

// Closed so, a connection is reset.
template <class Socket>
void reset(Socket& socket) {
  error_code ignored;
  socket.set_option(net::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

}  // namespace

net::awaitable<void> Relay::run(ip::tcp::endpoint program) {
  const auto self = shared_from_this();
  error_code ec;
  co_await inside_.async_connect(program, redirect_error(use_awaitable, ec));
  if (ec) {
    abort();
    co_return;
  }
  error_code ignored;
  outside_.set_option(net::ip::tcp::no_delay(true), ignored);
  inside_.set_option(ip::tcp::no_delay(true), ignored);
  outside_.set_option(net::socket_base::keep_alive(true), ignored);
  net::co_spawn(outside_.get_executor(), carry_out(), net::detached);
  co_await carry_in();
}

net::awaitable<void> Relay::carry_in() {
  const auto self = shared_from_this();
  const bool well = co_await carry(outside_, inside_);
  if (!well) abort();
}

net::awaitable<void> Relay::carry_out() {
  const auto self = shared_from_this();
  const bool well = co_await carry(inside_, outside_);
  if (!well) abort();
}

void Relay::abort() {
  reset(outside_);
  reset(inside_);
}

}  // namespace naru::gateway
