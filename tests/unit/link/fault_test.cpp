#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include <naru/link/fault.hpp>
#include <naru/link/memory.hpp>

#include "frames.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::TcpSpec;
using test::TestPool;

constexpr Time kStart = time_from_ns(1'000'000'000);

// What came out of the wire behind a FaultLink, and when.
struct Arrival {
  Time at;
  Frame bytes;
  bool operator==(const Arrival&) const = default;
};

class Fault : public ::testing::Test {
 protected:
  void start(const FaultOptions& options, const MemoryWireOptions& wire = {.ring_size = 4096}) {
    wire_ = std::make_unique<MemoryWire>(wire);
    wire_->b().attach(pool_.get());
    link_ = std::make_unique<FaultLink>(wire_->a(), options);
  }
  // Frame number n: its number, then bytes that follow from it.
  static Frame numbered(std::uint32_t n, std::size_t size = 100) {
    Frame bytes(size, static_cast<std::uint8_t>(n * 7));
    store_be32(bytes.data(), n);
    return bytes;
  }
  static std::uint32_t number(const Frame& frame) { return load_be32(frame.data()); }
  bool send(const Frame& bytes, Time now) {
    TxFrame frame;
    set_raw(frame, bytes);
    return link_->transmit({&frame, 1}, now) == 1;
  }
  void collect(Time now) {
    for (Frame& f : test::receive_all(wire_->b(), pool_, now)) {
      arrivals_.push_back({now, std::move(f)});
    }
  }
  // Steps from deadline to deadline until nothing waits.
  void drain(Time from) {
    collect(from);
    for (Time t = link_->next_deadline(); t != kTimeNever; t = link_->next_deadline()) {
      link_->advance(t);
      collect(t);
    }
  }
  // Sends `count` numbered frames, one each microsecond, and waits for them all.
  void run(std::uint32_t count, std::size_t size = 100) {
    Time now = kStart;
    for (std::uint32_t n = 0; n < count; ++n, now += 1us) {
      ASSERT_TRUE(send(numbered(n, size), now));
      collect(now);
    }
    drain(now);
  }
  std::vector<std::uint32_t> numbers() const {
    std::vector<std::uint32_t> all;
    for (const Arrival& a : arrivals_) all.push_back(number(a.bytes));
    return all;
  }

  TestPool pool_{5000, 8};
  std::unique_ptr<MemoryWire> wire_;
  std::unique_ptr<FaultLink> link_;
  std::vector<Arrival> arrivals_;
};

TEST_F(Fault, WithoutFaultsFramesPassAtOnceInOrder) {
  start({});
  run(1000);
  ASSERT_EQ(arrivals_.size(), 1000U);
  for (std::uint32_t n = 0; n < 1000; ++n) {
    EXPECT_EQ(arrivals_[n].bytes, numbered(n));
    EXPECT_EQ(arrivals_[n].at, kStart + n * 1us);
  }
  EXPECT_EQ(link_->next_deadline(), kTimeNever);
}

TEST_F(Fault, LargeSegmentsAreCutAndChecksummed) {
  start({}, {.carries_large = true, .checksums = false});
  EXPECT_FALSE(link_->caps().carries_large);
  EXPECT_FALSE(link_->caps().transmits_checksum);
  Random random = Random::seeded(1);
  const TcpSpec spec{.gso_size = 1460, .payload = test::random_bytes(random, 20'000)};
  const TxFrame frame = test::make_tcp(spec, random);
  ASSERT_EQ(link_->transmit({&frame, 1}, kStart), 1U);
  EXPECT_EQ(test::receive_all(wire_->b(), pool_, kStart), test::reference_frames(spec));
}

TEST_F(Fault, LosesItsShare) {
  start({.loss = 0.05});
  run(20'000);
  EXPECT_EQ(arrivals_.size() + link_->fault_stats().lost, 20'000U);
  EXPECT_NEAR(static_cast<double>(link_->fault_stats().lost), 1000, 150);
}

TEST_F(Fault, LosesAllOrNothing) {
  start({.loss = 1});
  run(100);
  EXPECT_EQ(arrivals_.size(), 0U);
  link_->set_options({.loss = 0});
  run(100);
  EXPECT_EQ(arrivals_.size(), 100U);
}

TEST_F(Fault, DamagesOneByteOfItsShare) {
  start({.corrupt = 0.1});
  run(10'000);
  ASSERT_EQ(arrivals_.size(), 10'000U);
  std::uint64_t damaged = 0;
  for (std::uint32_t n = 0; n < 10'000; ++n) {
    const Frame sent = numbered(n);
    std::size_t differ = 0;
    for (std::size_t i = 0; i < sent.size(); ++i) differ += sent[i] != arrivals_[n].bytes[i];
    ASSERT_LE(differ, 1U);
    damaged += differ;
  }
  EXPECT_EQ(damaged, link_->fault_stats().corrupted);
  EXPECT_NEAR(static_cast<double>(damaged), 1000, 150);
}

// Behind a wire that vouches for checksums, damage must still be found.
TEST_F(Fault, DamageIsFoundByTheChecksums) {
  start({.corrupt = 1}, {.checksums = false});
  Random random = Random::seeded(2);
  const TcpSpec spec{.payload = test::random_bytes(random, 400)};
  const TxFrame frame = test::make_tcp(spec, random);
  for (int round = 0; round < 2000; ++round) {
    link_->transmit({&frame, 1}, kStart);
    Packet* packet = nullptr;
    ASSERT_EQ(wire_->b().receive({&packet, 1}, kStart), 1U);
    ASSERT_EQ(packet->checksum, ChecksumState::unchecked);
    const Frame got = test::drain(pool_, packet);
    const Frame sent = test::reference_frames(spec).at(0);
    const bool in_ethernet = !std::equal(sent.begin(), sent.begin() + 14, got.begin());
    ASSERT_EQ(test::checksums_verify(got), in_ethernet);
  }
}

TEST_F(Fault, DuplicatesItsShare) {
  start({.duplicate = 0.1});
  run(10'000);
  EXPECT_EQ(arrivals_.size(), 10'000 + link_->fault_stats().duplicated);
  EXPECT_NEAR(static_cast<double>(link_->fault_stats().duplicated), 1000, 150);
  std::map<std::uint32_t, int> seen;
  for (const std::uint32_t n : numbers()) ++seen[n];
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST_F(Fault, ReordersItsShareAndLosesNone) {
  start({.reorder = 0.1, .reorder_delay = 50us});
  run(10'000);
  std::vector<std::uint32_t> order = numbers();
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  EXPECT_NEAR(static_cast<double>(link_->fault_stats().reordered), 1000, 150);
  std::sort(order.begin(), order.end());
  for (std::uint32_t n = 0; n < 10'000; ++n) ASSERT_EQ(order[n], n);
  for (const Arrival& a : arrivals_) ASSERT_LE(a.at, kStart + number(a.bytes) * 1us + 50us);
}

TEST_F(Fault, DelaysEachFrameExactly) {
  start({.delay = 20ms});
  ASSERT_TRUE(send(numbered(0), kStart));
  ASSERT_TRUE(send(numbered(1), kStart + 1ms));
  EXPECT_EQ(link_->next_deadline(), kStart + 20ms);
  Packet* none = nullptr;
  link_->receive({&none, 1}, kStart + 20ms - 1ns);
  collect(kStart + 20ms - 1ns);
  EXPECT_TRUE(arrivals_.empty());
  link_->receive({&none, 1}, kStart + 20ms);
  collect(kStart + 20ms);
  EXPECT_EQ(numbers(), (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(link_->next_deadline(), kStart + 21ms);
  link_->transmit({}, kStart + 21ms);
  collect(kStart + 21ms);
  EXPECT_EQ(numbers(), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(link_->next_deadline(), kTimeNever);
}

TEST_F(Fault, JitterKeepsTheOrder) {
  start({.delay = 1ms, .jitter = 2ms});
  run(2000);
  ASSERT_EQ(arrivals_.size(), 2000U);
  Duration least = 1s;
  Duration most = 0s;
  for (std::uint32_t n = 0; n < 2000; ++n) {
    EXPECT_EQ(number(arrivals_[n].bytes), n);
    const Duration took = arrivals_[n].at - (kStart + n * 1us);
    least = std::min(least, took);
    most = std::max(most, took);
  }
  EXPECT_GE(least, 1ms);
  EXPECT_LE(most, 3ms);
  EXPECT_GT(most, 2900us);
}

TEST_F(Fault, RateSpacesFramesExactly) {
  start({.rate = 1'000'000'000});
  for (std::uint32_t n = 0; n < 100; ++n) ASSERT_TRUE(send(numbered(n, 1250), kStart));
  drain(kStart);
  ASSERT_EQ(arrivals_.size(), 100U);
  for (std::uint32_t n = 0; n < 100; ++n) {
    EXPECT_EQ(number(arrivals_[n].bytes), n);
    EXPECT_EQ(arrivals_[n].at, kStart + (n + 1) * 10us);
  }
}

TEST_F(Fault, RateDoesNotDrift) {
  // 100 bytes at 3 Gbit/s take 266 2/3 ns: three frames take 800.
  start({.rate = 3'000'000'000});
  for (std::uint32_t n = 0; n < 900; ++n) ASSERT_TRUE(send(numbered(n), kStart));
  drain(kStart);
  EXPECT_EQ(arrivals_.back().at, kStart + 240us);
}

TEST_F(Fault, AFullQueueDrops) {
  start({.rate = 1'000'000'000, .queue_bytes = 12'500});
  for (std::uint32_t n = 0; n < 100; ++n) ASSERT_TRUE(send(numbered(n, 1250), kStart));
  drain(kStart);
  EXPECT_EQ(arrivals_.size(), 10U);
  EXPECT_EQ(link_->fault_stats().queue_drops, 90U);
}

TEST_F(Fault, TheNumberOfHeldFramesIsBounded) {
  start({.duplicate = 1, .delay = 1ms, .max_frames = 5});
  EXPECT_EQ(link_->transmit_room(), 5U);
  for (std::uint32_t n = 0; n < 3; ++n) EXPECT_TRUE(send(numbered(n), kStart));
  EXPECT_EQ(link_->transmit_room(), 0U);
  EXPECT_FALSE(send(numbered(3), kStart));
  EXPECT_EQ(link_->fault_stats().queue_drops, 1U);
  drain(kStart);
  EXPECT_EQ(arrivals_.size(), 5U);
}

TEST_F(Fault, AFullRingBehindLosesNothing) {
  start({.delay = 1ms}, {.ring_size = 4});
  for (std::uint32_t n = 0; n < 10; ++n) ASSERT_TRUE(send(numbered(n), kStart));
  link_->advance(kStart + 1ms);
  EXPECT_EQ(link_->transmit_room(), 0U);
  EXPECT_EQ(link_->waiting(), 6U);
  EXPECT_GT(link_->next_deadline(), kStart + 1ms) << "no busy loop";
  drain(kStart + 1ms);
  std::vector<std::uint32_t> expected(10);
  for (std::uint32_t n = 0; n < 10; ++n) expected[n] = n;
  EXPECT_EQ(numbers(), expected);
  EXPECT_GT(link_->transmit_room(), 0U);
}

TEST_F(Fault, ReceivingIsUntouched) {
  start({.loss = 1, .corrupt = 1, .duplicate = 1, .delay = 1s});
  TestPool pool;
  wire_->a().attach(pool.get());
  TxFrame frame;
  const Frame bytes = numbered(5);
  set_raw(frame, bytes);
  wire_->b().transmit({&frame, 1}, kStart);
  EXPECT_EQ(test::receive_all(*link_, pool, kStart), std::vector<Frame>{bytes});
}

class FaultSeeds : public Fault, public ::testing::WithParamInterface<int> {};

TEST_P(FaultSeeds, ReplayToTheSameBytesAtTheSameTimes) {
  const FaultOptions options{.seed = static_cast<std::uint64_t>(GetParam()),
                             .loss = 0.05,
                             .corrupt = 0.05,
                             .duplicate = 0.05,
                             .reorder = 0.05,
                             .delay = 3ms,
                             .jitter = 1ms,
                             .rate = 900'000'000};
  start(options);
  run(3000);
  const std::vector<Arrival> first = std::exchange(arrivals_, {});
  start(options);
  run(3000);
  EXPECT_TRUE(arrivals_ == first);
  arrivals_.clear();
  FaultOptions other = options;
  other.seed += 1000;
  start(other);
  run(3000);
  EXPECT_FALSE(arrivals_ == first);
  EXPECT_EQ(pool_->in_use(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultSeeds, ::testing::Range(0, 5));

TEST_F(Fault, OneFaultDoesNotMoveAnother) {
  start({.loss = 0.1});
  run(1000);
  const std::vector<std::uint32_t> kept = numbers();
  arrivals_.clear();
  start({.loss = 0.1, .delay = 5us, .jitter = 3us});
  run(1000);
  EXPECT_EQ(numbers(), kept);
}

}  // namespace
}  // namespace naru::link
