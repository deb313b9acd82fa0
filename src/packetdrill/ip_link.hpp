// IpLink: a network card on a wire of bare IP packets, as the tool has them.
#pragma once

#include <deque>
#include <vector>

#include <naru/link/link.hpp>

namespace naru::packetdrill {

// The stack sees Ethernet: packets toward it get a frame header, and its ARP
// requests are answered in everybody's name. Nothing of that reaches the tool.
class IpLink final : public link::Link {
 public:
  struct Sent {
    Time at{};
    std::vector<std::uint8_t> packet;
  };

  explicit IpLink(std::uint32_t mtu) : mtu_(mtu) {}

  // Toward the stack.
  void send(Bytes packet);
  // From the stack, in order.
  std::deque<Sent>& sent() { return sent_; }
  bool has_waiting() const { return !waiting_.empty(); }

  link::Caps caps() const override { return {.mtu = mtu_}; }
  MacAddr mac() const override { return kHostMac; }
  void attach(PacketPool* pool) override { pool_ = pool; }
  std::size_t transmit_room() override { return SIZE_MAX; }
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;

 private:
  static constexpr MacAddr kHostMac{{0x02, 0, 0, 0, 0, 1}};
  static constexpr MacAddr kOthersMac{{0x02, 0, 0, 0, 0, 2}};

  void take(Bytes frame, Time now);
  void answer_arp(Bytes request);

  std::uint32_t mtu_;
  PacketPool* pool_ = nullptr;
  std::deque<std::vector<std::uint8_t>> waiting_;
  std::deque<Sent> sent_;
};

}  // namespace naru::packetdrill
