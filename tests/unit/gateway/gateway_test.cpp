// A gateway in a process of its own, a program on the lan in another, and clients of
// the kernel's sockets.
#include "gateway/gateway.hpp"

#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <naru/asio.hpp>

#include "gateway/client.hpp"

namespace naru::gateway {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::redirect_error;
using net::use_awaitable;

constexpr std::uint16_t kEchoPort = 7;     // sends back what comes, and ends when it ends
constexpr std::uint16_t kResetPort = 666;  // resets what connects
constexpr std::uint16_t kSlowPort = 999;   // never reads

// --- the program on the lan ------------------------------------------------------------

net::awaitable<void> echo(ip::tcp::socket socket) {
  std::vector<char> block(16 * 1024);
  error_code ec;
  for (;;) {
    const std::size_t n =
        co_await socket.async_read_some(net::buffer(block), redirect_error(use_awaitable, ec));
    if (ec) co_return;
    co_await net::async_write(socket, net::buffer(block.data(), n),
                              redirect_error(use_awaitable, ec));
    if (ec) co_return;
  }
}

net::awaitable<void> serve(net::io_context& context, std::uint16_t port) {
  ip::tcp::acceptor acceptor(context, ip::tcp::endpoint(ip::tcp::v4(), port));
  std::vector<ip::tcp::socket> kept;
  for (;;) {
    ip::tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    if (port == kEchoPort) {
      net::co_spawn(context, echo(std::move(socket)), net::detached);
    } else if (port == kResetPort) {
      socket.set_option(net::socket_base::linger(true, 0));
    } else {
      kept.push_back(std::move(socket));
    }
  }
}

net::awaitable<void> serve_datagrams(net::io_context& context) {
  ip::udp::socket socket(context, ip::udp::endpoint(ip::udp::v4(), kEchoPort));
  std::vector<char> datagram(65'535);
  for (;;) {
    ip::udp::endpoint from;
    const std::size_t n =
        co_await socket.async_receive_from(net::buffer(datagram), from, use_awaitable);
    co_await socket.async_send_to(net::buffer(datagram.data(), n), from, use_awaitable);
  }
}

void run_program(const std::string& folder, int ready) {
  link::LanOptions options;
  options.directory = folder;
  options.address = IpAddr::v4(10, 77, 0, 9);
  auto link = link::LanLink::join("lan0", options);
  auto host = Host::create({});
  if (!link || !host) return;
  const Prefix address = (*link)->address();
  if (!(*host)->add_link("eth0", std::move(*link), address)) return;
  net::io_context context(1);
  asio::use_stack(context, **host);
  for (const std::uint16_t port : {kEchoPort, kResetPort, kSlowPort}) {
    net::co_spawn(context, serve(context, port), net::detached);
  }
  net::co_spawn(context, serve_datagrams(context), net::detached);
  net::post(context, [ready] { (void)::write(ready, "", 1); });
  context.run();
}

// --- the clients -----------------------------------------------------------------------

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    std::string name = ::testing::TempDir() + "naru-gateway-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    program_ = ::fork();
    if (program_ == 0) {
      run_program(folder_, ready[1]);
      ::_exit(1);
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the program did not start";
    ::close(ready[0]);
  }
  ~GatewayTest() override {
    if (lease_ >= 0) ::close(lease_);
    ::kill(program_, SIGKILL);
    ::waitpid(program_, nullptr, 0);
    // The gateway goes by itself, with the lan's files.
    for (int i = 0; i < 300 && is_there("lan0.gateway"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_FALSE(is_there("lan0.gateway")) << "the gateway stays";
    std::error_code already_gone;
    std::filesystem::remove_all(folder_, already_gone);
  }

  bool is_there(const std::string& file) const {
    return std::filesystem::exists(folder_ + "/" + file);
  }

  // A free port of the kernel's, published for the program's.
  std::uint16_t publish(std::uint16_t port, Protocol protocol = Protocol::tcp) {
    const std::uint16_t outside = free_port(protocol);
    const auto lease = try_publish(outside, port, protocol);
    EXPECT_TRUE(lease) << lease.error().message;
    if (lease) lease_ = *lease;
    return outside;
  }
  link::OpenResult<int> try_publish(std::uint16_t outside, std::uint16_t inside,
                                    Protocol protocol = Protocol::tcp) const {
    const Publication p{
        protocol, {IpAddr::loopback_v4(), outside}, {IpAddr::v4(10, 77, 0, 9), inside}};
    return gateway::publish("lan0", folder_, {&p, 1});
  }

  static sockaddr_in kernel_address(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons(port);
    return a;
  }
  static std::uint16_t free_port(Protocol protocol) {
    const int fd = ::socket(AF_INET, protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    sockaddr_in a = kernel_address(0);
    socklen_t size = sizeof a;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&a), size), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size), 0);
    ::close(fd);
    return ntohs(a.sin_port);
  }
  // A connected socket of the kernel's that gives up after a while; -1: refused.
  static int connect(std::uint16_t port, int type = SOCK_STREAM) {
    const int fd = ::socket(AF_INET, type, 0);
    const timeval patience{30, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const sockaddr_in a = kernel_address(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0) return fd;
    ::close(fd);
    return -1;
  }
  static std::string read_all(int fd) {
    std::string all;
    char block[65'536];
    for (ssize_t n = 0; (n = ::read(fd, block, sizeof block)) > 0;) {
      all.append(block, static_cast<std::size_t>(n));
    }
    return all;
  }

  std::string folder_;
  pid_t program_ = 0;
  int lease_ = -1;
};

TEST_F(GatewayTest, CarriesBytesBothWaysAndTheEnds) {
  const int fd = connect(publish(kEchoPort));
  ASSERT_GE(fd, 0);
  std::string sent(5'000'000, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 2654435761U >> 24U);
  std::thread writer([&] {
    std::size_t done = 0;
    while (done < sent.size()) {
      const ssize_t n = ::send(fd, sent.data() + done, sent.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<std::size_t>(n);
    }
    ::shutdown(fd, SHUT_WR);
  });
  EXPECT_TRUE(read_all(fd) == sent) << "other bytes came back";
  writer.join();
  ::close(fd);
}

TEST_F(GatewayTest, CarriesResetsAndRefusals) {
  for (const std::uint16_t port : {kResetPort, std::uint16_t{4}}) {
    const int fd = connect(publish(port));
    ASSERT_GE(fd, 0);
    char byte = 0;
    EXPECT_EQ(::read(fd, &byte, 1), -1);
    EXPECT_EQ(errno, ECONNRESET) << "port " << port;
    ::close(fd);
    ::close(std::exchange(lease_, -1));
  }
}

// The program does not read: the client can send what three buffers hold, no more.
TEST_F(GatewayTest, StopsWhoSendsMoreThanTheBuffersHold) {
  const int fd = connect(publish(kSlowPort));
  ASSERT_GE(fd, 0);
  const std::string block(65'536, 'x');
  std::size_t taken = 0;
  constexpr std::size_t kFarTooMuch = 256U << 20U;
  pollfd writable{fd, POLLOUT, 0};
  while (taken < kFarTooMuch && ::poll(&writable, 1, 2000) == 1) {
    const ssize_t n = ::send(fd, block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ASSERT_GT(n, 0);
    taken += static_cast<std::size_t>(n);
  }
  EXPECT_LT(taken, kFarTooMuch / 4);
  ::close(fd);
}

TEST_F(GatewayTest, CarriesDatagrams) {
  const std::uint16_t port = publish(kEchoPort, Protocol::udp);
  const int one = connect(port, SOCK_DGRAM);
  const int other = connect(port, SOCK_DGRAM);
  // One at a time: the program's own port is not known to anybody before its first.
  for (const auto& [fd, text] : {std::pair(one, "one"), std::pair(other, "other")}) {
    ASSERT_GT(::send(fd, text, std::strlen(text), 0), 0);
    char heard[64];
    const ssize_t n = ::recv(fd, heard, sizeof heard, 0);
    ASSERT_GT(n, 0);
    EXPECT_EQ(std::string(heard, static_cast<std::size_t>(n)), text);
  }
  ::close(one);
  ::close(other);
}

TEST_F(GatewayTest, ATakenPortIsNamed) {
  const std::uint16_t port = publish(kEchoPort);
  const auto second = try_publish(port, kEchoPort);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            "127.0.0.1:" + std::to_string(port) + "/tcp: Address already in use");
}

TEST_F(GatewayTest, APortIsPublishedAsLongAsItsLease) {
  const std::uint16_t port = publish(kEchoPort);
  const int fd = connect(port);
  ASSERT_GE(fd, 0);
  ::close(std::exchange(lease_, -1));
  int later = 0;
  for (int i = 0; i < 300 && (later = connect(port)) >= 0; ++i) {
    ::close(later);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_LT(later, 0) << "still published";
  const auto again = try_publish(port, kEchoPort);
  EXPECT_TRUE(again) << again.error().message;
  if (again) lease_ = *again;
  ::close(fd);
}

}  // namespace
}  // namespace naru::gateway
