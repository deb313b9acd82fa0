// TCP between two stacks on a shared-memory Ethernet, in one process, under a virtual
// clock.
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <gtest/gtest.h>

#include <naru/link/lan.hpp>

#include "dsl/bytes.hpp"
#include "two_hosts.hpp"

namespace naru::test {
namespace {

std::string make_folder() {
  std::string name = "/dev/shm/naru-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << name;
  return name;
}

std::unique_ptr<link::LanLink> join(const std::string& folder, std::uint32_t mtu) {
  link::LanOptions options;
  options.directory = folder;
  options.mtu = mtu;
  auto link = link::LanLink::join("lan0", options);
  if (link) return std::move(*link);
  ADD_FAILURE() << link.error().message;
  return nullptr;
}

class LanTransfer : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  ~LanTransfer() override { std::filesystem::remove_all(folder); }

  void turn() {
    a->poll(now);
    b->poll(now);
    now += 5us;
  }

  std::string folder = make_folder();
  std::unique_ptr<link::LanLink> link_a = join(folder, GetParam());
  std::unique_ptr<link::LanLink> link_b = join(folder, GetParam());
  VirtualHost a{small_host(1), *link_a, link_a->address()};
  VirtualHost b{small_host(2), *link_b, link_b->address()};
  Time now{1s};
};

TEST_P(LanTransfer, TheBytesAreRight) {
  constexpr std::size_t kSize = 20'000'000;
  const SocketId listener = *b->open_tcp();
  ASSERT_TRUE(b->bind(listener, {link_b->address().addr, 80}));
  ASSERT_TRUE(b->listen(listener, 4));
  const SocketId client = *a->open_tcp();
  EXPECT_EQ(a->connect(client, {link_b->address().addr, 80}).error(), Error::in_progress);
  const Buffer sent = stream(0, kSize);
  Buffer received;
  std::size_t done = 0;
  std::optional<SocketId> server;
  Buffer piece(256 * 1024);
  for (int i = 0; i < 400'000 && received.size() < kSize; ++i) {
    turn();
    if (!server) {
      if (const auto accepted = b->accept(listener)) server = accepted->socket;
      continue;
    }
    if (done < kSize) {
      if (const auto n = a->send(client, Bytes(sent).subspan(done))) done += *n;
    }
    if (const auto n = b->recv(*server, piece)) {
      received.insert(received.end(), piece.begin(), piece.begin() + static_cast<long>(*n));
    }
  }
  EXPECT_TRUE(received == sent);
  // Whole, not cut: far fewer frames than segments of the MTU.
  EXPECT_LT(b->counters().get(Counter::frames_in), kSize / 1400 / 4);
  EXPECT_EQ(link_a->stats().tx_refused, 0U);
  EXPECT_EQ(a->counters().get(Counter::tcp_retransmits), 0U);
}
INSTANTIATE_TEST_SUITE_P(Mtu, LanTransfer, ::testing::Values(1500, 9000));

}  // namespace
}  // namespace naru::test
