#include "web.hpp"

#include <array>
#include <charconv>

#include "network.hpp"

namespace naru::road {
namespace {

constexpr std::string_view kEndOfHeader = "\r\n\r\n";
constexpr std::string_view kLengthField = "Content-Length: ";

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// What has been received at once; an empty text at the end of the stream, none when there is
// nothing yet.
Result<std::string> receive(Stack& stack, SocketId socket) {
  std::array<std::uint8_t, 16'384> buffer;
  const auto size = stack.recv(socket, buffer);
  if (!size) return std::unexpected(size.error());
  return std::string(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*size));
}

// Takes from `text` what goes into the send buffer.
void send_some(Stack& stack, SocketId socket, std::string& text) {
  if (text.empty()) return;
  if (const auto sent = stack.send(socket, bytes_of(text))) text.erase(0, *sent);
}

// The body of an answer that has come whole.
std::optional<std::string> body_of(std::string_view answer) {
  const std::size_t end = answer.find(kEndOfHeader);
  const std::size_t field = answer.find(kLengthField);
  if (end == std::string_view::npos || field == std::string_view::npos || field > end) {
    return std::nullopt;
  }
  std::size_t length = 0;
  const char* digits = answer.data() + field + kLengthField.size();
  if (std::from_chars(digits, answer.data() + end, length).ec != std::errc()) return std::nullopt;
  const std::string_view body = answer.substr(end + kEndOfHeader.size());
  if (body.size() != length) return std::nullopt;
  return std::string(body);
}

}  // namespace

PageServer::PageServer(Stack& stack, std::string page) : stack_(stack), page_(std::move(page)) {
  listener_ = must(stack_.open_tcp(), "no socket");
  must(stack_.bind(listener_, {IpAddr::any_v6(), 80}), "cannot bind");
  must(stack_.listen(listener_, 8), "cannot listen");
}

void PageServer::poll() {
  while (const auto accepted = stack_.accept(listener_)) {
    visitors_.push_back({.socket = accepted->socket, .request = {}, .answer = {}});
  }
  for (Visitor& visitor : visitors_) serve(visitor);
  std::erase_if(visitors_, [](const Visitor& visitor) { return visitor.over; });
}

void PageServer::serve(Visitor& visitor) {
  const auto text = receive(stack_, visitor.socket);
  if (text && !text->empty()) {
    visitor.request += *text;
    if (visitor.request.ends_with(kEndOfHeader)) {
      visitor.answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" +
                       std::string(kLengthField) + std::to_string(page_.size()) +
                       std::string(kEndOfHeader) + page_;
    }
  }
  send_some(stack_, visitor.socket, visitor.answer);
  const bool is_gone = text ? text->empty() : text.error() != Error::would_block;
  if (is_gone && visitor.answer.empty()) {
    visitor.over = true;
    must(stack_.close(visitor.socket), "cannot close");
  }
}

Fetch::Fetch(Stack& stack, const Endpoint& server, const std::string& host)
    : stack_(stack), request_("GET / HTTP/1.1\r\nHost: " + host + std::string(kEndOfHeader)) {
  socket_ = must(stack_.open_tcp(), "no socket");
  const Status connecting = stack_.connect(socket_, server);
  if (!connecting && connecting.error() != Error::in_progress) close();
}

void Fetch::poll() {
  if (is_done()) return;
  const std::uint8_t ready = stack_.readiness(socket_);
  if ((ready & ready::kErr) != 0) {
    close();
    return;
  }
  if ((ready & ready::kOut) != 0) send_some(stack_, socket_, request_);
  if ((ready & ready::kIn) == 0) return;
  const auto text = receive(stack_, socket_);
  if (!text) return;
  answer_ += *text;
  page_ = body_of(answer_);
  if (page_ || text->empty()) close();
}

void Fetch::close() {
  must(stack_.close(socket_), "cannot close");
  socket_ = {};
}

}  // namespace naru::road
