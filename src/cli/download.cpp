#include "cli/download.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <naru/socket/errno.hpp>

#include "cli/failure.hpp"
#include "cli/progress.hpp"
#include "cli/version.hpp"

namespace naru::cli {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using net::redirect_error;
using net::use_awaitable;

namespace {

constexpr int kMaxRedirects = 10;
constexpr std::size_t kBlock = 256 * 1024;

bool is_redirect(http::status status) {
  switch (status) {
    case http::status::moved_permanently:
    case http::status::found:
    case http::status::see_other:
    case http::status::temporary_redirect:
    case http::status::permanent_redirect:
      return true;
    default:
      return false;
  }
}

}  // namespace

// --- the output ----------------------------------------------------------------

Output::~Output() {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

std::uint64_t Output::size() const {
  struct stat info {};
  const bool there = path_ != "-" && ::stat(path_.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  return there ? static_cast<std::uint64_t>(info.st_size) : 0;
}

void Output::open(bool append) {
  if (path_ == "-") {
    descriptor_ = STDOUT_FILENO;
    return;
  }
  const int how = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
  descriptor_ = ::open(path_.c_str(), how, 0666);
  if (descriptor_ < 0) throw Failure(fmt::format("{}: {}", path_, std::strerror(errno)));
}

void Output::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Failure(fmt::format("{}: {}", path_, std::strerror(errno)));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// --- the download ----------------------------------------------------------------

net::awaitable<void> Download::run(Url url) {
  for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
    const auto next = co_await fetch(url);
    if (!next) co_return;
    note("http", "redirected to " + next->to_string());
    url = *next;
  }
  throw Failure(fmt::format("{}: more than {} redirects", url.to_string(), kMaxRedirects));
}

void Download::note(std::string_view room, const std::string& text) const {
  if (options_.note) options_.note(room, text);
}

void Download::interrupt() {
  interrupted_ = true;
  patience_.cancel();
  stream_.close();
}

// One request. The URL to go on with where the answer is a redirect.
net::awaitable<std::optional<Url>> Download::fetch(const Url& url) {
  co_await connect(url);
  co_await send_request(url);
  auto next = co_await take_answer(url);
  stream_.close();
  buffer_.clear();
  co_return next;
}

net::awaitable<std::vector<IpAddr>> Download::resolve(const Url& url) {
  std::vector<IpAddr> addresses;
  if (options_.find_host) addresses = options_.find_host(url.host);
  if (addresses.empty() && options_.resolver == nullptr) {
    error_code ec;
    ip::tcp::resolver resolver(stream_.get_executor());
    // The kernel's addresses say nothing of ours: both families are asked for.
    const auto found = co_await resolver.async_resolve(url.host, std::to_string(url.port),
                                                       ip::resolver_base::flags(),
                                                       redirect_error(use_awaitable, ec));
    if (ec) throw Failure(fmt::format("{}: no address found: {}", url.host, ec.message()));
    for (const auto& entry : found) {
      addresses.push_back(asio::detail::from_asio_endpoint(entry.endpoint()).addr);
    }
  }
  co_return addresses;
}

void Download::note_addresses(const Url& url, std::span<const IpAddr> addresses) const {
  std::string words;
  for (const IpAddr& address : addresses) {
    words += (words.empty() ? "" : ", ") + address.to_string();
  }
  if (words != url.host) note("resolve", fmt::format("{} is {}", url.host, words));
}

net::awaitable<void> Download::wait_for(Connector& connector) {
  Resolver* const resolver = options_.resolver;
  const asio::StackProgram program(
      context_,
      [&](Stack& stack) {
        if (resolver != nullptr) resolver->poll(stack.now());
        connector.poll(stack.now());
        if (connector.is_done()) patience_.cancel();
      },
      [&] {
        const Time answers = resolver != nullptr ? resolver->next_deadline() : kTimeNever;
        return std::min(answers, connector.next_deadline());
      });
  if (interrupted_) co_return;
  patience_.expires_after(options_.timeout);
  error_code ec;
  co_await patience_.async_wait(redirect_error(use_awaitable, ec));
}

net::awaitable<void> Download::connect(const Url& url) {
  const std::vector<IpAddr> known = co_await resolve(url);
  if (!known.empty()) note_addresses(url, known);
  std::optional<Connector> connector;
  asio::with_stack(context_, [&](Stack& stack) {
    if (known.empty()) {
      connector.emplace(stack, *options_.resolver, url.host, url.port);
    } else {
      connector.emplace(stack, known, url.port);
    }
  });
  co_await wait_for(*connector);
  std::expected<SocketId, ConnectFailure> socket;
  IpAddr address;
  const bool is_done = asio::with_stack(context_, [&](Stack& stack) {
    const bool done = connector->is_done();
    if (done) socket = connector->take();
    connector.reset();
    if (done && socket) address = stack.remote(*socket).value_or(Endpoint()).addr;
    return done;
  });
  if (!is_done) fail(url, beast::error::timeout, "cannot connect");
  if (!socket) fail_to_connect(url, socket.error());
  stream_.socket().assign(address.is_v4() ? ip::tcp::v4() : ip::tcp::v6(), *socket);
  if (known.empty()) note_addresses(url, {&address, 1});
}

net::awaitable<void> Download::send_request(const Url& url) {
  http::request<http::empty_body> request{http::verb::get, url.target, 11};
  request.set(http::field::host, url.authority());
  request.set(http::field::user_agent, fmt::format("naru/{}", version()));
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  offset_ = options_.resume ? output_.size() : 0;
  if (offset_ > 0) request.set(http::field::range, fmt::format("bytes={}-", offset_));
  error_code ec;
  co_await http::async_write(stream_, request, redirect_error(use_awaitable, ec));
  if (ec) fail(url, ec, "cannot send the request");
}

net::awaitable<std::optional<Url>> Download::take_answer(const Url& url) {
  Parser parser;
  parser.body_limit(boost::none);
  error_code ec;
  stream_.expires_after(options_.timeout);
  co_await http::async_read_header(stream_, buffer_, parser, redirect_error(use_awaitable, ec));
  if (ec) fail(url, ec, "no answer");
  const auto& answer = parser.get();
  const std::string location(answer[http::field::location]);
  if (is_redirect(answer.result()) && !location.empty()) {
    const auto next = url.resolve(location);
    if (!next) throw Failure(fmt::format("{} redirects to {}", url.to_string(), next.error()));
    co_return *next;
  }
  if (answer.result() == http::status::range_not_satisfiable && offset_ > 0) {
    // "bytes */N": all N bytes are here.
    const std::string range(answer[http::field::content_range]);
    if (range == fmt::format("bytes */{}", offset_)) co_return std::nullopt;
  }
  if (answer.result() != http::status::ok && answer.result() != http::status::partial_content) {
    throw Failure(fmt::format("{}: {} {}", url.to_string(), answer.result_int(),
                              std::string(answer.reason())));
  }
  // A server that does not know ranges sends all of it again.
  if (answer.result() != http::status::partial_content) offset_ = 0;
  output_.open(offset_ > 0);
  co_await take_body(url, parser);
  co_return std::nullopt;
}

net::awaitable<void> Download::take_body(const Url& url, Parser& parser) {
  const auto length = parser.content_length();
  Progress progress(offset_, length ? std::optional(offset_ + *length) : std::nullopt);
  std::vector<char> block(kBlock);
  buffer_.reserve(kBlock);  // Beast reads what there is room for
  std::uint64_t taken = 0;
  while (!parser.is_done()) {
    parser.get().body().data = block.data();
    parser.get().body().size = block.size();
    stream_.expires_after(options_.timeout);
    error_code ec;
    co_await http::async_read(stream_, buffer_, parser, redirect_error(use_awaitable, ec));
    const std::size_t n = block.size() - parser.get().body().size;
    output_.write({block.data(), n});
    progress.add(n);
    taken += n;
    if (ec && ec != http::error::need_buffer) {
      const std::string of = length ? fmt::format(" of {}", *length) : "";
      fail(url, ec, fmt::format("broken off after {}{} bytes", taken, of));
    }
  }
}

void Download::fail_to_connect(const Url& url, const ConnectFailure& why) const {
  if (why.name != NameOutcome::found) {
    throw Failure(fmt::format("{}: no address found: {}", url.host, to_string(why.name)));
  }
  const std::string where =
      why.address.is_v4() ? why.address.to_string() : fmt::format("[{}]", why.address.to_string());
  fail(url, error_code(to_errno(why.error), boost::system::system_category()),
       fmt::format("cannot connect to {}:{}", where, url.port));
}

void Download::fail(const Url& url, const error_code& ec, const std::string& where) const {
  std::string why = ec.message();
  if (interrupted_) {
    why = "interrupted";
  } else if (ec == beast::error::timeout) {
    why = fmt::format("nothing came for {:.0f} s",
                      std::chrono::duration<double>(options_.timeout).count());
  } else if (ec == http::error::partial_message || ec == http::error::end_of_stream) {
    why = "the server ended the connection";
  }
  throw Failure(fmt::format("{}: {}: {}", url.to_string(), where, why));
}

}  // namespace naru::cli
