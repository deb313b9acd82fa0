// boost::asio::basic_stream_socket for naru's TCP.
#pragma once

#include <naru/asio/basic_socket.hpp>

template <naru::asio::StackProtocol Protocol, class Executor>
class boost::asio::basic_stream_socket<Protocol, Executor>
    : public boost::asio::basic_socket<Protocol, Executor> {
  using Base = basic_socket<Protocol, Executor>;
  using error_code = boost::system::error_code;
  using TransferSignature = void(error_code, std::size_t);

 public:
  using typename Base::endpoint_type;
  using typename Base::executor_type;
  using typename Base::native_handle_type;
  using typename Base::protocol_type;
  using message_flags = socket_base::message_flags;
  template <class OtherExecutor>
  struct rebind_executor {
    using other = basic_stream_socket<Protocol, OtherExecutor>;
  };

  // On an executor or on a context: closed, open, bound, or an existing socket.
  explicit basic_stream_socket(const executor_type& executor) : Base(executor) {}
  basic_stream_socket(const executor_type& executor, const protocol_type& protocol)
      : Base(executor, protocol) {}
  basic_stream_socket(const executor_type& executor, const endpoint_type& endpoint)
      : Base(executor, endpoint) {}
  basic_stream_socket(const executor_type& executor, const protocol_type& protocol,
                      const native_handle_type& socket)
      : Base(executor, protocol, socket) {}
  template <naru::asio::ExecutionContext Context>
  explicit basic_stream_socket(Context& context) : Base(executor_type(context.get_executor())) {}
  template <naru::asio::ExecutionContext Context>
  basic_stream_socket(Context& context, const protocol_type& protocol)
      : Base(executor_type(context.get_executor()), protocol) {}
  template <naru::asio::ExecutionContext Context>
  basic_stream_socket(Context& context, const endpoint_type& endpoint)
      : Base(executor_type(context.get_executor()), endpoint) {}
  template <naru::asio::ExecutionContext Context>
  basic_stream_socket(Context& context, const protocol_type& protocol,
                      const native_handle_type& socket)
      : Base(executor_type(context.get_executor()), protocol, socket) {}

  basic_stream_socket(basic_stream_socket&&) noexcept = default;
  basic_stream_socket& operator=(basic_stream_socket&&) = default;
  // To a socket whose executor is more general.
  template <class OtherExecutor>
  requires std::convertible_to<OtherExecutor, Executor> basic_stream_socket(
      basic_stream_socket<Protocol, OtherExecutor>&& other)
      : Base(std::move(other)) {}
  template <class OtherExecutor>
  requires std::convertible_to<OtherExecutor, Executor> basic_stream_socket& operator=(
      basic_stream_socket<Protocol, OtherExecutor>&& other) {
    return *this = basic_stream_socket(std::move(other));
  }
  ~basic_stream_socket() = default;

  // --- sending ---------------------------------------------------------------
  template <class ConstBufferSequence>
  std::size_t send(const ConstBufferSequence& buffers, message_flags flags = 0) {
    error_code ec;
    const std::size_t n = send(buffers, flags, ec);
    naru::asio::detail::throw_error(ec, "send");
    return n;
  }
  template <class ConstBufferSequence>
  std::size_t send(const ConstBufferSequence& buffers, message_flags flags, error_code& ec) {
    naru::asio::detail::Send<ConstBufferSequence> attempt(buffers, flags);
    this->impl_.run(attempt);
    ec = attempt.ec;
    return attempt.bytes;
  }
  template <class ConstBufferSequence>
  std::size_t write_some(const ConstBufferSequence& buffers) {
    return send(buffers);
  }
  template <class ConstBufferSequence>
  std::size_t write_some(const ConstBufferSequence& buffers, error_code& ec) {
    return send(buffers, 0, ec);
  }
  template <class ConstBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_send(const ConstBufferSequence& buffers, message_flags flags, Token&& token) {
    return this->impl_.template start<TransferSignature>(
        &naru::asio::detail::SocketState::writers,
        naru::asio::detail::Send<ConstBufferSequence>(buffers, flags), token);
  }
  template <class ConstBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_send(const ConstBufferSequence& buffers, Token&& token = Token()) {
    return async_send(buffers, 0, std::forward<Token>(token));
  }
  template <class ConstBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_write_some(const ConstBufferSequence& buffers, Token&& token = Token()) {
    return async_send(buffers, 0, std::forward<Token>(token));
  }

  // --- receiving -------------------------------------------------------------
  // The end of the stream is boost::asio::error::eof.
  template <class MutableBufferSequence>
  std::size_t receive(const MutableBufferSequence& buffers, message_flags flags = 0) {
    error_code ec;
    const std::size_t n = receive(buffers, flags, ec);
    naru::asio::detail::throw_error(ec, "receive");
    return n;
  }
  template <class MutableBufferSequence>
  std::size_t receive(const MutableBufferSequence& buffers, message_flags flags, error_code& ec) {
    naru::asio::detail::Receive<MutableBufferSequence> attempt(buffers, flags);
    this->impl_.run(attempt);
    ec = attempt.ec;
    return attempt.bytes;
  }
  template <class MutableBufferSequence>
  std::size_t read_some(const MutableBufferSequence& buffers) {
    return receive(buffers);
  }
  template <class MutableBufferSequence>
  std::size_t read_some(const MutableBufferSequence& buffers, error_code& ec) {
    return receive(buffers, 0, ec);
  }
  template <class MutableBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_receive(const MutableBufferSequence& buffers, message_flags flags, Token&& token) {
    return this->impl_.template start<TransferSignature>(
        &naru::asio::detail::SocketState::readers,
        naru::asio::detail::Receive<MutableBufferSequence>(buffers, flags), token);
  }
  template <class MutableBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_receive(const MutableBufferSequence& buffers, Token&& token = Token()) {
    return async_receive(buffers, 0, std::forward<Token>(token));
  }
  template <class MutableBufferSequence, class Token = default_completion_token_t<executor_type>>
  auto async_read_some(const MutableBufferSequence& buffers, Token&& token = Token()) {
    return async_receive(buffers, 0, std::forward<Token>(token));
  }
};
