#include "cli/web/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace naru::cli::web {

namespace net = boost::asio;
using boost::system::error_code;

Server::Server(net::io_context& context, const ip::tcp::endpoint& endpoint, Folder folder,
               const ServerOptions& options)
    : folder_(std::move(folder)),
      options_(options),
      acceptor_(context, endpoint),
      watch_(context) {}

void Server::start() {
  net::co_spawn(acceptor_.get_executor(), accept_all(), net::detached);
  net::co_spawn(acceptor_.get_executor(), watch_time(), net::detached);
}

void Server::stop() {
  stopped_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  watch_.cancel();
  for (const auto& session : sessions_) session->stop();
}

net::awaitable<void> Server::accept_all() {
  while (!stopped_) {
    error_code ec;
    auto socket = co_await acceptor_.async_accept(net::redirect_error(net::use_awaitable, ec));
    if (!ec && sessions_.size() < options_.max_sessions) begin(std::move(socket));
  }
}

void Server::begin(ip::tcp::socket socket) {
  auto session = std::make_shared<Session>(std::move(socket), folder_, options_);
  sessions_.insert(session);
  net::co_spawn(acceptor_.get_executor(), session->run(),
                [this, session](const std::exception_ptr&) { sessions_.erase(session); });
}

// One timer for all: a session's time is over up to one tick late.
net::awaitable<void> Server::watch_time() {
  constexpr auto kTick = std::chrono::milliseconds(200);
  while (!stopped_) {
    watch_.expires_after(kTick);
    error_code ec;
    co_await watch_.async_wait(net::redirect_error(net::use_awaitable, ec));
    const auto now = std::chrono::steady_clock::now();
    for (const auto& session : sessions_) session->check_time(now);
  }
}

}  // namespace naru::cli::web
