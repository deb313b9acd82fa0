// NoisyCable: damages frames on their way over a MemoryWire, behind the point where
// the sender has made the FCS.
#pragma once

#include <naru/link/memory.hpp>
#include <naru/random/random.hpp>

namespace naru::test {

class NoisyCable final : public link::Link {
 public:
  // What `from` sends to `to`, the ends of the wire.
  NoisyCable(link::MemoryWire& wire, link::Link& from, link::Link& to, double damage,
             std::uint64_t seed)
      : wire_(wire), from_(from), to_(to), damage_(damage), random_(Random::seeded(seed)) {}

  // Frames that arrived damaged.
  std::uint64_t damaged() const { return damaged_; }

  link::Caps caps() const override { return from_.caps(); }
  MacAddr mac() const override { return from_.mac(); }
  bool is_up() const override { return from_.is_up(); }
  void attach(PacketPool* pool) override { from_.attach(pool); }
  std::size_t transmit_room() override { return from_.transmit_room(); }
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override {
    const std::size_t before = wire_.waiting_count(to_);
    const std::size_t taken = from_.transmit(burst, now);
    for (std::size_t i = before; i < wire_.waiting_count(to_); ++i) {
      if (random_.unit() < damage_) damage(wire_.waiting(to_, i));
    }
    return taken;
  }
  std::size_t receive(std::span<Packet*> burst, Time now) override {
    return from_.receive(burst, now);
  }
  Time next_deadline() const override { return from_.next_deadline(); }
  void set_interrupt(std::function<void()> callback) override {
    from_.set_interrupt(std::move(callback));
  }
  Stats stats() const override { return from_.stats(); }

 private:
  // A burst of errors somewhere in the frame.
  void damage(MutableBytes frame) {
    ++damaged_;
    const std::uint32_t length = 1 + random_.below(4);
    const std::uint32_t at = random_.below(static_cast<std::uint32_t>(frame.size()) - length + 1);
    for (std::uint32_t i = 0; i < length; ++i) {
      frame[at + i] ^= static_cast<std::uint8_t>(1 + random_.below(255));
    }
  }

  link::MemoryWire& wire_;
  link::Link& from_;
  link::Link& to_;
  const double damage_;
  Random random_;
  std::uint64_t damaged_ = 0;
};

}  // namespace naru::test
