// A ring of a lan under any order of writing, reading and spoiling: nothing outside
// the ring is touched, whatever stands in it; and while nobody spoils anything, what
// is read is what was written, in order.
#include "link/lan_ring.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "base/check.hpp"
#include "input.hpp"

namespace naru::link::lan {
namespace {

constexpr std::uint32_t kSize = kMinRing;

class Bench final : public Memory {
 public:
  Bench() : memory_(static_cast<std::uint8_t*>(std::aligned_alloc(64, kSize)), std::free) {
    std::memset(memory_.get(), 0, kSize);
    NARU_CHECK(writer_.open(ring(), make_epoch(1, 1), *this));
    hear();
  }

  bool commit(const Ring&, std::uint32_t size) override { return size <= has_memory_for_; }

  void run(fuzz::Input input) {
    while (!input.done()) {
      switch (input.u8() % 8) {
        case 0:
        case 1:
          write(kMinFrame + input.size());
          break;
        case 2:
          write(std::min(kMinFrame + std::uint32_t{input.u16()}, kMaxFrame));
          break;
        case 3:
          read(1 + input.u8() % 16);
          break;
        case 4:
          reader_.release();
          break;
        case 5:
          NARU_CHECK(!reader_.is_waiting() || spoilt_ || !expected_.empty());
          hear();
          break;
        case 6:
          has_memory_for_ = 1U << (13 + input.u8() % 6);
          break;
        default:
          spoil(input);
          break;
      }
    }
  }

 private:
  Ring ring() { return {.base = memory_.get(), .size = kSize, .tail = &tail_, .head = &head_}; }

  void write(std::uint32_t size) {
    std::uint8_t* to = writer_.reserve(size, *this);
    if (to == nullptr) return;
    NARU_CHECK(to >= memory_.get() && to + size <= memory_.get() + kSize);
    const std::uint8_t fill = next_++;
    std::memset(to, fill, size);
    writer_.publish(size, fill, 0);
    expected_.push_back({size, fill});
  }

  void read(std::uint32_t count) {
    for (; count != 0; --count) {
      const auto record = reader_.next();
      NARU_CHECK(record || spoilt_ || expected_.empty());
      if (!record) return;
      const std::vector<std::uint8_t> copy(record->frame.begin(), record->frame.end());
      NARU_CHECK(copy.size() >= kMinFrame && copy.size() <= kMaxFrame);
      if (spoilt_) continue;
      const Sent& sent = expected_.front();
      NARU_CHECK(copy.size() == sent.size && record->gso_size == sent.fill);
      NARU_CHECK(copy.front() == sent.fill && copy.back() == sent.fill);
      expected_.pop_front();
    }
  }

  // As members do when somebody announces a change.
  void hear() {
    writer_.reader_position();
    writer_.take_restart();
    reader_.open(ring(), 1);
  }

  void spoil(fuzz::Input& input) {
    spoilt_ = true;
    const std::uint8_t what = input.u8();
    std::uint32_t at = std::uint32_t{input.u8()} * 64 + input.u8() % 64;
    if (what % 4 == 3) at = static_cast<std::uint32_t>(head_.position) % kSize;
    const Bytes bytes = input.take(1 + input.u8() % 64);
    MutableBytes target(memory_.get(), kSize);
    if (what % 4 == 0) target = {reinterpret_cast<std::uint8_t*>(&tail_), sizeof tail_};
    if (what % 4 == 1) target = {reinterpret_cast<std::uint8_t*>(&head_), sizeof head_};
    target = target.subspan(at % target.size());
    std::copy_n(bytes.begin(), std::min(bytes.size(), target.size()), target.begin());
  }

  struct Sent {
    std::uint32_t size;
    std::uint8_t fill;
  };

  std::unique_ptr<std::uint8_t, void (*)(void*)> memory_;
  Tail tail_{};
  Head head_{};
  RingWriter writer_;
  RingReader reader_;
  std::uint32_t has_memory_for_ = kSize;
  std::uint8_t next_ = 1;
  bool spoilt_ = false;
  std::deque<Sent> expected_;
};

}  // namespace
}  // namespace naru::link::lan

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  naru::link::lan::Bench().run(naru::fuzz::Input({data, size}));
  return 0;
}
