// Server: accepts connections and watches over their sessions.
#pragma once

#include <memory>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cli/web/session.hpp"

namespace naru::cli::web {

// Belongs to one thread's io_context, which has a stack.
class Server {
 public:
  // Throws boost::system::system_error, such as address_in_use.
  Server(boost::asio::io_context& context, const ip::tcp::endpoint& endpoint, Folder folder,
         const ServerOptions& options);

  ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  // Accepts from now on; the server must outlive the context's run().
  void start();
  // No more connections, and soon no more sessions.
  void stop();

 private:
  boost::asio::awaitable<void> accept_all();
  boost::asio::awaitable<void> watch_time();
  void begin(ip::tcp::socket socket);

  Folder folder_;
  ServerOptions options_;
  ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer watch_;
  std::unordered_set<std::shared_ptr<Session>> sessions_;
  bool stopped_ = false;
};

}  // namespace naru::cli::web
