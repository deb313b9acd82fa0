// FaultLink: a bad network in front of a link.
//
//   stack ── transmit ──> [ loss, damage, rate, delay, reorder, copies ] ──> link
//   stack <────────────────────────── receive ────────────────────────────── link
//
// It treats what is transmitted; put one on both ends of a wire to treat both
// directions. Large segments are cut first, so that each wire frame has its own
// fate. Same options, same frames, same times: same bytes out, whatever the machine.
//
// Frames that wait are released by whatever call comes at or after their time:
// transmit() (also of an empty burst), receive() or advance(). A stack's
// poll(now) does the first two on each of its links and takes next_deadline()
// into its own, so whoever drives a stack drives its faults.
#pragma once

#include <cstdint>
#include <vector>

#include <naru/link/link.hpp>
#include <naru/random/random.hpp>

namespace naru::link {

struct FaultOptions {
  std::uint64_t seed = 1;

  // Probabilities from 0 to 1. Each is drawn by itself, from its own random
  // numbers: to change one leaves the others' choices as they were.
  double loss = 0;
  // One byte, any of the frame's, changes. The Internet checksum notices each
  // such change of what it covers. An FCS is computed behind this link, so it
  // does not: this is damage inside a switch or a host, not on a cable.
  double corrupt = 0;
  double duplicate = 0;
  // The frame is late by up to reorder_delay, and later ones overtake it.
  double reorder = 0;
  Duration reorder_delay = 1ms;

  // Of every frame; jitter is uniform from 0, and does not change the order.
  Duration delay{};
  Duration jitter{};

  // Bits per second of frames without preamble and FCS; 0: no limit.
  std::uint64_t rate = 0;
  // Bytes that may wait for the rate, and frames that may wait for anything;
  // more are dropped (queue_drops).
  std::uint32_t queue_bytes = 256 * 1024;
  std::uint32_t max_frames = 16'384;
};

struct FaultStats {
  std::uint64_t lost = 0;
  std::uint64_t corrupted = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t queue_drops = 0;
};

class FaultLink final : public Link {
 public:
  // `inner` outlives this link.
  explicit FaultLink(Link& inner, const FaultOptions& options = {});

  // From the next frame on; frames that wait keep their time, and the random
  // numbers go on where they are (the seed counts only at the start).
  void set_options(const FaultOptions& options) { options_ = options; }
  const FaultStats& fault_stats() const { return stats_; }
  // Frames that wait for their time.
  std::size_t waiting() const { return held_.size(); }
  // Releases what is due.
  void advance(Time now);

  Caps caps() const override;
  MacAddr mac() const override { return inner_.mac(); }
  bool is_up() const override { return inner_.is_up(); }
  void attach(PacketPool* pool) override { inner_.attach(pool); }
  std::size_t transmit_room() override;
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;
  Time next_deadline() const override;
  int descriptor() const override { return inner_.descriptor(); }
  bool arm() override { return inner_.arm(); }
  unsigned runnable() const override { return inner_.runnable(); }
  void set_interrupt(std::function<void()> callback) override {
    inner_.set_interrupt(std::move(callback));
  }
  Stats stats() const override { return inner_.stats(); }

 private:
  using Buffer = std::vector<std::uint8_t>;

  struct Held {
    Time due;
    std::uint64_t order;  // among those due at once
    Buffer bytes;
  };
  struct Dice {
    Dice(std::uint64_t seed, std::uint64_t kind) : random(Random::seeded(seed * 8 + kind)) {}
    bool roll(double probability) { return random.unit() < probability; }
    Random random;
  };

  static bool is_later(const Held& a, const Held& b);
  Buffer take_buffer(std::size_t size);
  void recycle(Buffer buffer);
  void meet_fate(Buffer bytes, Time now);
  void damage(Buffer& bytes);
  // When the last bit of `size` bytes has left, or never: the queue is full.
  Time departure(std::size_t size, Time now);
  void hold(Buffer bytes, Time due);

  Link& inner_;
  FaultOptions options_;
  FaultStats stats_;
  Dice loss_;
  Dice corrupt_;
  Dice duplicate_;
  Dice reorder_;
  Dice jitter_;

  Time wire_free_ = Time::min();  // when the rate lets the next frame begin
  std::uint64_t remainder_ = 0;   // of the division by the rate
  Time last_due_ = Time::min();   // of those in order
  bool blocked_ = false;          // the inner link took no more
  Time blocked_at_{};

  std::uint64_t next_order_ = 0;
  std::vector<Held> held_;  // a heap, the earliest in front
  std::vector<Buffer> spare_;
};

}  // namespace naru::link
