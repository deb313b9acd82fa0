// The ring by itself: no processes, no files.
#include "link/lan_ring.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "frames.hpp"

namespace naru::link::lan {
namespace {

using test::Frame;

constexpr std::uint32_t kSize = kMinRing;
constexpr std::uint64_t kPair = make_epoch(1, 1);

class LanRing : public ::testing::Test, protected Memory {
 protected:
  LanRing() : bytes_(std::make_unique<Bytes64[]>(kSize / 64)) {
    EXPECT_TRUE(writer.open(ring(), kPair, *this));
    EXPECT_TRUE(writer.take_restart());
    EXPECT_TRUE(reader.open(ring(), 1));
  }

  Ring ring() { return {.base = bytes_[0].bytes, .size = kSize, .tail = &tail, .head = &head}; }
  MutableBytes memory() { return {bytes_[0].bytes, kSize}; }
  bool commit(const Ring&, std::uint32_t size) override {
    if (size > has_memory_for) return false;
    committed = std::max(committed, size);
    return true;
  }

  bool write(Bytes frame, std::uint16_t gso_size = 0, std::uint16_t flags = 0) {
    std::uint8_t* to = writer.reserve(static_cast<std::uint32_t>(frame.size()), *this);
    if (to == nullptr) return false;
    std::memcpy(to, frame.data(), frame.size());
    writer.publish(static_cast<std::uint32_t>(frame.size()), gso_size, flags);
    return true;
  }
  std::optional<Frame> read() {
    const auto record = reader.next();
    if (!record) return std::nullopt;
    return Frame(record->frame.begin(), record->frame.end());
  }

  struct alignas(64) Bytes64 {
    std::uint8_t bytes[64];
  };
  std::unique_ptr<Bytes64[]> bytes_;
  Tail tail{};
  Head head{};
  std::uint32_t has_memory_for = kSize;
  std::uint32_t committed = 0;
  RingWriter writer;
  RingReader reader;
};

TEST_F(LanRing, CarriesFramesInOrderAcrossManyLaps) {
  Random random = Random::seeded(1);
  std::deque<Frame> sent;
  std::uint64_t bytes = 0;
  std::size_t received = 0;
  while (bytes < 40 * std::uint64_t{kSize}) {
    const std::uint32_t size = random.below(4) == 0
                                   ? kMinFrame + random.below(kMaxFrame - kMinFrame + 1)
                                   : kMinFrame + random.below(1500);
    Frame frame = test::random_bytes(random, size);
    if (write(frame)) {
      bytes += size;
      sent.push_back(std::move(frame));
    } else {
      ASSERT_TRUE(!sent.empty() || reader.unreleased() != 0) << "no room in an empty ring";
      if (sent.empty()) reader.release();
    }
    for (std::uint32_t n = random.below(4); n != 0 && !sent.empty(); --n) {
      const auto frame_read = read();
      ASSERT_TRUE(frame_read);
      ASSERT_TRUE(*frame_read == sent.front()) << "frame " << received;
      sent.pop_front();
      ++received;
      if (random.below(2) == 0) reader.release();
    }
  }
  EXPECT_GT(received, 1000U);
  EXPECT_FALSE(reader.is_refused());
}

TEST_F(LanRing, SaysWhatBelongsToAFrame) {
  ASSERT_TRUE(write(Frame(100, 1), 1448, Record::kVouched | Record::kIpv6));
  const auto record = reader.next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->frame.size(), 100U);
  EXPECT_EQ(record->gso_size, 1448);
  EXPECT_EQ(record->flags, Record::kVouched | Record::kIpv6);
}

// What room() promises is kept, whatever the sizes.
TEST_F(LanRing, RoomIsKept) {
  Random random = Random::seeded(2);
  for (int round = 0; round < 300; ++round) {
    std::uint32_t room = writer.room(kSize);
    while (true) {
      const std::uint32_t size = kMinFrame + random.below(round % 2 == 0 ? 200 : kMaxFrame - 14);
      const std::uint32_t space = Record::space(size);
      if (space > room) break;
      room -= space;
      ASSERT_TRUE(write(Frame(size, 7)));
    }
    for (std::uint32_t n = random.below(200); n != 0 && read(); --n) {
    }
    reader.release();
  }
}

// A drained ring takes anything, wherever it has come to.
TEST_F(LanRing, ADrainedRingHasRoom) {
  for (const std::uint32_t size : {14U, 48U, 176U, 1514U, 16'368U, 65'000U, kMaxFrame}) {
    for (std::uint32_t bytes = 0; bytes < 3 * kSize; bytes += size) {
      ASSERT_TRUE(write(Frame(size, 1))) << size;
      ASSERT_TRUE(read());
      reader.release();
    }
  }
}

TEST_F(LanRing, AFullRingTakesNothingUntilItIsRead) {
  const Frame frame(60'000, 3);
  int count = 0;
  while (write(frame)) ++count;
  EXPECT_GE(count, 3);
  EXPECT_FALSE(write(frame));
  ASSERT_TRUE(read());
  ASSERT_TRUE(read());
  EXPECT_FALSE(write(frame)) << "read, but not released";
  reader.release();
  EXPECT_TRUE(write(frame));
}

TEST_F(LanRing, LightTrafficStaysInItsFirstPages) {
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(write(Frame(100, 1)));
    ASSERT_TRUE(read());
    reader.release();
  }
  EXPECT_EQ(committed, 8192U);
}

TEST_F(LanRing, GrowsWithWhatLiesInIt) {
  while (write(Frame(1500, 1))) {
  }
  EXPECT_EQ(committed, kSize);
}

// A drained ring turns back to its start, and is as good as full until the reader has seen
// that: whoever asks again a moment later finds room, and has not lost a frame meanwhile.
TEST_F(LanRing, ATurnMakesItFullForAMoment) {
  while (tail.position < kSize) {
    ASSERT_TRUE(write(Frame(1500, 1)));
    if (tail.position >= kSize) break;
    ASSERT_TRUE(read());
    reader.release();
  }
  int count = 1;
  while (write(Frame(1500, 2))) ++count;
  EXPECT_LT(count, 10);
  EXPECT_FALSE(writer.lacks_memory());
  for (; count != 0; --count) ASSERT_TRUE(read());
  reader.release();
  EXPECT_TRUE(write(Frame(1500, 3)));
}

TEST_F(LanRing, WithoutMemoryItUsesWhatItHas) {
  has_memory_for = 8192;
  EXPECT_FALSE(write(Frame(20'000, 1)));
  EXPECT_TRUE(writer.lacks_memory());
  int received = 0;
  for (int i = 0; i < 1000; ++i) {
    const Frame frame(500, static_cast<std::uint8_t>(i));
    int count = 0;
    while (write(frame)) ++count;
    ASSERT_GT(count, 0);
    received += count;
    for (; count != 0; --count) ASSERT_EQ(read(), frame);
    reader.release();
  }
  EXPECT_GT(received, 5000);
  EXPECT_EQ(committed, 8192U);
}

// Payload that looks like the header of the record that will stand there in the next
// lap is not taken for it: whoever sends to a member cannot make up frames for it.
TEST_F(LanRing, OldPayloadIsNeverARecord) {
  ASSERT_TRUE(write(Frame(100, 1)));
  std::uint64_t first = 0;
  std::memcpy(&first, memory().data(), sizeof first);
  const std::uint32_t salt = static_cast<std::uint32_t>(first) ^ 1U;
  for (int i = 0; i < 2000; ++i) {
    Frame forged(4000);
    const std::uint64_t start = tail.position + Record::kHeaderSize;
    for (std::size_t at = 48; at + 16 <= forged.size(); at += 64) {
      const std::uint64_t next_lap = start + at + kSize;
      const std::uint32_t stamp = (static_cast<std::uint32_t>(next_lap / 64) * 2 + 1) ^ salt;
      const std::uint64_t header = std::uint64_t{77} << 32U | stamp;
      std::memcpy(forged.data() + at, &header, sizeof header);
    }
    if (!write(forged)) {
      while (const auto frame = read()) ASSERT_NE(frame->size(), 77U);
      reader.release();
    }
  }
  while (const auto frame = read()) ASSERT_NE(frame->size(), 77U);
  EXPECT_GT(tail.position, 10 * kSize);
}

// A process that dies between any two stores leaves the ring to the next one.
TEST_F(LanRing, AnotherProcessGoesOnWhereOneDied) {
  ASSERT_TRUE(write(Frame(100, 1)));
  const std::uint64_t before = tail.position;
  ASSERT_TRUE(write(Frame(200, 2)));
  tail.position = before;  // published, and died
  RingWriter next;
  ASSERT_TRUE(next.open(ring(), kPair, *this));
  EXPECT_FALSE(next.take_restart());
  writer = next;
  ASSERT_NE(writer.reserve(1000, *this), nullptr);  // not published, and died
  ASSERT_TRUE(write(Frame(300, 3)));
  EXPECT_EQ(read(), Frame(100, 1));
  RingReader second;
  reader.release();
  ASSERT_TRUE(second.open(ring(), 1));
  reader = second;
  EXPECT_EQ(read(), Frame(200, 2));
  EXPECT_EQ(read(), Frame(300, 3));
  EXPECT_EQ(read(), std::nullopt);
}

TEST_F(LanRing, ANewPairStartsAfresh) {
  ASSERT_TRUE(write(Frame(100, 1)));
  const std::uint64_t other = make_epoch(3, 1);
  EXPECT_TRUE(reader.open(ring(), 1)) << "what is left of the old one";
  EXPECT_EQ(read(), Frame(100, 1));
  RingWriter next;
  ASSERT_TRUE(next.open(ring(), other, *this));
  EXPECT_TRUE(next.take_restart());
  writer = next;
  ASSERT_TRUE(write(Frame(100, 2)));
  EXPECT_TRUE(reader.open(ring(), 1));
  EXPECT_EQ(read(), Frame(100, 2));
}

TEST_F(LanRing, WantsRoomOnce) {
  EXPECT_FALSE(reader.take_wants_room());
  writer.want_room();
  EXPECT_TRUE(reader.take_wants_room());
  EXPECT_FALSE(reader.take_wants_room());
}

// The reader sees that the writer has gone on without it, and both begin anew.
TEST_F(LanRing, AReaderThatIsLostSaysSo) {
  ASSERT_TRUE(write(Frame(100, 1)));
  head.position = 4096;
  EXPECT_EQ(read(), std::nullopt);
  EXPECT_FALSE(reader.is_waiting());
  EXPECT_TRUE(reader.is_refused());
  EXPECT_FALSE(reader.open(ring(), 1));
  writer.reader_position();
  EXPECT_TRUE(writer.take_restart());
  EXPECT_TRUE(reader.open(ring(), 1));
  ASSERT_TRUE(write(Frame(100, 2)));
  EXPECT_EQ(read(), Frame(100, 2));
}

// The reader goes to sleep while the writer turns back to the start: it has passed what
// holds no frame, and the frame that follows is still being written.
TEST_F(LanRing, AReaderThatFallsAsleepAtATurnLosesNothing) {
  constexpr std::uint32_t kFrames = 50'000;
  has_memory_for = 8192;  // it turns at every other frame
  std::atomic<bool> gives_up = false;
  std::jthread sender([&] {
    const Frame frame(3000, 7);
    std::uint32_t looks = 0;
    for (std::uint32_t i = 0; i < kFrames && !gives_up;) {
      if (writer.is_drained() && write(frame)) ++i;
      if (++looks % 10'000 == 0) std::this_thread::yield();
    }
  });
  std::uint32_t received = 0;
  while (received < kFrames && !reader.is_refused()) {
    while (reader.next()) ++received;
    reader.release();
    int looks = 0;
    while (looks < 10'000 && !reader.is_waiting()) ++looks;
    if (looks == 10'000) std::this_thread::yield();  // where there is one core
  }
  gives_up = true;
  EXPECT_EQ(received, kFrames);
  EXPECT_FALSE(reader.is_refused());
}

// Random bytes anywhere, at any time: what comes out lies in the ring, and after
// news of it both can talk again.
TEST_F(LanRing, RandomBytesCostFramesOnly) {
  Random random = Random::seeded(3);
  const auto spoil = [&random](void* at, std::size_t size) {
    random.fill({static_cast<std::uint8_t*>(at), size});
  };
  int recovered = 0;
  for (int round = 0; round < 20'000; ++round) {
    switch (random.below(5)) {
      case 0:
        spoil(&tail, sizeof tail);
        break;
      case 1:
        spoil(&head, sizeof head);
        break;
      case 2:
        spoil(memory().data() + random.below(kSize - 4096), 4096);
        break;
      case 3:
        // A header that belongs there, but says anything.
        random.fill(
            memory().subspan(static_cast<std::uint32_t>(head.position) % kSize / 64 * 64 + 4, 12));
        break;
      default:
        break;
    }
    for (int i = 0; i < 5; ++i) write(Frame(14 + random.below(3000), 9));
    for (int i = 0; i < 5; ++i) {
      const auto record = reader.next();
      if (!record) break;
      ASSERT_GE(record->frame.data(), memory().data());
      ASSERT_LE(record->frame.data() + record->frame.size(), memory().data() + kSize);
      ASSERT_LE(record->frame.size(), kMaxFrame);
    }
    reader.release();
    reader.is_waiting();
    // As a member does when it hears of a change.
    writer.reader_position();
    if (writer.take_restart()) ++recovered;
    reader.open(ring(), 1);
  }
  EXPECT_GT(recovered, 0);
}

}  // namespace
}  // namespace naru::link::lan
