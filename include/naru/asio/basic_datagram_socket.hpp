// boost::asio::basic_datagram_socket for naru's UDP.
#pragma once

#include <naru/asio/basic_socket.hpp>

template <naru::asio::StackProtocol Protocol, class Executor>
class boost::asio::basic_datagram_socket<Protocol, Executor>
    : public boost::asio::basic_socket<Protocol, Executor> {
  using Base = basic_socket<Protocol, Executor>;
  using error_code = boost::system::error_code;
  using TransferSignature = void(error_code, std::size_t);
  using Remote = std::optional<naru::Endpoint>;

 public:
  using typename Base::endpoint_type;
  using typename Base::executor_type;
  using typename Base::native_handle_type;
  using typename Base::protocol_type;
  using message_flags = socket_base::message_flags;
  template <class OtherExecutor>
  struct rebind_executor {
    using other = basic_datagram_socket<Protocol, OtherExecutor>;
  };

  // On an executor or on a context: closed, open, bound, or an existing socket.
  explicit basic_datagram_socket(const executor_type& executor) : Base(executor) {}
  basic_datagram_socket(const executor_type& executor, const protocol_type& protocol)
      : Base(executor, protocol) {}
  basic_datagram_socket(const executor_type& executor, const endpoint_type& endpoint)
      : Base(executor, endpoint) {}
  basic_datagram_socket(const executor_type& executor, const protocol_type& protocol,
                        const native_handle_type& socket)
      : Base(executor, protocol, socket) {}
  template <naru::asio::ExecutionContext Context>
  explicit basic_datagram_socket(Context& context) : Base(executor_type(context.get_executor())) {}
  template <naru::asio::ExecutionContext Context>
  basic_datagram_socket(Context& context, const protocol_type& protocol)
      : Base(executor_type(context.get_executor()), protocol) {}
  template <naru::asio::ExecutionContext Context>
  basic_datagram_socket(Context& context, const endpoint_type& endpoint)
      : Base(executor_type(context.get_executor()), endpoint) {}
  template <naru::asio::ExecutionContext Context>
  basic_datagram_socket(Context& context, const protocol_type& protocol,
                        const native_handle_type& socket)
      : Base(executor_type(context.get_executor()), protocol, socket) {}

  basic_datagram_socket(basic_datagram_socket&&) noexcept = default;
  basic_datagram_socket& operator=(basic_datagram_socket&&) = default;
  template <class OtherExecutor>
  requires std::convertible_to<OtherExecutor, Executor> basic_datagram_socket(
      basic_datagram_socket<Protocol, OtherExecutor>&& other)
      : Base(std::move(other)) {}
  ~basic_datagram_socket() = default;

  // --- sending: to the connected peer, or to anybody -------------------------
  template <class ConstBufferSequence>
  std::size_t send(const ConstBufferSequence& buffers, message_flags flags = 0) {
    return throwing("send", [&](error_code& ec) { return send(buffers, flags, ec); });
  }
  template <class ConstBufferSequence>
  std::size_t send(const ConstBufferSequence& buffers, message_flags flags, error_code& ec) {
    return run_send(buffers, Remote(), flags, ec);
  }
  template <class ConstBufferSequence>
  std::size_t send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                      message_flags flags = 0) {
    return throwing("send_to",
                    [&](error_code& ec) { return send_to(buffers, destination, flags, ec); });
  }
  template <class ConstBufferSequence>
  std::size_t send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                      message_flags flags, error_code& ec) {
    return run_send(buffers, naru::asio::detail::from_asio_endpoint(destination), flags, ec);
  }
  template <class ConstBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_send(const ConstBufferSequence& buffers, message_flags flags, Token&& token) {
    return start_send(buffers, Remote(), flags, token);
  }
  template <class ConstBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_send(const ConstBufferSequence& buffers, Token&& token = Token()) {
    return start_send(buffers, Remote(), 0, token);
  }
  template <class ConstBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                     message_flags flags, Token&& token) {
    return start_send(buffers, naru::asio::detail::from_asio_endpoint(destination), flags, token);
  }
  template <class ConstBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                     Token&& token = Token()) {
    return async_send_to(buffers, destination, 0, std::forward<Token>(token));
  }

  // --- receiving -------------------------------------------------------------
  template <class MutableBufferSequence>
  std::size_t receive(const MutableBufferSequence& buffers, message_flags flags = 0) {
    return throwing("receive", [&](error_code& ec) { return receive(buffers, flags, ec); });
  }
  template <class MutableBufferSequence>
  std::size_t receive(const MutableBufferSequence& buffers, message_flags flags, error_code& ec) {
    return run_receive(buffers, nullptr, flags, ec);
  }
  template <class MutableBufferSequence>
  std::size_t receive_from(const MutableBufferSequence& buffers, endpoint_type& sender,
                           message_flags flags = 0) {
    return throwing("receive_from",
                    [&](error_code& ec) { return receive_from(buffers, sender, flags, ec); });
  }
  template <class MutableBufferSequence>
  std::size_t receive_from(const MutableBufferSequence& buffers, endpoint_type& sender,
                           message_flags flags, error_code& ec) {
    return run_receive(buffers, &sender, flags, ec);
  }
  template <class MutableBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_receive(const MutableBufferSequence& buffers, message_flags flags, Token&& token) {
    return start_receive(buffers, nullptr, flags, token);
  }
  template <class MutableBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_receive(const MutableBufferSequence& buffers, Token&& token = Token()) {
    return start_receive(buffers, nullptr, 0, token);
  }
  template <class MutableBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_receive_from(const MutableBufferSequence& buffers, endpoint_type& sender,
                          message_flags flags, Token&& token) {
    return start_receive(buffers, &sender, flags, token);
  }
  template <class MutableBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_receive_from(const MutableBufferSequence& buffers, endpoint_type& sender,
                          Token&& token = Token()) {
    return start_receive(buffers, &sender, 0, token);
  }

 private:
  template <class Buffers>
  using SendDatagram = naru::asio::detail::SendDatagram<Buffers>;
  template <class Buffers>
  using ReceiveDatagram = naru::asio::detail::ReceiveDatagram<Buffers, endpoint_type>;

  template <class F>
  std::size_t throwing(const char* what, const F& f) {
    error_code ec;
    const std::size_t n = f(ec);
    naru::asio::detail::throw_error(ec, what);
    return n;
  }
  template <class Attempt>
  std::size_t run(Attempt attempt, error_code& ec) {
    this->impl_.run(attempt);
    ec = attempt.ec;
    return attempt.bytes;
  }
  template <class Buffers>
  std::size_t run_send(const Buffers& buffers, const Remote& remote, message_flags flags,
                       error_code& ec) {
    return run(SendDatagram<Buffers>(buffers, remote, flags), ec);
  }
  template <class Buffers>
  std::size_t run_receive(const Buffers& buffers, endpoint_type* sender, message_flags flags,
                          error_code& ec) {
    return run(ReceiveDatagram<Buffers>(buffers, sender, flags), ec);
  }
  template <class Buffers, class Token>
  auto start_send(const Buffers& buffers, const Remote& remote, message_flags flags, Token& token) {
    return this->impl_.template start<TransferSignature>(
        &naru::asio::detail::SocketState::writers, SendDatagram<Buffers>(buffers, remote, flags),
        token);
  }
  template <class Buffers, class Token>
  auto start_receive(const Buffers& buffers, endpoint_type* sender, message_flags flags,
                     Token& token) {
    return this->impl_.template start<TransferSignature>(
        &naru::asio::detail::SocketState::readers, ReceiveDatagram<Buffers>(buffers, sender, flags),
        token);
  }
};
