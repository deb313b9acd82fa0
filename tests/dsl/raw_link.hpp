// RawLink: a network card whose wire is two lists of frames.
#pragma once

#include <deque>
#include <vector>

#include <naru/link/link.hpp>

#include "dsl/frame.hpp"

namespace naru::test {

// The frames that a TxFrame becomes on a wire: cut to gso_size and with every
// checksum in place, by a naive reading of naru/buf/tx_frame.hpp of its own.
std::vector<Buffer> on_the_wire(const TxFrame& frame);

class RawLink final : public link::Link {
 public:
  // How received frames are given to the stack.
  struct Receive {
    ChecksumState checksum = ChecksumState::unchecked;
    std::uint16_t gso_size = 0;
    // Not 0: each frame comes as a chain of buffers of this many bytes.
    std::size_t split = 0;
  };

  link::Caps card;
  MacAddr address;
  bool up = true;
  // How many more frames transmit() takes.
  std::size_t room = SIZE_MAX;
  // It learns that there is no room only by trying, as a device does whose queue others fill.
  bool promises_too_much = false;
  Receive rx;

  // What the stack has sent and nobody has looked at yet.
  std::deque<Frame> sent;
  // Waits for the stack's next poll.
  std::deque<Buffer> waiting;

  link::Caps caps() const override { return card; }
  MacAddr mac() const override { return address; }
  bool is_up() const override { return up; }
  void attach(PacketPool* pool) override { pool_ = pool; }
  std::size_t transmit_room() override { return promises_too_much ? SIZE_MAX : room; }
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;
  Stats stats() const override { return stats_; }

 private:
  Packet* packet_of(Bytes frame);
  Packet* chain_of(Bytes frame);

  PacketPool* pool_ = nullptr;
  Stats stats_;
};

}  // namespace naru::test
