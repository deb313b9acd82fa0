// boost::asio::basic_socket for naru's protocols: what all sockets can do.
#pragma once

#include <sys/ioctl.h>

#include <naru/asio/detail/attempts.hpp>
#include <naru/asio/detail/io_object.hpp>
#include <naru/asio/detail/protocol.hpp>

namespace naru::asio::detail {

// What sockets and acceptors share. Each call has two forms, as in Asio: one throws
// boost::system::system_error, one gives its error_code.
template <class Protocol, class Executor>
class SocketBase : public boost::asio::socket_base {
 public:
  using executor_type = Executor;
  using native_handle_type = SocketId;
  using protocol_type = Protocol;
  using endpoint_type = typename Protocol::endpoint;

  const executor_type& get_executor() noexcept { return impl_.executor(); }

  void open(const protocol_type& protocol) { throw_error(try_open(protocol), "open"); }
  error_code open(const protocol_type& protocol, error_code& ec) { return ec = try_open(protocol); }
  void assign(const protocol_type& protocol, const native_handle_type& socket) {
    error_code ec;
    throw_error(assign(protocol, socket, ec), "assign");
  }
  error_code assign(const protocol_type& protocol, const native_handle_type& socket,
                    error_code& ec) {
    if (is_open()) return ec = boost::asio::error::already_open;
    protocol_ = protocol;
    impl_.adopt(socket);
    return ec = {};
  }
  bool is_open() const { return impl_.is_open(); }

  void close() { throw_error(impl_.close(), "close"); }
  error_code close(error_code& ec) { return ec = impl_.close(); }
  native_handle_type release() { return impl_.release(); }
  native_handle_type release(error_code& ec) {
    ec = {};
    return impl_.release();
  }
  native_handle_type native_handle() { return impl_.id(); }

  void cancel() { throw_error(impl_.cancel(), "cancel"); }
  error_code cancel(error_code& ec) { return ec = impl_.cancel(); }

  void bind(const endpoint_type& endpoint) { throw_error(try_bind(endpoint), "bind"); }
  error_code bind(const endpoint_type& endpoint, error_code& ec) { return ec = try_bind(endpoint); }

  template <class SettableSocketOption>
  void set_option(const SettableSocketOption& option) {
    error_code ec;
    throw_error(set_option(option, ec), "set_option");
  }
  template <class SettableSocketOption>
  error_code set_option(const SettableSocketOption& option, error_code& ec) {
    const auto p = protocol();
    return ec = impl_.call([&](Stack& stack, SocketId id) {
      return set_socket_option(stack, id, option.level(p), option.name(p), option.data(p),
                               option.size(p));
    });
  }
  template <class GettableSocketOption>
  void get_option(GettableSocketOption& option) const {
    error_code ec;
    throw_error(get_option(option, ec), "get_option");
  }
  template <class GettableSocketOption>
  error_code get_option(GettableSocketOption& option, error_code& ec) const {
    const auto p = protocol();
    return ec = impl_.call([&](Stack& stack, SocketId id) {
      return get_socket_option(stack, id, option.level(p), option.name(p), option.data(p),
                               option.size(p));
    });
  }

  template <class IoControlCommand>
  void io_control(IoControlCommand& command) {
    error_code ec;
    throw_error(io_control(command, ec), "io_control");
  }
  template <class IoControlCommand>
  error_code io_control(IoControlCommand& command, error_code& ec) {
    if (static_cast<unsigned long>(command.name()) != FIONREAD) {
      return ec = boost::asio::error::operation_not_supported;
    }
    const int bytes = static_cast<int>(number(SocketOption::readable_bytes, ec));
    std::memcpy(command.data(), &bytes, sizeof bytes);
    return ec;
  }

  bool non_blocking() const { return impl_.non_blocking(); }
  void non_blocking(bool mode) { throw_error(impl_.non_blocking(mode), "non_blocking"); }
  error_code non_blocking(bool mode, error_code& ec) { return ec = impl_.non_blocking(mode); }
  bool native_non_blocking() const { return non_blocking(); }
  void native_non_blocking(bool mode) { non_blocking(mode); }
  error_code native_non_blocking(bool mode, error_code& ec) { return non_blocking(mode, ec); }

  endpoint_type local_endpoint() const {
    error_code ec;
    endpoint_type endpoint = local_endpoint(ec);
    throw_error(ec, "local_endpoint");
    return endpoint;
  }
  endpoint_type local_endpoint(error_code& ec) const {
    return endpoint_from([](Stack& stack, SocketId id) { return stack.local(id); }, ec);
  }

  void wait(wait_type type) {
    error_code ec;
    throw_error(wait(type, ec), "wait");
  }
  error_code wait(wait_type type, error_code& ec) {
    Wait attempt(type);
    impl_.run(attempt);
    return ec = attempt.ec;
  }
  template <class Token = boost::asio::default_completion_token_t<executor_type>>
  auto async_wait(wait_type type, Token&& token = Token()) {
    const auto queue = type == wait_write ? &SocketState::writers : &SocketState::readers;
    return impl_.template start<void(error_code)>(queue, Wait(type), token);
  }

 protected:
  explicit SocketBase(const executor_type& executor) : impl_(executor) {}
  SocketBase(SocketBase&&) noexcept = default;
  SocketBase& operator=(SocketBase&&) = default;
  template <class OtherExecutor>
  explicit SocketBase(SocketBase<Protocol, OtherExecutor>&& other)
      : impl_(std::move(other.impl_)), protocol_(other.protocol_) {}
  ~SocketBase() = default;

  const protocol_type& protocol() const { return protocol_; }
  error_code try_open(const protocol_type& protocol) {
    protocol_ = protocol;
    return impl_.open(Protocol::kKind);
  }
  error_code try_bind(const endpoint_type& endpoint) {
    return impl_.call([&](Stack& stack, SocketId id) {
      return to_error_code(stack.bind(id, from_asio_endpoint(endpoint)));
    });
  }
  // Ask is a call of the stack that gives an endpoint.
  template <class Ask>
  endpoint_type endpoint_from(const Ask& ask, error_code& ec) const {
    endpoint_type endpoint;
    ec = impl_.call([&](Stack& stack, SocketId id) -> error_code {
      const auto answer = ask(stack, id);
      if (!answer) return to_error_code(answer.error());
      endpoint = to_asio_endpoint<endpoint_type>(*answer, protocol_);
      return {};
    });
    return endpoint;
  }
  std::int64_t number(SocketOption option, error_code& ec) const {
    std::int64_t value = 0;
    ec = impl_.call([&](Stack& stack, SocketId id) -> error_code {
      const auto answer = stack.option(id, option);
      if (!answer) return to_error_code(answer.error());
      value = *answer;
      return {};
    });
    return value;
  }

  IoObject<Executor> impl_;

 private:
  template <class, class>
  friend class SocketBase;

  protocol_type protocol_ = protocol_type::v4();
};

}  // namespace naru::asio::detail

template <naru::asio::StackProtocol Protocol, class Executor>
class boost::asio::basic_socket<Protocol, Executor>
    : public naru::asio::detail::SocketBase<Protocol, Executor> {
  using Base = naru::asio::detail::SocketBase<Protocol, Executor>;
  using error_code = boost::system::error_code;

 public:
  using typename Base::endpoint_type;
  using typename Base::executor_type;
  using typename Base::native_handle_type;
  using typename Base::protocol_type;
  using lowest_layer_type = basic_socket;
  template <class OtherExecutor>
  struct rebind_executor {
    using other = basic_socket<Protocol, OtherExecutor>;
  };

  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }

  bool at_mark() const {
    error_code ec;
    const bool mark = at_mark(ec);
    naru::asio::detail::throw_error(ec, "at_mark");
    return mark;
  }
  bool at_mark(error_code& ec) const { return this->number(naru::SocketOption::at_mark, ec) != 0; }
  std::size_t available() const {
    error_code ec;
    const std::size_t bytes = available(ec);
    naru::asio::detail::throw_error(ec, "available");
    return bytes;
  }
  std::size_t available(error_code& ec) const {
    return static_cast<std::size_t>(this->number(naru::SocketOption::readable_bytes, ec));
  }

  // Opens the socket where it is not open.
  void connect(const endpoint_type& peer) {
    error_code ec;
    naru::asio::detail::throw_error(connect(peer, ec), "connect");
  }
  error_code connect(const endpoint_type& peer, error_code& ec) {
    if (!this->is_open() && this->open(peer.protocol(), ec)) return ec;
    naru::asio::detail::Connect attempt(naru::asio::detail::from_asio_endpoint(peer));
    this->impl_.run(attempt);
    return ec = attempt.ec;
  }
  template <class Token = default_completion_token_t<executor_type>>
  auto async_connect(const endpoint_type& peer, Token&& token = Token()) {
    naru::asio::detail::Connect attempt(naru::asio::detail::from_asio_endpoint(peer));
    if (!this->is_open()) attempt.refused = this->try_open(peer.protocol());
    return this->impl_.template start<void(error_code)>(&naru::asio::detail::SocketState::writers,
                                                        attempt, token);
  }

  endpoint_type remote_endpoint() const {
    error_code ec;
    endpoint_type endpoint = remote_endpoint(ec);
    naru::asio::detail::throw_error(ec, "remote_endpoint");
    return endpoint;
  }
  endpoint_type remote_endpoint(error_code& ec) const {
    return this->endpoint_from(
        [](naru::Stack& stack, naru::SocketId id) { return stack.remote(id); }, ec);
  }

  void shutdown(socket_base::shutdown_type what) {
    error_code ec;
    naru::asio::detail::throw_error(shutdown(what, ec), "shutdown");
  }
  error_code shutdown(socket_base::shutdown_type what, error_code& ec) {
    const auto how = what == socket_base::shutdown_receive ? naru::Shutdown::receive
                     : what == socket_base::shutdown_send  ? naru::Shutdown::send
                                                           : naru::Shutdown::both;
    return ec = this->impl_.call([&](naru::Stack& stack, naru::SocketId id) {
      return naru::asio::detail::to_error_code(stack.shutdown(id, how));
    });
  }

 protected:
  explicit basic_socket(const executor_type& executor) : Base(executor) {}
  basic_socket(const executor_type& executor, const protocol_type& protocol) : Base(executor) {
    this->open(protocol);
  }
  basic_socket(const executor_type& executor, const endpoint_type& endpoint) : Base(executor) {
    this->open(endpoint.protocol());
    this->bind(endpoint);
  }
  basic_socket(const executor_type& executor, const protocol_type& protocol,
               const native_handle_type& socket)
      : Base(executor) {
    this->assign(protocol, socket);
  }
  basic_socket(basic_socket&&) noexcept = default;
  basic_socket& operator=(basic_socket&&) = default;
  template <class OtherExecutor>
  explicit basic_socket(basic_socket<Protocol, OtherExecutor>&& other) : Base(std::move(other)) {}
  ~basic_socket() = default;
};
