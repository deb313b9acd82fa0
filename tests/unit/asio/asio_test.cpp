// naru's sockets under Asio: the behaviour that programs rely on.
#include <netinet/tcp.h>
#include <thread>

#include <boost/asio.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <naru/asio.hpp>

namespace naru {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::use_awaitable;
using tcp = ip::tcp;
using udp = ip::udp;

struct StackContext : net::io_context {
  explicit StackContext(Host& host) { asio::use_stack(*this, host); }
};

class AsioTest : public testing::Test {
 protected:
  // A connection of the host with itself.
  void connect() {
    acceptor.async_accept(server, [](const error_code& ec) { ASSERT_FALSE(ec); });
    client.async_connect(acceptor.local_endpoint(), [](const error_code& ec) { ASSERT_FALSE(ec); });
    run();
    ASSERT_TRUE(server.is_open());
  }
  // Until nothing is left to do; a bound, so that a hang fails.
  void run() {
    context.restart();
    context.run_for(std::chrono::seconds(20));
    EXPECT_TRUE(context.stopped()) << "something waits for ever";
  }
  // Runs the coroutine to its end.
  void run(net::awaitable<void> coroutine) {
    bool ended = false;
    net::co_spawn(context, std::move(coroutine), [&](const std::exception_ptr& error) {
      ended = true;
      if (error) std::rethrow_exception(error);
    });
    run();
    EXPECT_TRUE(ended);
  }

  std::unique_ptr<Host> host = Host::create({}).value();
  StackContext context{*host};
  tcp::acceptor acceptor{context, {ip::make_address("127.0.0.1"), 0}};
  tcp::socket client{context};
  tcp::socket server{context};
  std::string in = std::string(1'000'000, '\0');
};

// --- contexts ------------------------------------------------------------------

TEST(AsioContext, WithoutAStackHasNoSockets) {
  net::io_context context;
  EXPECT_THROW(tcp::socket{context}, boost::system::system_error);
}

TEST(AsioContext, HasOneStack) {
  const auto host = Host::create({}).value();
  StackContext context(*host);
  EXPECT_THROW(asio::use_stack(context, *host), std::logic_error);
}

TEST(AsioContext, EndsRunWhenNobodyWaits) {
  const auto host = Host::create({}).value();
  StackContext context(*host);
  context.run();
  EXPECT_TRUE(context.stopped());
}

TEST(AsioContext, MayGoWhileOperationsWait) {
  const auto host = Host::create({}).value();
  auto context = std::make_unique<StackContext>(*host);
  auto acceptor = std::make_shared<tcp::acceptor>(*context, tcp::endpoint(tcp::v4(), 80));
  acceptor->async_accept([acceptor](const error_code&, const tcp::socket&) { FAIL(); });
  context->poll();
  acceptor.reset();
  context.reset();
}

// --- connecting ----------------------------------------------------------------

TEST_F(AsioTest, ConnectAndAcceptFindTheirEndpoints) {
  connect();
  EXPECT_EQ(client.local_endpoint(), server.remote_endpoint());
  EXPECT_EQ(client.remote_endpoint(), server.local_endpoint());
  EXPECT_EQ(client.remote_endpoint(), acceptor.local_endpoint());
  EXPECT_EQ(client.remote_endpoint().address(), net::ip::make_address("127.0.0.1"));
}

TEST_F(AsioTest, AcceptGivesANewSocket) {
  tcp::endpoint peer;
  tcp::socket accepted(context);
  acceptor.async_accept(peer, [&](const error_code& ec, tcp::socket socket) {
    ASSERT_FALSE(ec);
    accepted = std::move(socket);
  });
  client.async_connect(acceptor.local_endpoint(), [](const error_code&) {});
  run();
  EXPECT_EQ(peer, client.local_endpoint());
  EXPECT_EQ(accepted.remote_endpoint(), peer);
}

TEST_F(AsioTest, AcceptOnAnotherExecutor) {
  auto strand = net::make_strand(context);
  using OnStrand = net::basic_stream_socket<tcp, net::strand<net::io_context::executor_type>>;
  bool called = false;
  acceptor.async_accept(strand, [&](const error_code& ec, OnStrand socket) {
    called = !ec && socket.get_executor() == strand;
    tcp::socket general(std::move(socket));  // to the type-erased executor
    EXPECT_TRUE(general.is_open());
  });
  client.async_connect(acceptor.local_endpoint(), [](const error_code&) {});
  run();
  EXPECT_TRUE(called);
}

TEST_F(AsioTest, ConnectToNobodyIsRefused) {
  error_code result;
  client.async_connect({ip::make_address("127.0.0.1"), 1},
                       [&](const error_code& ec) { result = ec; });
  run();
  EXPECT_EQ(result, net::error::connection_refused);
}

TEST_F(AsioTest, FreeFunctionConnectTriesEachEndpoint) {
  const std::vector<tcp::endpoint> endpoints{{ip::make_address("127.0.0.1"), 1},
                                             acceptor.local_endpoint()};
  run([&]() -> net::awaitable<void> {
    const auto reached = co_await net::async_connect(client, endpoints, use_awaitable);
    EXPECT_EQ(reached, acceptor.local_endpoint());
  }());
}

TEST_F(AsioTest, TwoListenersOfOnePort) {
  tcp::acceptor second(context, tcp::v4());
  error_code ec;
  second.bind(acceptor.local_endpoint(), ec);
  if (!ec) second.listen(5, ec);
  EXPECT_EQ(ec, net::error::address_in_use);
}

// --- handlers --------------------------------------------------------------------

TEST_F(AsioTest, HandlersAreNotCalledFromTheInitiatingFunction) {
  connect();
  bool called = false;
  client.async_write_some(net::buffer("x", 1), [&](const error_code&, std::size_t n) {
    called = true;
    EXPECT_EQ(n, 1U);
  });
  EXPECT_FALSE(called);
  run();
  EXPECT_TRUE(called);
}

TEST_F(AsioTest, HandlersRunOnTheirExecutor) {
  connect();
  auto strand = net::make_strand(context);
  bool inside = false;
  server.async_read_some(net::buffer(in),
                         net::bind_executor(strand, [&](const error_code&, std::size_t) {
                           inside = strand.running_in_this_thread();
                         }));
  client.send(net::buffer("x", 1));
  run();
  EXPECT_TRUE(inside);
}

template <class T>
struct CountingAllocator {
  using value_type = T;
  explicit CountingAllocator(int* c) : count(c) {}
  template <class U>
  CountingAllocator(const CountingAllocator<U>& other) : count(other.count) {}
  T* allocate(std::size_t n) {
    ++*count;
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) {
    --*count;
    std::allocator<T>().deallocate(p, n);
  }
  friend bool operator==(const CountingAllocator&, const CountingAllocator&) = default;
  int* count;
};

TEST_F(AsioTest, OperationsUseTheHandlersAllocator) {
  connect();
  int live = 0;
  bool freed_before_the_call = false;
  server.async_read_some(net::buffer(in), net::bind_allocator(CountingAllocator<char>(&live),
                                                              [&](const error_code&, std::size_t) {
                                                                freed_before_the_call = live == 0;
                                                              }));
  EXPECT_EQ(live, 1);
  client.send(net::buffer("x", 1));
  run();
  EXPECT_TRUE(freed_before_the_call);
}

TEST_F(AsioTest, AHandlerThatThrowsLosesNoOther) {
  connect();
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    client.async_write_some(net::buffer("x", 1), [&](const error_code&, std::size_t) {
      if (++calls == 1) throw std::runtime_error("thrown");
    });
  }
  context.restart();
  EXPECT_THROW(context.run(), std::runtime_error);
  context.run();
  EXPECT_EQ(calls, 3);
}

// --- cancelling ------------------------------------------------------------------

TEST_F(AsioTest, CancelAndCloseAbortWhatWaits) {
  connect();
  std::vector<error_code> results;
  const auto note = [&](const error_code& ec, std::size_t) { results.push_back(ec); };
  server.async_read_some(net::buffer(in), note);
  server.async_read_some(net::buffer(in), note);
  server.cancel();
  run();
  server.async_read_some(net::buffer(in), note);
  server.close();
  server.async_read_some(net::buffer(in), note);
  EXPECT_FALSE(server.is_open());
  run();
  EXPECT_THAT(results,
              testing::ElementsAre(net::error::operation_aborted, net::error::operation_aborted,
                                   net::error::operation_aborted, net::error::bad_descriptor));
}

TEST_F(AsioTest, ACancellationSlotEndsItsOperationAlone) {
  connect();
  net::cancellation_signal signal;
  std::vector<error_code> results(2);
  server.async_read_some(
      net::buffer(in),
      net::bind_cancellation_slot(signal.slot(),
                                  [&](const error_code& ec, std::size_t) { results[0] = ec; }));
  server.async_read_some(net::buffer(in), [&](const error_code& ec, std::size_t n) {
    results[1] = ec;
    EXPECT_EQ(n, 1U);
  });
  signal.emit(net::cancellation_type::terminal);
  client.send(net::buffer("x", 1));
  run();
  EXPECT_EQ(results[0], net::error::operation_aborted);
  EXPECT_EQ(results[1], error_code());
  signal.emit(net::cancellation_type::terminal);  // nobody is there any more
}

TEST_F(AsioTest, DestroyedSocketsAbortWhatWaits) {
  connect();
  error_code result;
  {
    const tcp::socket gone = std::move(server);
    const_cast<tcp::socket&>(gone).async_read_some(
        net::buffer(in), [&](const error_code& ec, std::size_t) { result = ec; });
  }
  run();
  EXPECT_EQ(result, net::error::operation_aborted);
}

// --- data --------------------------------------------------------------------------

TEST_F(AsioTest, CarriesMuchDataInManyBuffers) {
  connect();
  std::string out(8'000'000, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(i * 7 + (i >> 10U));
  in.resize(out.size());
  const std::array<net::const_buffer, 4> pieces{
      net::buffer(out.data(), 3), net::buffer(out.data() + 3, 5000), net::buffer(out.data(), 0),
      net::buffer(out.data() + 5003, out.size() - 5003)};
  net::async_write(client, pieces, [&](const error_code& ec, std::size_t n) {
    EXPECT_FALSE(ec);
    EXPECT_EQ(n, out.size());
    client.shutdown(tcp::socket::shutdown_send);
  });
  error_code end;
  net::async_read(server, net::buffer(in), [&](const error_code& ec, std::size_t n) {
    EXPECT_FALSE(ec);
    EXPECT_EQ(n, in.size());
    server.async_read_some(net::buffer(in.data(), 1),
                           [&](const error_code& last, std::size_t) { end = last; });
  });
  run();
  EXPECT_TRUE(in == out);
  EXPECT_EQ(end, net::error::eof);
}

TEST_F(AsioTest, WhatWasSentIsDeliveredAfterClose) {
  connect();
  std::size_t received = 0;
  net::async_read(server, net::buffer(in), [&](const error_code&, std::size_t n) { received = n; });
  const std::string out(300'000, 'x');
  net::async_write(client, net::buffer(out),
                   [&](const error_code&, std::size_t) { client.close(); });
  run();
  EXPECT_EQ(received, 300'000U);
}

TEST_F(AsioTest, AReadOfNothingEndsAtOnce) {
  connect();
  std::optional<error_code> result;
  server.async_read_some(net::mutable_buffer(),
                         [&](const error_code& ec, std::size_t) { result = ec; });
  run();
  EXPECT_EQ(result, error_code());
}

TEST_F(AsioTest, AsyncWaitTellsReadiness) {
  connect();
  std::string order;
  server.async_wait(tcp::socket::wait_read, [&](const error_code&) { order += "read"; });
  client.async_wait(tcp::socket::wait_write, [&](const error_code&) {
    order += "write,";
    client.send(net::buffer("abc", 3));
  });
  run();
  EXPECT_EQ(order, "write,read");
  EXPECT_EQ(server.available(), 3U);
  net::socket_base::bytes_readable readable;
  server.io_control(readable);
  EXPECT_EQ(readable.get(), 3U);
}

TEST_F(AsioTest, SynchronousCalls) {
  client.connect(acceptor.local_endpoint());
  acceptor.accept(server);
  EXPECT_EQ(net::write(client, net::buffer("hello", 5)), 5U);
  EXPECT_EQ(net::read(server, net::buffer(in, 5)), 5U);
  EXPECT_EQ(in.substr(0, 5), "hello");
  client.shutdown(tcp::socket::shutdown_both);
  error_code ec;
  EXPECT_EQ(server.read_some(net::buffer(in), ec), 0U);
  EXPECT_EQ(ec, net::error::eof);
  EXPECT_THROW(server.read_some(net::buffer(in)), boost::system::system_error);
}

TEST_F(AsioTest, NonBlockingCallsSayThatTheyWouldBlock) {
  connect();
  server.non_blocking(true);
  error_code ec;
  server.read_some(net::buffer(in), ec);
  EXPECT_EQ(ec, net::error::would_block);
  acceptor.non_blocking(true);
  const tcp::socket nobody = acceptor.accept(ec);
  EXPECT_EQ(ec, net::error::would_block);
  EXPECT_FALSE(nobody.is_open());
}

TEST_F(AsioTest, AResetIsAnError) {
  connect();
  error_code result;
  server.async_read_some(net::buffer(in), [&](const error_code& ec, std::size_t) { result = ec; });
  client.set_option(net::socket_base::linger(true, 0));
  client.close();
  run();
  EXPECT_EQ(result, net::error::connection_reset);
}

// --- options -----------------------------------------------------------------------

TEST_F(AsioTest, OptionsAreSetAndRead) {
  connect();
  tcp::no_delay no_delay(true);
  client.set_option(no_delay);
  client.get_option(no_delay = tcp::no_delay(false));
  EXPECT_TRUE(no_delay.value());
  client.set_option(net::socket_base::send_buffer_size(50'000));
  net::socket_base::send_buffer_size size;
  client.get_option(size);
  EXPECT_EQ(size.value(), 50'000);
  client.set_option(net::socket_base::linger(true, 7));
  net::socket_base::linger linger;
  client.get_option(linger);
  EXPECT_TRUE(linger.enabled());
  EXPECT_EQ(linger.timeout(), 7);
  client.set_option(net::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>(30));
  client.set_option(net::ip::unicast::hops(9));
  error_code ec;
  client.set_option(net::socket_base::do_not_route(true), ec);
  EXPECT_EQ(ec, net::error::no_protocol_option);
}

// --- udp ---------------------------------------------------------------------------

TEST_F(AsioTest, Datagrams) {
  udp::socket asker(context, udp::endpoint(ip::make_address("127.0.0.1"), 0));
  udp::socket answerer(context, udp::endpoint(ip::make_address("127.0.0.1"), 53));
  std::array<char, 100> question{};
  std::array<char, 100> answer{};
  udp::endpoint from;
  run([&]() -> net::awaitable<void> {
    const std::array<net::const_buffer, 2> parts{net::buffer("na", 2), net::buffer("me?", 3)};
    co_await asker.async_send_to(parts, answerer.local_endpoint(), use_awaitable);
    const std::size_t n =
        co_await answerer.async_receive_from(net::buffer(question), from, use_awaitable);
    EXPECT_EQ(std::string(question.data(), n), "name?");
    EXPECT_EQ(from, asker.local_endpoint());
    co_await asker.async_connect(answerer.local_endpoint(), use_awaitable);
    answerer.send_to(net::buffer("yes", 3), from);
    EXPECT_EQ(co_await asker.async_receive(net::buffer(answer), use_awaitable), 3U);
  }());
}

// --- threads -----------------------------------------------------------------------

TEST_F(AsioTest, SeveralThreadsRunTheContext) {
  constexpr int kConnections = 20;
  constexpr int kRounds = 50;
  std::atomic<int> rounds = 0;
  const auto echo = [](tcp::socket socket) -> net::awaitable<void> {
    std::array<char, 64> room{};
    for (error_code ec; !ec;) {
      const std::size_t n = co_await socket.async_read_some(net::buffer(room),
                                                            net::redirect_error(use_awaitable, ec));
      if (!ec) co_await net::async_write(socket, net::buffer(room, n), use_awaitable);
    }
  };
  const auto ask = [&]() -> net::awaitable<void> {
    tcp::socket socket(context);
    co_await socket.async_connect(acceptor.local_endpoint(), use_awaitable);
    std::array<char, 64> room{};
    for (int i = 0; i < kRounds; ++i) {
      co_await net::async_write(socket, net::buffer(room), use_awaitable);
      co_await net::async_read(socket, net::buffer(room), use_awaitable);
      ++rounds;
    }
  };
  net::co_spawn(
      context,
      [&]() -> net::awaitable<void> {
        for (int i = 0; i < kConnections; ++i) {
          auto socket = co_await acceptor.async_accept(use_awaitable);
          net::co_spawn(net::make_strand(context), echo(std::move(socket)), net::detached);
        }
      },
      net::detached);
  for (int i = 0; i < kConnections; ++i) {
    net::co_spawn(net::make_strand(context), ask(), net::detached);
  }
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { context.run_for(std::chrono::seconds(20)); });
  }
  threads.clear();
  EXPECT_EQ(rounds, kConnections * kRounds);
}

}  // namespace
}  // namespace naru
