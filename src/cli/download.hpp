// Download: one URL into one file, over redirects.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <naru/asio.hpp>
#include <naru/resolver/connect.hpp>

#include "cli/url.hpp"

namespace naru::cli {

// Where the body goes.
class Output {
 public:
  // "-" is standard output.
  explicit Output(std::string path) : path_(std::move(path)) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  // What an earlier, interrupted download left.
  std::uint64_t size() const;
  // Opened by the first of these; both throw Failure.
  void open(bool append);
  void write(std::string_view bytes);

 private:
  std::string path_;
  int descriptor_ = -1;
};

struct DownloadOptions {
  std::string output = "-";
  bool resume = false;
  std::chrono::milliseconds timeout{60'000};  // without any progress
  // Knows the addresses of some hosts, before anybody is asked.
  std::function<std::vector<IpAddr>(const std::string& name)> find_host{};
  // Asked for all others, on the stack of the context; nullptr: the system is.
  Resolver* resolver = nullptr;
  // Told of each step that the stack does not see.
  std::function<void(std::string_view room, const std::string& text)> note{};
};

class Download {
 public:
  Download(boost::asio::io_context& context, DownloadOptions options)
      : context_(context),
        stream_(context),
        patience_(context),
        output_(options.output),
        options_(std::move(options)) {}

  // Throws Failure.
  boost::asio::awaitable<void> run(Url url);
  // Ends run() soon, with a Failure.
  void interrupt();

 private:
  using Parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  boost::asio::awaitable<std::optional<Url>> fetch(const Url& url);
  // The addresses of the host; empty: its resolver shall find them.
  boost::asio::awaitable<std::vector<IpAddr>> resolve(const Url& url);
  boost::asio::awaitable<void> connect(const Url& url);
  void note_addresses(const Url& url, std::span<const IpAddr> addresses) const;
  // Until the connector has come to an end, the time is over, or we are interrupted.
  boost::asio::awaitable<void> wait_for(Connector& connector);
  boost::asio::awaitable<void> send_request(const Url& url);
  boost::asio::awaitable<std::optional<Url>> take_answer(const Url& url);
  boost::asio::awaitable<void> take_body(const Url& url, Parser& parser);
  void note(std::string_view room, const std::string& text) const;
  [[noreturn]] void fail_to_connect(const Url& url, const ConnectFailure& why) const;
  [[noreturn]] void fail(const Url& url, const boost::system::error_code& ec,
                         const std::string& where) const;

  boost::asio::io_context& context_;
  boost::beast::basic_stream<ip::tcp> stream_;
  boost::asio::steady_timer patience_;  // while there is no connection
  boost::beast::flat_buffer buffer_;
  Output output_;
  DownloadOptions options_;
  std::uint64_t offset_ = 0;  // where a resumed download goes on
  bool interrupted_ = false;
};

}  // namespace naru::cli
