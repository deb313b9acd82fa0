// Session: one connection of the web server, from its first request to its end.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <naru/asio.hpp>

#include "cli/web/condition.hpp"
#include "cli/web/folder.hpp"

namespace naru::cli::web {

struct ServerOptions {
  bool allow_upload = false;
  std::uint32_t header_bytes = 16 * 1024;
  // A request's header takes no longer than this once it has begun.
  std::chrono::milliseconds header_time{10'000};
  // A connection without a request lasts so long.
  std::chrono::milliseconds idle_time{60'000};
  // A body makes some progress within this.
  std::chrono::milliseconds progress_time{60'000};
  std::size_t max_sessions = 100'000;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(ip::tcp::socket socket, const Folder& folder, const ServerOptions& options)
      : socket_(std::move(socket)), folder_(folder), options_(options) {}

  boost::asio::awaitable<void> run();
  // Ends the present wait of run() where its time is over.
  void check_time(std::chrono::steady_clock::time_point now);
  // Ends run() soon.
  void stop();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;
  using Request = Parser::value_type;
  using Status = boost::beast::http::status;
  // What an answer needs besides its body.
  struct Head;

  // Those with a bool say whether the connection may go on.
  boost::asio::awaitable<bool> read_header();
  boost::asio::awaitable<void> answer_broken_header(boost::system::error_code ec, bool begun);
  boost::asio::awaitable<bool> answer();
  boost::asio::awaitable<bool> answer_path();
  boost::asio::awaitable<bool> answer_file(const OpenFile& file, std::string_view name);
  boost::asio::awaitable<bool> answer_folder(const OpenFile& folder, const std::string& path);
  boost::asio::awaitable<bool> answer_upload();
  boost::asio::awaitable<bool> answer_text(Head& head, std::string text);
  boost::asio::awaitable<bool> answer_error(Status status);
  boost::asio::awaitable<bool> send(const Head& head, std::string_view body);
  boost::asio::awaitable<bool> send_file(const Head& head, const OpenFile& file,
                                         std::uint64_t first, std::uint64_t length);
  boost::asio::awaitable<bool> write(std::string_view bytes);
  boost::asio::awaitable<void> linger();

  const Request& request() const { return parser_->get(); }
  bool is_head() const;
  Conditions conditions() const;
  std::optional<std::string_view> field(boost::beast::http::field name) const;
  void set_time(std::chrono::milliseconds time);

  ip::tcp::socket socket_;
  const Folder& folder_;
  const ServerOptions& options_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  bool timed_out_ = false;
  bool stopped_ = false;
};

}  // namespace naru::cli::web
