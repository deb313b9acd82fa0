// Hosts in processes of their own, on a shared-memory Ethernet, with the real clock:
// they look for frames, sleep, and are woken.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <naru/link/lan.hpp>
#include <naru/socket/socket.hpp>

#include "dsl/bytes.hpp"

namespace naru {
namespace {

using test::Buffer;
using test::stream;

constexpr std::size_t kSize = 20'000'000;
constexpr std::uint16_t kPort = 80;

class LanHosts : public ::testing::Test {
 protected:
  LanHosts() {
    folder = "/dev/shm/naru-test-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  }
  ~LanHosts() override { std::filesystem::remove_all(folder); }

  // A host on the lan, and where it is; nothing on an error.
  std::unique_ptr<Host> make_host(const std::string& name) const {
    link::LanOptions options;
    options.directory = folder;
    options.name = name;
    auto link = link::LanLink::join("lan0", options);
    auto host = Host::create({});
    if (!link || !host) return nullptr;
    const Prefix address = (*link)->address();
    if (!(*host)->add_link("lan0", std::move(*link), address)) return nullptr;
    return std::move(*host);
  }
  static const link::LanLink& lan_of(const Host& host) {
    return static_cast<const link::LanLink&>(*host.links().front());
  }

  // Serves one client: takes kSize bytes, sends as many others, then echoes messages.
  int serve() const {
    auto host = make_host("server");
    if (!host) return 1;
    auto listener = Socket::tcp(*host);
    if (!listener || !listener->bind({IpAddr::any_v4(), kPort}) || !listener->listen()) return 2;
    auto socket = listener->accept();
    if (!socket) return 3;
    Buffer received(kSize);
    if (socket->recv_all(received).value_or(0) != kSize || received != stream(0, kSize)) return 4;
    if (socket->send(stream(kSize, kSize)).value_or(0) != kSize) return 5;
    Buffer message(64);
    for (;;) {
      const auto n = socket->recv_all(message);
      if (!n) return 6;
      if (*n == 0) break;
      if (!socket->send(message)) return 7;
    }
    if (!socket->close() || !listener->close() || !host->drain(5s)) return 8;
    return 0;
  }

  std::string folder;
};

TEST_F(LanHosts, TalkAcrossProcesses) {
  const pid_t server = ::fork();
  if (server == 0) ::_exit(serve());
  const auto host = make_host("client");
  ASSERT_TRUE(host);
  std::optional<IpAddr> address;
  for (int i = 0; i < 5000 && !address; ++i) {
    address = lan_of(*host).find_address("server.lan");
    ::usleep(1000);
  }
  ASSERT_TRUE(address);
  Socket socket;
  bool connected = false;
  for (int i = 0; i < 500 && !connected; ++i) {
    socket = Socket::tcp(*host).value();
    connected = socket.connect({*address, kPort}).has_value();
    if (!connected) ::usleep(10'000);  // it does not listen yet
  }
  ASSERT_TRUE(connected);
  socket.set_timeout(20s);
  EXPECT_EQ(socket.send(stream(0, kSize)).value_or(0), kSize);
  Buffer received(kSize);
  EXPECT_EQ(socket.recv_all(received).value_or(0), kSize);
  EXPECT_TRUE(received == stream(kSize, kSize));
  Buffer message(64);
  for (int i = 0; i < 5'000; ++i) {
    const Buffer sent = stream(static_cast<std::uint64_t>(i), message.size());
    ASSERT_TRUE(socket.send(sent));
    ASSERT_EQ(socket.recv_all(message).value_or(0), message.size());
    ASSERT_TRUE(message == sent);
  }
  EXPECT_TRUE(socket.close());
  EXPECT_TRUE(host->drain(5s));
  int status = -1;
  ::waitpid(server, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Who waits for nothing uses no core.
TEST_F(LanHosts, IdleHostsSleep) {
  const auto a = make_host("a");
  const auto b = make_host("b");
  ASSERT_TRUE(a && b);
  a->run_until([] { return false; }, 100ms);
  const auto cpu_time = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const auto before = cpu_time();
  a->run_until([] { return false; }, 500ms);
  EXPECT_LT(cpu_time() - before, 20ms);
}

}  // namespace
}  // namespace naru
