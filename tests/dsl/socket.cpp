#include "dsl/socket.hpp"

#include <algorithm>

#include "dsl/wire.hpp"

namespace naru::test {

// The stack with the time of the wire, ready for a call.
Stack& Socket::stack() const {
  Stack& s = wire_->stack();
  s.set_now(wire_->now());
  return s;
}

template <class Result>
Result Socket::after(Result result) {
  wire_->settle();
  return result;
}

Status Socket::bind(const Endpoint& local) { return after(stack().bind(id_, local)); }
Status Socket::listen(int backlog) { return after(stack().listen(id_, backlog)); }
Status Socket::connect(const Endpoint& remote) { return after(stack().connect(id_, remote)); }

Result<Accepted> Socket::try_accept() {
  const Result<Accepted> accepted = after(stack().accept(id_));
  if (accepted) wire_->sockets_.push_back(accepted->socket);
  return accepted;
}

Result<std::size_t> Socket::try_send(Bytes data, unsigned flags) {
  return after(stack().send(id_, data, flags));
}
Result<std::size_t> Socket::try_recv(MutableBytes out, unsigned flags) {
  return after(stack().recv(id_, out, flags));
}
Result<std::size_t> Socket::send_to(Bytes data, const Endpoint& remote, unsigned flags) {
  return after(stack().send_to(id_, data, remote, flags));
}
Result<std::size_t> Socket::recv_from(MutableBytes out, DatagramInfo& info, unsigned flags) {
  return after(stack().recv_from(id_, out, info, flags));
}
Status Socket::shutdown(Shutdown how) { return after(stack().shutdown(id_, how)); }
Status Socket::close() { return after(stack().close(id_)); }
Status Socket::abort() { return after(stack().abort(id_)); }
Status Socket::set(SocketOption option, std::int64_t value) {
  return after(stack().set_option(id_, option, value));
}
std::int64_t Socket::get(SocketOption option) { return stack().option(id_, option).value(); }
Error Socket::take_error() { return stack().take_error(id_); }
std::uint8_t Socket::readiness() const { return stack().readiness(id_); }
Endpoint Socket::local() const { return stack().local(id_).value(); }
Endpoint Socket::remote() const { return stack().remote(id_).value(); }

TcpInfo Socket::info(Where where) const {
  const Result<TcpInfo> info = stack().tcp_info(id_);
  if (!info) fail(where, "tcp_info: " + std::string(naru::to_string(info.error())));
  return *info;
}

Socket Socket::accept(Where where) {
  const Result<Accepted> accepted = try_accept();
  if (!accepted) {
    fail(where, "accept: " + std::string(naru::to_string(accepted.error())) + wire_->history());
  }
  return {*wire_, accepted->socket};
}

void Socket::send(std::string_view text, unsigned flags, Where where) {
  const Result<std::size_t> sent = try_send(bytes(text), flags);
  if (!sent) fail(where, "send: " + std::string(naru::to_string(sent.error())));
  if (*sent != text.size()) fail(where, "send took only " + std::to_string(*sent) + " bytes");
}

void Socket::send_stream(std::size_t n, Where where) {
  const Result<std::size_t> sent = try_send(stream(stream_sent_, n));
  if (!sent) fail(where, "send: " + std::string(naru::to_string(sent.error())));
  if (*sent != n) fail(where, "send took only " + std::to_string(*sent) + " bytes");
  stream_sent_ += n;
}

std::string Socket::read(std::size_t max) {
  std::string out;
  Buffer buffer(65'536);
  while (out.size() < max) {
    const MutableBytes room = MutableBytes(buffer).first(std::min(buffer.size(), max - out.size()));
    const Result<std::size_t> n = try_recv(room);
    if (!n || *n == 0) break;
    out.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*n));
  }
  return out;
}

void Socket::expect_read(std::string_view text, Where where) {
  const std::string actual = read();
  if (actual == text) return;
  fail(where, "read " + std::to_string(actual.size()) + " bytes \"" + actual.substr(0, 200) +
                  "\", expected \"" + std::string(text.substr(0, 200)) + "\"" + wire_->history());
}

void Socket::expect_stream(std::size_t n, Where where) {
  const std::string actual = read();
  const Buffer expected = stream(stream_read_, n);
  stream_read_ += actual.size();
  const auto differ = std::ranges::mismatch(bytes(actual), expected);
  if (actual.size() == n && differ.in2 == expected.end()) return;
  fail(where, "read " + std::to_string(actual.size()) + " bytes, expected " + std::to_string(n) +
                  " of the stream; right up to byte " +
                  std::to_string(differ.in2 - expected.begin()) + wire_->history());
}

void Socket::expect_eof(Where where) {
  std::uint8_t byte = 0;
  const Result<std::size_t> n = try_recv({&byte, 1});
  if (!n) fail(where, "recv: " + std::string(naru::to_string(n.error())) + wire_->history());
  if (*n != 0) fail(where, "data where the end of the stream was expected" + wire_->history());
}

void Socket::expect_recv(Error error, Where where) {
  std::uint8_t byte = 0;
  const Result<std::size_t> n = try_recv({&byte, 1});
  const std::string actual =
      n ? std::to_string(*n) + " bytes" : std::string(naru::to_string(n.error()));
  if (!n && n.error() == error) return;
  fail(where,
       "recv: " + actual + ", expected: " + std::string(naru::to_string(error)) + wire_->history());
}

void Socket::must(const Status& status, Where where) {
  if (!status) fail(where, "refused: " + std::string(naru::to_string(status.error())));
}

}  // namespace naru::test
