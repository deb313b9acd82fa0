// IPv6 against the kernel's own, over a tap device in a network namespace that lasts as
// long as the test's process. Skipped where that may not be made.
#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <naru/link/tap.hpp>
#include <naru/socket/clock.hpp>
#include <naru/stack/stack.hpp>

#include "dsl/bytes.hpp"
#include "dsl/checks.hpp"

extern char** environ;

namespace naru {
namespace {

using test::Buffer;
using test::stream;

constexpr Duration kPatience = 20s;

bool run(const std::string& command) {
  return std::system((command + " 2>/dev/null >/dev/null").c_str()) == 0;
}

// The stack is fd00::1, the kernel fd00::2.
class KernelIpv6 : public ::testing::Test {
 protected:
  void SetUp() override {
    const bool alone = run("ip -V") && (::unshare(CLONE_NEWNET) == 0 ||
                                        ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
    if (!alone) GTEST_SKIP() << "no network namespace of our own here";
    if (!run("test -e /proc/net/if_inet6")) GTEST_SKIP() << "the kernel has no IPv6 here";
    auto tap = link::TapLink::open("naru0");
    if (!tap) GTEST_SKIP() << tap.error().message;
    link = std::move(*tap);
    ASSERT_TRUE(run("ip link set naru0 up"));
    ASSERT_TRUE(run("ip addr add fd00::2/64 dev naru0 nodad"));
    StackConfig config;
    config.random = Random::seeded(1);
    mapping.emplace(std::move(*ArenaMapping::map_private(arena_size(config))));
    stack = std::move(*Stack::create(mapping->arena(), config, monotonic_now()));
    ASSERT_EQ(stack->add_interface("naru0", *link), 1);
    ASSERT_TRUE(stack->add_address(1, *Prefix::parse("fd00::1/64")));
  }

  // Drives the stack until `done`, or for too long.
  bool drive(const std::function<bool()>& done) {
    const Time end = monotonic_now() + kPatience;
    while (!done()) {
      if (monotonic_now() > end) return false;
      if (stack->poll(monotonic_now())) continue;
      pollfd waits{link->descriptor(), POLLIN, 0};
      (void)::poll(&waits, 1, 1);
    }
    return true;
  }
  // Runs a program beside the stack; its exit code.
  int run_beside(const std::string& command) {
    const char* const arguments[] = {"sh", "-c", command.c_str(), nullptr};
    pid_t child = 0;
    if (::posix_spawnp(&child, "sh", nullptr, nullptr, const_cast<char* const*>(arguments),
                       environ) != 0) {
      return -1;
    }
    int status = -1;
    if (!drive([&] { return ::waitpid(child, &status, WNOHANG) == child; })) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
    }
    return status;
  }
  IpAddr link_local() const {
    const SocketId socket = stack->open_udp().value();
    EXPECT_TRUE(stack->connect(socket, {IpAddr::parse("fe80::99%1").value(), 9}));
    const IpAddr found = stack->local(socket)->addr;
    EXPECT_TRUE(stack->close(socket));
    return found;
  }
  SocketId listen(std::uint16_t port) const {
    const SocketId socket = stack->open_tcp().value();
    EXPECT_TRUE(stack->bind(socket, {IpAddr::any_v6(), port}));
    EXPECT_TRUE(stack->listen(socket, 4));
    return socket;
  }
  // The next connection of a listener.
  std::optional<SocketId> accept(SocketId listener) {
    std::optional<SocketId> found;
    (void)drive([&] {
      if (const auto accepted = stack->accept(listener)) found = accepted->socket;
      return found.has_value();
    });
    return found;
  }
  static sockaddr_in6 kernel_address(const char* text, std::uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    ::inet_pton(AF_INET6, text, &address.sin6_addr);
    return address;
  }
  static int kernel_socket(int type) {
    const int fd = ::socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in6 own = kernel_address("fd00::2", 5000);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    return fd;
  }

  std::unique_ptr<link::TapLink> link;
  std::optional<ArenaMapping> mapping;
  std::unique_ptr<Stack> stack;
};

TEST_F(KernelIpv6, IsPinged) {
  NARU_CHECKS("IC6-007", "IC6-015");
  if (!run("ping -V")) GTEST_SKIP() << "no ping here";
  EXPECT_EQ(run_beside("ping -6 -c 3 -i 0.2 -s 1400 fd00::1 >/dev/null"), 0);
  const std::string own = link_local().without_zone().to_string();
  EXPECT_EQ(run_beside("ping -6 -c 1 " + own + "%naru0 >/dev/null"), 0);
  EXPECT_NE(run_beside("ping -6 -c 1 -W 1 fd00::9 >/dev/null"), 0) << "nobody is there";
}

TEST_F(KernelIpv6, ServesCurl) {
  if (!run("curl -V")) GTEST_SKIP() << "no curl here";
  const SocketId listener = listen(80);
  std::optional<SocketId> client;
  std::string request;
  const auto serve = [&] {
    if (!client) {
      if (const auto accepted = stack->accept(listener)) client = accepted->socket;
      return;
    }
    Buffer piece(4096);
    const auto n = stack->recv(*client, piece);
    if (!n) return;
    request.append(piece.begin(), piece.begin() + static_cast<long>(*n));
    if (request.find("\r\n\r\n") == std::string::npos) return;
    const std::string answer = "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nnaru";
    EXPECT_TRUE(stack->send(*client, test::bytes(answer)));
    EXPECT_TRUE(stack->close(*client));
    request.clear();
  };
  std::FILE* curl = ::popen("curl -6 -s --max-time 15 'http://[fd00::1]/'", "r");
  ASSERT_NE(curl, nullptr);
  ::fcntl(::fileno(curl), F_SETFL, O_NONBLOCK);
  std::string body;
  EXPECT_TRUE(drive([&] {
    serve();
    char piece[64];
    const ssize_t n = ::read(::fileno(curl), piece, sizeof piece);
    if (n > 0) body.append(piece, static_cast<std::size_t>(n));
    return n == 0;
  }));
  EXPECT_EQ(::pclose(curl), 0);
  EXPECT_EQ(body, "naru");
}

// Large segments with partial checksums, as the device passes them in both directions.
TEST_F(KernelIpv6, CarriesStreamsBothWays) {
  constexpr std::size_t kSize = 5'000'000;
  const Buffer data = stream(0, kSize);
  const SocketId listener = listen(80);
  const int fd = kernel_socket(SOCK_STREAM);
  const sockaddr_in6 to = kernel_address("fd00::1", 80);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), -1);
  const auto socket = accept(listener);
  ASSERT_TRUE(socket);
  Buffer at_stack;
  Buffer at_kernel;
  Buffer piece(65'536);
  std::size_t from_kernel = 0;
  std::size_t from_stack = 0;
  EXPECT_TRUE(drive([&] {
    const ssize_t sent = ::send(fd, data.data() + from_kernel, kSize - from_kernel, MSG_NOSIGNAL);
    if (sent > 0) from_kernel += static_cast<std::size_t>(sent);
    const auto taken = stack->send(*socket, Bytes(data).subspan(from_stack));
    if (taken && from_stack < kSize) from_stack += *taken;
    const auto came = stack->recv(*socket, piece);
    if (came)
      at_stack.insert(at_stack.end(), piece.begin(), piece.begin() + static_cast<long>(*came));
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
    if (got > 0) at_kernel.insert(at_kernel.end(), piece.begin(), piece.begin() + got);
    return at_stack.size() >= kSize && at_kernel.size() >= kSize;
  }));
  EXPECT_TRUE(at_stack == data);
  EXPECT_TRUE(at_kernel == data);
  EXPECT_EQ(stack->counters().get(Drop::tcp_bad_checksum), 0U);
  EXPECT_EQ(stack->counters().get(Drop::bad_offload), 0U);
  ::close(fd);
}

TEST_F(KernelIpv6, ExchangesDatagramsAndErrors) {
  NARU_CHECKS("IC6-006", "IP6-029");
  const int fd = kernel_socket(SOCK_DGRAM);
  const SocketId socket = stack->open_udp().value();
  ASSERT_TRUE(stack->bind(socket, {IpAddr::any_v6(), 53}));
  const sockaddr_in6 to = kernel_address("fd00::1", 53);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const Buffer data = stream(0, 1'200);
  ASSERT_EQ(::send(fd, data.data(), data.size(), 0), static_cast<ssize_t>(data.size()));
  Buffer got(2'000);
  DatagramInfo info;
  Result<std::size_t> n = std::unexpected(Error::would_block);
  ASSERT_TRUE(drive([&] { return (n = stack->recv_from(socket, got, info)).has_value(); }));
  got.resize(*n);
  EXPECT_EQ(got, data);
  ASSERT_TRUE(stack->send_to(socket, data, info.source));
  ssize_t came = -1;
  ASSERT_TRUE(drive([&] { return (came = ::recv(fd, got.data(), got.size(), 0)) > 0; }));
  EXPECT_EQ(came, 1'200);

  // Nobody listens any more: the kernel is told, and tells us.
  ASSERT_TRUE(stack->close(socket));
  ASSERT_EQ(::send(fd, data.data(), 10, 0), 10);
  EXPECT_TRUE(
      drive([&] { return ::recv(fd, got.data(), got.size(), 0) == -1 && errno == ECONNREFUSED; }));
  ::close(fd);
  const SocketId lost = stack->open_udp().value();
  ASSERT_TRUE(stack->connect(lost, {IpAddr::parse("fd00::2").value(), 5000}));
  ASSERT_TRUE(stack->send(lost, Bytes(data).first(10)));
  EXPECT_TRUE(drive([&] { return stack->take_error(lost) == Error::refused; }));
}

}  // namespace
}  // namespace naru
