#include <utility>

#include <naru/socket/socket.hpp>

namespace naru {

Result<Socket> Socket::tcp(Host& host) {
  const auto id = host.stack().open_tcp();
  if (!id) return std::unexpected(id.error());
  return Socket(host, *id);
}

Result<Socket> Socket::udp(Host& host) {
  const auto id = host.stack().open_udp();
  if (!id) return std::unexpected(id.error());
  return Socket(host, *id);
}

Socket::Socket(Socket&& other) noexcept
    : host_(std::exchange(other.host_, nullptr)), id_(other.id_), timeout_(other.timeout_) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(host_, other.host_);
  std::swap(id_, other.id_);
  std::swap(timeout_, other.timeout_);
  return *this;
}

Socket::~Socket() {
  if (host_ != nullptr) (void)close();
}

bool Socket::wait(std::uint8_t bits) {
  const auto ready = [&] {
    return (host_->stack().readiness(id_) & (bits | ready::kErr | ready::kHup)) != 0;
  };
  return host_->run_until(ready, timeout_ == Duration(0) ? Duration::max() : timeout_);
}

template <class Attempt>
auto Socket::retry(std::uint8_t bits, const Attempt& attempt)
    -> decltype(attempt(std::declval<Stack&>())) {
  Stack& stack = host_->stack();
  for (;;) {
    stack.set_now(monotonic_now());
    const auto answer = attempt(stack);
    // Whatever was done may have something to say: data, an ACK, a window.
    host_->poll();
    if (answer || answer.error() != Error::would_block || !wait(bits)) return answer;
  }
}

Status Socket::bind(const Endpoint& local) { return host_->stack().bind(id_, local); }

Status Socket::listen(int backlog) { return host_->stack().listen(id_, backlog); }

Result<Socket> Socket::accept(Endpoint* peer) {
  const auto accepted = retry(ready::kIn, [&](Stack& stack) { return stack.accept(id_); });
  if (!accepted) return std::unexpected(accepted.error());
  if (peer != nullptr) *peer = accepted->peer;
  return Socket(*host_, accepted->socket);
}

Status Socket::connect(const Endpoint& remote) {
  Stack& stack = host_->stack();
  stack.set_now(monotonic_now());
  const Status started = stack.connect(id_, remote);
  if (started || started.error() != Error::in_progress) return started;
  if (!wait(ready::kOut)) return started;
  const Error error = stack.take_error(id_);
  if (error != Error::none) return std::unexpected(error);
  return {};
}

Result<std::size_t> Socket::send(Bytes data) {
  std::size_t sent = 0;
  while (sent < data.size()) {
    const auto n =
        retry(ready::kOut, [&](Stack& stack) { return stack.send(id_, data.subspan(sent)); });
    if (!n) return sent > 0 ? Result<std::size_t>(sent) : n;
    sent += *n;
  }
  return sent;
}

Result<std::size_t> Socket::recv(MutableBytes out) {
  return retry(ready::kIn | ready::kRdHup, [&](Stack& stack) { return stack.recv(id_, out); });
}

Result<std::size_t> Socket::recv_all(MutableBytes out) {
  std::size_t have = 0;
  while (have < out.size()) {
    const auto n = recv(out.subspan(have));
    if (!n) return n;
    if (*n == 0) break;
    have += *n;
  }
  return have;
}

Result<std::size_t> Socket::send_to(Bytes data, const Endpoint& remote) {
  return retry(ready::kOut, [&](Stack& stack) { return stack.send_to(id_, data, remote); });
}

Result<std::size_t> Socket::recv_from(MutableBytes out, DatagramInfo& info) {
  return retry(ready::kIn, [&](Stack& stack) { return stack.recv_from(id_, out, info); });
}

Status Socket::shutdown(Shutdown how) {
  host_->stack().set_now(monotonic_now());
  const Status done = host_->stack().shutdown(id_, how);
  host_->poll();
  return done;
}

Status Socket::close() {
  if (host_ == nullptr) return std::unexpected(Error::bad_handle);
  Host& host = *std::exchange(host_, nullptr);
  host.stack().set_now(monotonic_now());
  const Status done = host.stack().close(id_);
  host.poll();
  return done;
}

Status Socket::set_option(SocketOption option, std::int64_t value) {
  return host_->stack().set_option(id_, option, value);
}

Result<Endpoint> Socket::local() const { return host_->stack().local(id_); }

Result<Endpoint> Socket::remote() const { return host_->stack().remote(id_); }

}  // namespace naru
