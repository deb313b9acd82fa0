// Row LNK-009: somebody writes into a frame while the stack reads it.
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <naru/stack/stack.hpp>

#include "dsl/checks.hpp"
#include "dsl/frame.hpp"
#include "dsl/segment.hpp"
#include "dsl/wire.hpp"
#include "wire/checksum.hpp"

namespace naru::test {
namespace {

constexpr std::size_t kEthernet = 14;

// A card whose buffers a hostile neighbour can still write to after they were received.
class HostileLink final : public link::Link {
 public:
  explicit HostileLink(Buffer frame) : frame_(std::move(frame)), neighbour_([this] { write(); }) {}
  ~HostileLink() override {
    over_ = true;
    neighbour_.join();
  }

  link::Caps caps() const override { return {}; }
  MacAddr mac() const override { return Wire::mac_of(Wire::kHost); }
  void attach(PacketPool* pool) override { pool_ = pool; }
  std::size_t transmit_room() override { return 64; }
  std::size_t transmit(std::span<const TxFrame> burst, Time) override { return burst.size(); }

  std::size_t receive(std::span<Packet*> burst, Time) override {
    Packet* packet = pool_->take(static_cast<std::uint32_t>(frame_.size()));
    if (packet == nullptr) return 0;
    std::memcpy(packet->data, frame_.data(), frame_.size());
    packet->length = static_cast<std::uint32_t>(frame_.size());
    packet->checksum = ChecksumState::good;  // so that the writer reaches TCP, too
    target_ = packet->data;
    burst[0] = packet;
    return 1;
  }

 private:
  // Lengths, offsets and flags of all headers, over and over.
  void write() {
    std::uint32_t x = 1;
    while (!over_) {
      std::uint8_t* target = target_;
      if (target == nullptr) continue;
      x = x * 1'664'525U + 1'013'904'223U;
      const std::size_t at = kEthernet + (x >> 8U) % (frame_.size() - kEthernet);
      reinterpret_cast<std::atomic<std::uint8_t>*>(target + at)
          ->store(static_cast<std::uint8_t>(x >> 24U), std::memory_order_relaxed);
    }
  }

  const Buffer frame_;
  PacketPool* pool_ = nullptr;
  std::atomic<std::uint8_t*> target_{nullptr};
  std::atomic<bool> over_{false};
  std::thread neighbour_;
};

// The sanitizers see to it that nothing is read or written out of bounds; the invariants
// that no connection came out of it damaged.
TEST(HostileMemory, BytesThatChangeWhileTheyAreReadDoNoHarm) {
  NARU_CHECKS("LNK-009");
  StackConfig config;
  config.random = Random::seeded(9);
  auto memory = ArenaMapping::map_private(arena_size(config));
  ASSERT_TRUE(memory);
  auto stack = Stack::create(memory->arena(), config, Time{});
  ASSERT_TRUE(stack);
  Buffer frame(kEthernet + 20 + 32 + 64, 0);
  const std::uint8_t head[] = {2, 0, 10, 0, 0, 1, 2, 0, 10, 0, 0, 2, 8, 0, 0x45, 0, 0, 116};
  std::memcpy(frame.data(), head, sizeof head);
  const std::uint8_t rest[] = {64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0x9c, 0x40, 0, 80};
  std::memcpy(frame.data() + kEthernet + 8, rest, sizeof rest);
  frame[kEthernet + 20 + 12] = 0x80;  // a header of 32 bytes
  frame[kEthernet + 20 + 13] = 0x02;  // SYN
  const Bytes ip = Bytes(frame).subspan(kEthernet, 20);
  wire::store_checksum(frame.data() + kEthernet + 10, wire::finish(wire::sum_bytes(ip)));
  HostileLink link(frame);
  const auto interface = (*stack)->add_interface("eth0", link);
  ASSERT_TRUE(interface);
  ASSERT_TRUE((*stack)->add_address(*interface, {Wire::kHost, 24}));
  const auto listener = (*stack)->open_tcp();
  ASSERT_TRUE(listener);
  ASSERT_TRUE((*stack)->bind(*listener, {IpAddr::any_v4(), 80}));
  ASSERT_TRUE((*stack)->listen(*listener, 16));
  for (int turn = 0; turn < 400'000; ++turn) {
    (*stack)->poll(time_from_ns(std::int64_t{turn} * 1'000'000));
    if (turn % 64 == 0) (*stack)->check_invariants();
  }
  EXPECT_GE((*stack)->counters().get(Counter::frames_in), 400'000U);
  EXPECT_GT((*stack)->counters().get(Counter::tcp_in), 0U) << "no frame got through to TCP";
  stack->reset();  // before the link and its writer
}

}  // namespace
}  // namespace naru::test
