// Card: a network card between a stack and a fuzz target.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>

#include <naru/link/link.hpp>

#include "sent.hpp"
#include "wire/print.hpp"

namespace naru::fuzz {

// With NARU_FUZZ_TRACE=1 every frame is shown: > from the stack, < to it.
inline void show(char direction, Time now, Bytes frame) {
  static const bool on = std::getenv("NARU_FUZZ_TRACE") != nullptr;
  if (!on) return;
  const double seconds = static_cast<double>(nanoseconds(now)) / 1e9;
  std::fprintf(stderr, "%c %.6f %s\n", direction, seconds, wire::print_frame(frame).c_str());
}

class Card final : public link::Link {
 public:
  static constexpr std::uint32_t kMtu = 1500;

  explicit Card(const MacAddr& mac) : mac_(mac) {}

  bool up = true;
  std::size_t room = std::numeric_limits<std::size_t>::max();
  // Not 0: frames come in chains of buffers of so many bytes.
  std::size_t split = 0;
  ChecksumState vouches = ChecksumState::unchecked;

  // For the stack's next poll; from it, checked.
  std::deque<Frame> waiting;
  std::deque<Frame> sent;

  link::Caps caps() const override { return {.mtu = kMtu}; }
  MacAddr mac() const override { return mac_; }
  bool is_up() const override { return up; }
  void attach(PacketPool* pool) override { pool_ = pool; }
  std::size_t transmit_room() override { return room; }

  std::size_t transmit(std::span<const TxFrame> burst, Time now) override {
    std::size_t taken = 0;
    for (const TxFrame& frame : burst) {
      if (frame.wire_frames() > room) break;
      room -= room == std::numeric_limits<std::size_t>::max() ? 0 : frame.wire_frames();
      for_each_frame(frame, [&](Frame bytes) {
        show('>', now, bytes);
        check_sent(bytes, kMtu);
        if (up) sent.push_back(std::move(bytes));
      });
      ++taken;
    }
    return taken;
  }

  std::size_t receive(std::span<Packet*> burst, Time now) override {
    std::size_t count = 0;
    while (count < burst.size() && !waiting.empty()) {
      show('<', now, waiting.front());
      Packet* packet = packet_of(waiting.front());
      waiting.pop_front();
      if (packet != nullptr) burst[count++] = packet;
    }
    return count;
  }

 private:
  Packet* packet_of(Bytes frame) {
    const std::size_t size = split == 0 ? frame.size() : std::min(split, frame.size());
    Packet* packet = pool_->take(static_cast<std::uint32_t>(size));
    if (packet == nullptr) return nullptr;
    std::copy_n(frame.begin(), size, packet->data);
    packet->length = static_cast<std::uint32_t>(size);
    packet->checksum = vouches;
    if (size == frame.size()) return packet;
    packet->more = packet_of(frame.subspan(size));
    if (packet->more != nullptr) return packet;
    pool_->give_back(packet);
    return nullptr;
  }

  const MacAddr mac_;
  PacketPool* pool_ = nullptr;
};

}  // namespace naru::fuzz
