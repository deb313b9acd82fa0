// Download: one URL into one file, over redirects.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <naru/asio.hpp>

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
  // Asked for a host's address before the system's resolver.
  std::function<std::optional<std::string>(const std::string& name)> find_host{};
  // Told of each step that the stack does not see.
  std::function<void(std::string_view room, const std::string& text)> note{};
};

class Download {
 public:
  Download(boost::asio::io_context& context, DownloadOptions options)
      : stream_(context), output_(options.output), options_(std::move(options)) {}

  // Throws Failure.
  boost::asio::awaitable<void> run(Url url);
  // Ends run() soon, with a Failure.
  void interrupt();

 private:
  using Parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  boost::asio::awaitable<std::optional<Url>> fetch(const Url& url);
  boost::asio::awaitable<ip::tcp::endpoint> resolve(const Url& url);
  boost::asio::awaitable<void> connect(const Url& url);
  boost::asio::awaitable<void> send_request(const Url& url);
  boost::asio::awaitable<std::optional<Url>> take_answer(const Url& url);
  boost::asio::awaitable<void> take_body(const Url& url, Parser& parser);
  void note(std::string_view room, const std::string& text) const;
  [[noreturn]] void fail(const Url& url, const boost::system::error_code& ec,
                         const std::string& where) const;

  boost::beast::basic_stream<ip::tcp> stream_;
  boost::beast::flat_buffer buffer_;
  Output output_;
  DownloadOptions options_;
  std::uint64_t offset_ = 0;  // where a resumed download goes on
  bool interrupted_ = false;
};

}  // namespace naru::cli
