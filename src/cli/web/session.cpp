#include "cli/web/session.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <unistd.h>
#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "cli/web/date.hpp"
#include "cli/web/listing.hpp"
#include "cli/web/media_type.hpp"
#include "cli/web/range.hpp"
#include "cli/web/sha256.hpp"
#include "cli/web/target.hpp"

namespace naru::cli::web {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using net::redirect_error;
using net::use_awaitable;

namespace {

// What is read from a file or an upload at once.
constexpr std::size_t kBlock = 256 * 1024;
// What is read at once while a header comes.
constexpr std::size_t kHeaderRead = 8 * 1024;
constexpr std::string_view kServerName = "naru";

std::string_view to_view(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string reason(http::status status) {
  return std::string(to_view(http::obsolete_reason(status)));
}

// Formatted once a second: a busy server answers many requests in one.
std::string_view date_now() {
  static std::time_t last = 0;
  static std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != last) {
    last = now;
    text = to_http_date(now);
  }
  return text;
}

}  // namespace

// The status line and fields as text: the answers here have few, and the same.
struct Session::Head {
  Head(Status s, bool alive) : status(s), keep_alive(alive) {}

  void add(std::string_view name, std::string_view value) {
    fields.append(name).append(": ").append(value).append("\r\n");
  }
  void set_length(std::uint64_t length) { add("Content-Length", std::to_string(length)); }
  std::string text() const {
    std::string out = "HTTP/1.1 ";
    out.append(std::to_string(static_cast<unsigned>(status))).append(" ");
    out.append(reason(status)).append("\r\nServer: ").append(kServerName);
    out.append("\r\nDate: ").append(date_now()).append("\r\n").append(fields);
    out.append(keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
    return out;
  }

  Status status;
  bool keep_alive;
  std::string fields;
};

// --- the life of a connection ------------------------------------------------

net::awaitable<void> Session::run() {
  error_code ignored;
  socket_.set_option(ip::tcp::no_delay(true), ignored);
  // One co_await a statement: g++ 12 loses its way in conditions with two.
  for (bool more = true; more && !stopped_;) {
    more = co_await read_header();
    if (more) more = co_await answer();
  }
  co_await linger();
}

void Session::set_time(std::chrono::milliseconds time) {
  deadline_ = std::chrono::steady_clock::now() + time;
}

void Session::check_time(std::chrono::steady_clock::time_point now) {
  if (now < deadline_) return;
  deadline_ = std::chrono::steady_clock::time_point::max();
  timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Session::stop() {
  stopped_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

// True when a request is there to answer. Its first bytes may have come with the
// last request (pipelining).
net::awaitable<bool> Session::read_header() {
  parser_.emplace();
  parser_->header_limit(options_.header_bytes);
  parser_->body_limit(boost::none);
  bool begun = false;
  set_time(options_.idle_time);
  for (;;) {
    error_code ec;
    if (buffer_.size() > 0) {
      if (!begun) set_time(options_.header_time);
      begun = true;
      buffer_.consume(parser_->put(buffer_.data(), ec));
      if (parser_->is_header_done()) co_return true;
      if (ec == http::error::need_more) ec = {};
    }
    if (!ec) {
      const std::size_t n = co_await socket_.async_read_some(buffer_.prepare(kHeaderRead),
                                                             redirect_error(use_awaitable, ec));
      buffer_.commit(n);
    }
    if (ec) {
      co_await answer_broken_header(ec, begun);
      co_return false;
    }
  }
}

net::awaitable<void> Session::answer_broken_header(error_code ec, bool begun) {
  Status status = Status::bad_request;
  if (begun && timed_out_) {
    status = Status::request_timeout;
  } else if (ec == http::error::header_limit) {
    status = Status::request_header_fields_too_large;
  } else if (ec.category() != http::make_error_code(http::error::bad_method).category()) {
    co_return;  // the connection is gone, or nothing was asked
  }
  timed_out_ = false;
  Head head(status, false);
  co_await answer_text(head, reason(status) + "\n");
}

// Says good-bye: a close with unread data would be a reset, which may overtake the
// answer (RFC 9112 9.6).
net::awaitable<void> Session::linger() {
  error_code ec;
  socket_.shutdown(ip::tcp::socket::shutdown_send, ec);
  set_time(std::chrono::seconds(2));
  timed_out_ = false;
  std::vector<char> rest(16 * 1024);
  while (!ec && !stopped_) {
    co_await socket_.async_read_some(net::buffer(rest), redirect_error(use_awaitable, ec));
  }
  socket_.close(ec);
}

// --- answers -------------------------------------------------------------------

bool Session::is_head() const { return request().method() == http::verb::head; }

std::optional<std::string_view> Session::field(http::field name) const {
  const auto it = request().find(name);
  if (it == request().end()) return std::nullopt;
  return to_view(it->value());
}

Conditions Session::conditions() const {
  return {.if_match = field(http::field::if_match),
          .if_none_match = field(http::field::if_none_match),
          .if_modified_since = field(http::field::if_modified_since),
          .if_unmodified_since = field(http::field::if_unmodified_since),
          .if_range = field(http::field::if_range)};
}

// True when the connection may carry another request.
net::awaitable<bool> Session::answer() {
  if (request().version() == 11 && request().count(http::field::host) != 1) {
    co_return co_await answer_error(Status::bad_request);  // RFC 9112 3.2
  }
  switch (request().method()) {
    case http::verb::get:
    case http::verb::head:
      // A body would be read as the next request.
      if (!parser_->is_done()) co_return co_await answer_error(Status::bad_request);
      co_return co_await answer_path();
    case http::verb::put:
      co_return co_await answer_upload();
    case http::verb::unknown:
      co_return co_await answer_error(Status::not_implemented);
    default:
      co_return co_await answer_error(Status::method_not_allowed);
  }
}

net::awaitable<bool> Session::answer_path() {
  const auto path = path_of_target(to_view(request().target()));
  if (!path) co_return co_await answer_error(Status::bad_request);
  auto file = folder_.open_below(*path);
  if (!file) {
    const bool denied = file.error() == EACCES || file.error() == EPERM;
    const bool busy = file.error() == EMFILE || file.error() == ENFILE;
    co_return co_await answer_error(busy     ? Status::service_unavailable
                                    : denied ? Status::forbidden
                                             : Status::not_found);
  }
  const bool slash = path->empty() || path->ends_with('/');
  if (!file->is_folder && slash) co_return co_await answer_error(Status::not_found);
  if (!file->is_folder) co_return co_await answer_file(*file, *path);
  if (!slash) {
    Head head(Status::moved_permanently, request().keep_alive());
    head.add("Location", "/" + escape_path(*path) + "/");
    co_return co_await answer_text(head, "");
  }
  co_return co_await answer_folder(*file, *path);
}

net::awaitable<bool> Session::answer_folder(const OpenFile& folder, const std::string& path) {
  const auto index = folder_.open_below(path + "index.html");
  if (index && !index->is_folder) co_return co_await answer_file(*index, "index.html");
  Head head(Status::ok, request().keep_alive());
  head.add("Content-Type", "text/html; charset=utf-8");
  const std::string page = listing_page(path, Folder::list(folder));
  head.set_length(page.size());
  co_return co_await send(head, page);
}

net::awaitable<bool> Session::answer_file(const OpenFile& file, std::string_view name) {
  const Validators now{file.etag(), file.modified.tv_sec};
  const Conditions asked = conditions();
  const Verdict verdict = evaluate(asked, now);
  if (verdict == Verdict::precondition_failed) {
    co_return co_await answer_error(Status::precondition_failed);
  }
  Head head(Status::ok, request().keep_alive());
  head.add("ETag", now.etag);
  head.add("Last-Modified", to_http_date(now.modified));
  head.add("Accept-Ranges", "bytes");
  if (verdict == Verdict::not_modified) {
    head.status = Status::not_modified;
    co_return co_await send(head, "");
  }
  Range part{Range::Kind::whole, 0, file.size};
  const auto range = field(http::field::range);
  if (range && !is_head() && range_applies(asked, now)) {
    const Range wanted = parse_range(*range, file.size);
    if (wanted.kind == Range::Kind::unsatisfiable) {
      head.status = Status::range_not_satisfiable;
      head.add("Content-Range", "bytes */" + std::to_string(file.size));
      co_return co_await answer_text(head, "");
    }
    if (wanted.kind == Range::Kind::part) {
      part = wanted;
      head.status = Status::partial_content;
      head.add("Content-Range", "bytes " + std::to_string(part.first) + "-" +
                                    std::to_string(part.first + part.length - 1) + "/" +
                                    std::to_string(file.size));
    }
  }
  head.add("Content-Type", media_type_of(name));
  head.set_length(part.length);
  co_return co_await send_file(head, file, part.first, is_head() ? 0 : part.length);
}

// The sink: counts what is uploaded, keeps nothing, and answers with its SHA-256.
net::awaitable<bool> Session::answer_upload() {
  if (!options_.allow_upload) co_return co_await answer_error(Status::method_not_allowed);
  error_code ec;
  if (field(http::field::expect) == "100-continue") {
    constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await net::async_write(socket_, net::buffer(kGoOn), redirect_error(use_awaitable, ec));
  }
  Sha256 digest;
  std::uint64_t size = 0;
  std::vector<char> block(kBlock);
  buffer_.reserve(kBlock);  // Beast reads what there is room for
  while (!ec && !parser_->is_done()) {
    auto& body = parser_->get().body();
    body.data = block.data();
    body.size = block.size();
    set_time(options_.progress_time);
    co_await http::async_read(socket_, buffer_, *parser_, redirect_error(use_awaitable, ec));
    if (ec == http::error::need_buffer) ec = {};
    const std::size_t n = block.size() - body.size;
    digest.update(block.data(), n);
    size += n;
  }
  if (ec) co_return false;
  Head head(Status::ok, request().keep_alive());
  co_return co_await answer_text(head,
                                 std::to_string(size) + " bytes, SHA-256 " + digest.hex() + "\n");
}

net::awaitable<bool> Session::answer_error(Status status) {
  // A body may follow that nobody will read: the connection ends with this answer.
  Head head(status, request().keep_alive() && parser_->is_done());
  if (status == Status::method_not_allowed) {
    head.add("Allow", options_.allow_upload ? "GET, HEAD, PUT" : "GET, HEAD");
  }
  co_return co_await answer_text(head, reason(status) + "\n");
}

net::awaitable<bool> Session::answer_text(Head& head, std::string text) {
  head.add("Content-Type", "text/plain; charset=utf-8");
  head.set_length(text.size());
  co_return co_await send(head, text);
}

// The head and, but for HEAD, the body.
net::awaitable<bool> Session::send(const Head& head, std::string_view body) {
  std::string message = head.text();
  if (!is_head()) message += body;
  const bool written = co_await write(message);
  co_return written&& head.keep_alive;
}

// The head and `length` bytes of the file, block by block.
net::awaitable<bool> Session::send_file(const Head& head, const OpenFile& file, std::uint64_t first,
                                        std::uint64_t length) {
  const std::string text = head.text();
  std::vector<char> block(std::min<std::uint64_t>(kBlock, text.size() + length));
  std::size_t used = text.copy(block.data(), text.size());
  do {
    const std::size_t want = std::min<std::uint64_t>(block.size() - used, length);
    const ssize_t n =
        ::pread(file.descriptor.get(), block.data() + used, want, static_cast<off_t>(first));
    // The file has become shorter: the promised length cannot be kept.
    if (n < 0 || (n == 0 && want > 0)) co_return false;
    const bool written = co_await write({block.data(), used + static_cast<std::size_t>(n)});
    if (!written) co_return false;
    first += static_cast<std::uint64_t>(n);
    length -= static_cast<std::uint64_t>(n);
    used = 0;
  } while (length > 0);
  co_return head.keep_alive;
}

net::awaitable<bool> Session::write(std::string_view bytes) {
  set_time(options_.progress_time);
  error_code ec;
  co_await net::async_write(socket_, net::buffer(bytes), redirect_error(use_awaitable, ec));
  co_return !ec;
}

}  // namespace naru::cli::web
