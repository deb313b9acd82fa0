// A connection from one stack to another, from SYN to TIME-WAIT.
#include <algorithm>
#include <vector>

#include "two_hosts.hpp"

namespace naru::test {
namespace {

constexpr std::uint16_t kPort = 80;
const Endpoint kServer{IpAddr::v4(10, 0, 0, 2), kPort};

std::vector<std::uint8_t> pattern(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t x = 1;
  for (auto& b : bytes) {
    x = x * 1664525U + 1013904223U;
    b = static_cast<std::uint8_t>(x >> 24U);
  }
  return bytes;
}

class Transfer : public TwoHosts {
 protected:
  void open() {
    listener = *b->open_tcp();
    ASSERT_TRUE(b->bind(listener, {IpAddr::any_v4(), kPort}));
    ASSERT_TRUE(b->listen(listener, 16));
    client = *a->open_tcp();
    ASSERT_EQ(a->connect(client, kServer).error(), Error::in_progress);
    settle();
    const auto accepted = b->accept(listener);
    ASSERT_TRUE(accepted);
    server = accepted->socket;
    EXPECT_TRUE(a->readiness(client) & ready::kOut);
  }

  // Sends all of `bytes` from client to server and returns what arrived.
  std::vector<std::uint8_t> carry(const std::vector<std::uint8_t>& bytes) {
    std::vector<std::uint8_t> got;
    std::vector<std::uint8_t> buffer(65'536);
    std::size_t sent = 0;
    for (int turn = 0; turn < 1'000'000 && got.size() < bytes.size(); ++turn) {
      if (sent < bytes.size()) {
        const auto n = a->send(client, Bytes(bytes).subspan(sent));
        if (n) sent += *n;
      }
      a->poll(now);
      b->poll(now);
      const auto n = b->recv(server, buffer);
      if (n) got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<long>(*n));
      a->check_invariants();
      b->check_invariants();
      now += 10us;
    }
    return got;
  }

  void close_both() {
    EXPECT_TRUE(a->close(client));
    settle();
    EXPECT_EQ(b->recv(server, {}).value_or(1), 0U);
    EXPECT_TRUE(b->close(server));
    settle();
    EXPECT_TRUE(b->close(listener));
    settle();
    EXPECT_EQ(a->usage().time_wait, 1U);
    advance(61s);
    for (VirtualHost* host : {&a, &b}) {
      const Stack::Usage u = (*host)->usage();
      EXPECT_EQ(u.connections, 0U);
      EXPECT_EQ(u.time_wait, 0U);
      EXPECT_EQ(u.flows, 0U);
      EXPECT_EQ(u.packets, 0U);
      EXPECT_EQ(u.send_blocks, 0U);
      EXPECT_EQ(u.timers, 0U);
    }
  }

  SocketId listener;
  SocketId client;
  SocketId server;
};

TEST_F(Transfer, CarriesAFewBytes) {
  open();
  const auto bytes = pattern(100);
  EXPECT_EQ(carry(bytes), bytes);
  close_both();
}

TEST_F(Transfer, CarriesManyBytes) {
  open();
  const auto bytes = pattern(5'000'000);
  EXPECT_EQ(carry(bytes), bytes);
  close_both();
}

TEST_F(Transfer, RefusesWhereNobodyListens) {
  client = *a->open_tcp();
  ASSERT_EQ(a->connect(client, kServer).error(), Error::in_progress);
  settle();
  EXPECT_EQ(a->take_error(client), Error::refused);
  EXPECT_TRUE(a->close(client));
}

}  // namespace
}  // namespace naru::test
