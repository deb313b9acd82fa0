// The way of frames through a descriptor of the kernel's, a tap device's or a
// packet socket's: one system call a frame, each with a virtio network header, so
// that segments of up to 64 KiB cross whole.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <sys/uio.h>
#include <utility>

#include <naru/link/device.hpp>

#include "link/descriptor.hpp"
#include "link/vnet_hdr.hpp"

namespace naru::link {

class Port {
 public:
  // A non-blocking descriptor whose frames carry a VnetHeader.
  Port(Descriptor descriptor, DeviceKind kind);

  int descriptor() const { return descriptor_.number(); }
  template <class Move>
  void move_descriptor(const Move& move) {
    descriptor_.move_to(move);
  }
  // The device was removed: its descriptor will never be of use again, but be readable.
  bool is_gone() const { return is_gone_; }
  void attach(PacketPool* pool) { pool_ = pool; }
  const Link::Stats& stats() const { return stats_; }

  // Link's functions of the same names. The kernel does not say beforehand how
  // much it takes; once it has refused, there is no room until kRetry has passed
  // or receive() is called.
  std::size_t transmit_room() const { return blocked_ ? 0 : kRoom; }
  std::size_t transmit(std::span<const TxFrame> burst, Time now);
  std::size_t receive(std::span<Packet*> burst);
  Time next_deadline() const { return blocked_ ? retry_at_ : kTimeNever; }

 private:
  static constexpr std::size_t kRoom = 1U << 16U;
  static constexpr Duration kRetry = 1ms;

  enum class Sent : std::uint8_t { yes, later, never };
  Sent send(const TxFrame& frame);

  // A frame as the kernel gave it: the header, then `size` bytes of which the
  // first lie in a packet (if there was one) and the others in spill_.
  struct Raw {
    VnetHeader header;
    std::size_t size = 0;
    bool tagged = false;  // the kernel took a VLAN tag off:
    std::uint16_t tag_type = 0;
    std::uint16_t tag = 0;
  };
  // False when nothing waits.
  bool read(Packet* packet, Raw& raw);
  ssize_t read_socket(std::span<iovec> parts, Raw& raw);
  // The packet with all of the frame's bytes, in a buffer of the right class, or
  // nullptr (counted); `packet` is used or given back.
  Packet* settle(Packet* packet, std::size_t size);
  Packet* move_to(Packet* packet, std::size_t size);
  static void put_tag(Packet& packet, const Raw& raw);

  Descriptor descriptor_;
  const DeviceKind kind_;
  PacketPool* pool_ = nullptr;
  Link::Stats stats_;
  bool is_gone_ = false;
  bool blocked_ = false;
  Time retry_at_{};
  // The last frame was a large one: the next will be, so it is read into a large
  // buffer at once and not copied there.
  bool expect_large_ = false;
  // What a packet has no room for.
  std::unique_ptr<std::uint8_t[]> spill_;
};

}  // namespace naru::link
