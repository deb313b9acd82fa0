// Hosts, and sockets that wait, over the loopback of one host.
#include <algorithm>
#include <cerrno>
#include <numeric>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <naru/socket/errno.hpp>
#include <naru/socket/socket.hpp>

namespace naru {
namespace {

constexpr Endpoint kServer{IpAddr::loopback_v4(), 80};

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Errno, EveryErrorHasItsNumber) {
  for (int i = 0; i <= static_cast<int>(Error::io); ++i) {
    const auto error = static_cast<Error>(i);
    EXPECT_EQ(from_errno(to_errno(error)), error) << to_string(error);
  }
  EXPECT_EQ(to_errno(Error::refused), ECONNREFUSED);
  EXPECT_EQ(from_errno(EXDEV), Error::io);
}

TEST(Clock, IsMonotonicAndKnowsTheDate) {
  const Time a = monotonic_now();
  EXPECT_LE(a, monotonic_now());
  constexpr std::int64_t kYear2020 = 1'577'836'800'000'000'000;
  EXPECT_GT(nanoseconds(a) + wall_clock_offset().count(), kYear2020);
}

TEST(Entropy, DiffersEachTime) { EXPECT_NE(entropy(), entropy()); }

TEST(Doorbell, SleepEndsByRingDescriptorOrTime) {
  auto bell = Doorbell::create().value();
  bell.ring();
  bell.ring();
  bell.sleep_until(kTimeNever);
  const Time start = monotonic_now();
  bell.sleep_until(start + 5ms);
  EXPECT_GE(monotonic_now(), start + 5ms);
  bell.sleep_until(start);  // has been

  const int event = ::eventfd(1, EFD_CLOEXEC);
  bell.watch(event);
  bell.sleep_until(kTimeNever);
  ::close(event);
}

TEST(Doorbell, IsRungFromAnotherThread) {
  auto bell = Doorbell::create().value();
  std::thread other([&] { bell.ring(); });
  bell.sleep_until(kTimeNever);
  other.join();
}

class SocketTest : public testing::Test {
 protected:
  // A connection of the host with itself.
  void connect() {
    listener = Socket::tcp(*host).value();
    ASSERT_TRUE(listener.bind(kServer));
    ASSERT_TRUE(listener.listen());
    client = Socket::tcp(*host).value();
    ASSERT_TRUE(client.connect(kServer));
    server = listener.accept(&peer).value();
  }

  std::unique_ptr<Host> host = Host::create({}).value();
  Socket listener, client, server;
  Endpoint peer;
  std::array<std::uint8_t, 4096> room{};
};

TEST_F(SocketTest, CarriesBytesBothWays) {
  connect();
  EXPECT_EQ(peer, client.local().value());
  EXPECT_EQ(client.remote().value(), kServer);
  EXPECT_EQ(client.send(bytes_of("question")), 8U);
  ASSERT_EQ(server.recv(room), 8U);
  EXPECT_EQ(std::string(room.begin(), room.begin() + 8), "question");
  EXPECT_EQ(server.send(bytes_of("an")), 2U);
  EXPECT_EQ(server.send(bytes_of("swer")), 4U);
  EXPECT_EQ(client.recv_all(MutableBytes(room).first(6)), 6U);
  EXPECT_EQ(std::string(room.begin(), room.begin() + 6), "answer");
}

TEST_F(SocketTest, TheEndOfTheStreamIsZero) {
  connect();
  ASSERT_TRUE(client.send(bytes_of("last")));
  ASSERT_TRUE(client.shutdown(Shutdown::send));
  EXPECT_EQ(server.recv_all(room), 4U);
  EXPECT_EQ(server.recv(room), 0U);
  ASSERT_TRUE(server.close());
  EXPECT_EQ(client.recv(room), 0U);
}

TEST_F(SocketTest, ConnectToNobodyIsRefused) {
  client = Socket::tcp(*host).value();
  EXPECT_EQ(client.connect(kServer).error(), Error::refused);
}

TEST_F(SocketTest, AClosedPeerResets) {
  connect();
  ASSERT_TRUE(client.send(bytes_of("unread")));
  ASSERT_TRUE(server.close());
  EXPECT_EQ(client.recv(room).error(), Error::reset);
}

TEST_F(SocketTest, WaitsAreBounded) {
  connect();
  server.set_timeout(20ms);
  const Time start = monotonic_now();
  EXPECT_EQ(server.recv(room).error(), Error::would_block);
  EXPECT_GE(monotonic_now(), start + 20ms);
  listener.set_timeout(1ms);
  EXPECT_EQ(listener.accept().error(), Error::would_block);
}

TEST_F(SocketTest, ASendThatDoesNotFitGivesWhatWentIn) {
  connect();
  client.set_timeout(20ms);
  const std::vector<std::uint8_t> much(64U << 20U);
  const auto sent = client.send(much);
  ASSERT_TRUE(sent);
  EXPECT_GT(*sent, 0U);
  EXPECT_LT(*sent, much.size());
}

TEST_F(SocketTest, Udp) {
  Socket a = Socket::udp(*host).value();
  Socket b = Socket::udp(*host).value();
  ASSERT_TRUE(b.bind({IpAddr::loopback_v4(), 53}));
  EXPECT_EQ(a.send_to(bytes_of("name?"), {IpAddr::loopback_v4(), 53}), 5U);
  DatagramInfo info;
  EXPECT_EQ(b.recv_from(room, info), 5U);
  EXPECT_EQ(info.source.port, a.local().value().port);
  b.set_timeout(1ms);
  EXPECT_EQ(b.recv_from(room, info).error(), Error::would_block);
}

TEST_F(SocketTest, DrainEndsWithTheConnections) {
  connect();
  EXPECT_FALSE(host->drain(1ms));
  server = Socket();
  client = Socket();
  listener = Socket();
  EXPECT_TRUE(host->drain(5s));
}

TEST_F(SocketTest, EndsMoveWithTheObject) {
  connect();
  Socket moved = std::move(client);
  EXPECT_FALSE(client);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(moved.send(bytes_of("x")), 1U);
  EXPECT_EQ(server.recv(room), 1U);
  EXPECT_EQ(client.close().error(), Error::bad_handle);
}

}  // namespace
}  // namespace naru
