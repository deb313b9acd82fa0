// boost::asio::basic_socket_acceptor for naru's TCP.
#pragma once

#include <naru/asio/basic_stream_socket.hpp>

namespace naru::asio::detail {

// A socket that was accepted and has no owner yet.
class FreshSocket {
 public:
  explicit FreshSocket(StackService& service) : service_(&service) {}
  FreshSocket(FreshSocket&& other) noexcept
      : service_(other.service_), socket_(std::exchange(other.socket_, SocketId{})) {}
  ~FreshSocket() {
    if (!socket_) return;
    service_->with_stack([&](Stack& stack) { return stack.close(socket_); });
  }

  void hold(SocketId socket) { socket_ = socket; }
  SocketId take() { return std::exchange(socket_, SocketId{}); }

 private:
  StackService* service_;
  SocketId socket_;
};

template <class AsioEndpoint>
struct Accept : Attempt {
  using Protocol = typename AsioEndpoint::protocol_type;

  Accept(StackService& service, AsioEndpoint* e) : socket(service), endpoint(e) {}

  bool operator()(Stack& stack, SocketId listener) {
    const auto accepted = stack.accept(listener);
    if (!accepted) return ends_with(accepted.error());
    socket.hold(accepted->socket);
    protocol = accepted->peer.addr.is_v4() ? Protocol::v4() : Protocol::v6();
    if (endpoint != nullptr) *endpoint = to_asio_endpoint<AsioEndpoint>(accepted->peer, protocol);
    return true;
  }

  FreshSocket socket;
  AsioEndpoint* endpoint;  // may be nullptr
  Protocol protocol = Protocol::v4();
};

// Into a socket that the user has.
template <class AsioEndpoint, class Peer>
struct AcceptInto : Accept<AsioEndpoint> {
  AcceptInto(StackService& service, AsioEndpoint* endpoint, Peer& p)
      : Accept<AsioEndpoint>(service, endpoint), peer(&p) {}

  std::tuple<error_code> results() {
    if (!this->ec) peer->assign(this->protocol, this->socket.take(), this->ec);
    return {this->ec};
  }

  Peer* peer;
};

// Into a new socket on `executor`.
template <class AsioEndpoint, class Peer>
struct AcceptNew : Accept<AsioEndpoint> {
  using Executor = typename Peer::executor_type;

  AcceptNew(StackService& service, AsioEndpoint* endpoint, const Executor& e)
      : Accept<AsioEndpoint>(service, endpoint), executor(e) {}

  std::tuple<error_code, Peer> results() {
    Peer peer(executor);
    if (!this->ec) peer.assign(this->protocol, this->socket.take(), this->ec);
    return {this->ec, std::move(peer)};
  }

  Executor executor;
};

}  // namespace naru::asio::detail

template <naru::asio::StackProtocol Protocol, class Executor>
class boost::asio::basic_socket_acceptor<Protocol, Executor>
    : public naru::asio::detail::SocketBase<Protocol, Executor> {
  using Base = naru::asio::detail::SocketBase<Protocol, Executor>;
  using error_code = boost::system::error_code;
  // The socket that a call without a peer object makes.
  template <class PeerExecutor>
  using NewPeer = typename Protocol::socket::template rebind_executor<PeerExecutor>::other;

 public:
  using typename Base::endpoint_type;
  using typename Base::executor_type;
  using typename Base::native_handle_type;
  using typename Base::protocol_type;
  template <class OtherExecutor>
  struct rebind_executor {
    using other = basic_socket_acceptor<Protocol, OtherExecutor>;
  };

  // On an executor or on a context: closed, open, listening, or an existing socket.
  explicit basic_socket_acceptor(const executor_type& executor) : Base(executor) {}
  basic_socket_acceptor(const executor_type& executor, const protocol_type& protocol)
      : Base(executor) {
    this->open(protocol);
  }
  basic_socket_acceptor(const executor_type& executor, const endpoint_type& endpoint,
                        bool reuse_addr = true)
      : Base(executor) {
    this->open(endpoint.protocol());
    if (reuse_addr) this->set_option(socket_base::reuse_address(true));
    this->bind(endpoint);
    listen();
  }
  basic_socket_acceptor(const executor_type& executor, const protocol_type& protocol,
                        const native_handle_type& socket)
      : Base(executor) {
    this->assign(protocol, socket);
  }
  template <naru::asio::ExecutionContext Context>
  explicit basic_socket_acceptor(Context& context)
      : basic_socket_acceptor(executor_type(context.get_executor())) {}
  template <naru::asio::ExecutionContext Context>
  basic_socket_acceptor(Context& context, const protocol_type& protocol)
      : basic_socket_acceptor(executor_type(context.get_executor()), protocol) {}
  template <naru::asio::ExecutionContext Context>
  basic_socket_acceptor(Context& context, const endpoint_type& endpoint, bool reuse_addr = true)
      : basic_socket_acceptor(executor_type(context.get_executor()), endpoint, reuse_addr) {}
  template <naru::asio::ExecutionContext Context>
  basic_socket_acceptor(Context& context, const protocol_type& protocol,
                        const native_handle_type& socket)
      : basic_socket_acceptor(executor_type(context.get_executor()), protocol, socket) {}

  basic_socket_acceptor(basic_socket_acceptor&&) noexcept = default;
  basic_socket_acceptor& operator=(basic_socket_acceptor&&) = default;
  template <class OtherExecutor>
  requires std::convertible_to<OtherExecutor, Executor> basic_socket_acceptor(
      basic_socket_acceptor<Protocol, OtherExecutor>&& other)
      : Base(std::move(other)) {}
  ~basic_socket_acceptor() = default;

  void listen(int backlog = socket_base::max_listen_connections) {
    error_code ec;
    naru::asio::detail::throw_error(listen(backlog, ec), "listen");
  }
  error_code listen(int backlog, error_code& ec) {
    return ec = this->impl_.call([&](naru::Stack& stack, naru::SocketId id) {
      return naru::asio::detail::to_error_code(stack.listen(id, backlog));
    });
  }

  // --- waiting for a connection ----------------------------------------------
  template <class PeerExecutor>
  void accept(basic_socket<Protocol, PeerExecutor>& peer) {
    error_code ec;
    naru::asio::detail::throw_error(accept(peer, ec), "accept");
  }
  template <class PeerExecutor>
  error_code accept(basic_socket<Protocol, PeerExecutor>& peer, error_code& ec) {
    return ec = run_into(peer, nullptr);
  }
  template <class PeerExecutor>
  void accept(basic_socket<Protocol, PeerExecutor>& peer, endpoint_type& endpoint) {
    error_code ec;
    naru::asio::detail::throw_error(accept(peer, endpoint, ec), "accept");
  }
  template <class PeerExecutor>
  error_code accept(basic_socket<Protocol, PeerExecutor>& peer, endpoint_type& endpoint,
                    error_code& ec) {
    return ec = run_into(peer, &endpoint);
  }
  NewPeer<executor_type> accept() {
    error_code ec;
    auto peer = accept(ec);
    naru::asio::detail::throw_error(ec, "accept");
    return peer;
  }
  NewPeer<executor_type> accept(error_code& ec) {
    auto attempt = accept_new(this->get_executor(), nullptr);
    this->impl_.run(attempt);
    auto results = attempt.results();
    ec = std::get<0>(results);
    return std::move(std::get<1>(results));
  }

  // --- asynchronously, into a socket that the user has ------------------------
  template <class PeerExecutor, class Token = default_completion_token_t<executor_type>>
  auto async_accept(basic_socket<Protocol, PeerExecutor>& peer, Token&& token = Token()) {
    return this->impl_.template start<void(error_code)>(kQueue, accept_into(peer, nullptr), token);
  }
  template <class PeerExecutor, class Token = default_completion_token_t<executor_type>>
  auto async_accept(basic_socket<Protocol, PeerExecutor>& peer, endpoint_type& endpoint,
                    Token&& token = Token()) {
    return this->impl_.template start<void(error_code)>(kQueue, accept_into(peer, &endpoint),
                                                        token);
  }

  // --- asynchronously, into a new socket: on this executor, on another's, on a context's
  template <class Token = default_completion_token_t<executor_type>>
  auto async_accept(Token&& token = Token()) {
    return start_new(this->get_executor(), nullptr, token);
  }
  template <class Token = default_completion_token_t<executor_type>>
  auto async_accept(endpoint_type& endpoint, Token&& token = Token()) {
    return start_new(this->get_executor(), &endpoint, token);
  }
  template <naru::asio::AnyExecutor PeerExecutor,
            class Token = default_completion_token_t<executor_type>>
  auto async_accept(const PeerExecutor& executor, Token&& token = Token()) {
    return start_new(executor, nullptr, token);
  }
  template <naru::asio::AnyExecutor PeerExecutor,
            class Token = default_completion_token_t<executor_type>>
  auto async_accept(const PeerExecutor& executor, endpoint_type& endpoint,
                    Token&& token = Token()) {
    return start_new(executor, &endpoint, token);
  }
  template <naru::asio::ExecutionContext Context,
            class Token = default_completion_token_t<executor_type>>
  auto async_accept(Context& context, Token&& token = Token()) {
    return start_new(context.get_executor(), nullptr, token);
  }
  template <naru::asio::ExecutionContext Context,
            class Token = default_completion_token_t<executor_type>>
  auto async_accept(Context& context, endpoint_type& endpoint, Token&& token = Token()) {
    return start_new(context.get_executor(), &endpoint, token);
  }

 private:
  static constexpr auto kQueue = &naru::asio::detail::SocketState::readers;

  template <class Peer>
  auto accept_into(Peer& peer, endpoint_type* endpoint) {
    return naru::asio::detail::AcceptInto<endpoint_type, Peer>(this->impl_.service(), endpoint,
                                                               peer);
  }
  template <class PeerExecutor>
  auto accept_new(const PeerExecutor& executor, endpoint_type* endpoint) {
    return naru::asio::detail::AcceptNew<endpoint_type, NewPeer<PeerExecutor>>(
        this->impl_.service(), endpoint, executor);
  }
  template <class Peer>
  error_code run_into(Peer& peer, endpoint_type* endpoint) {
    if (peer.is_open()) return boost::asio::error::already_open;
    auto attempt = accept_into(peer, endpoint);
    this->impl_.run(attempt);
    return std::get<0>(attempt.results());
  }
  template <class PeerExecutor, class Token>
  auto start_new(const PeerExecutor& executor, endpoint_type* endpoint, Token& token) {
    return this->impl_.template start<void(error_code, NewPeer<PeerExecutor>)>(
        kQueue, accept_new(executor, endpoint), token);
  }
};
