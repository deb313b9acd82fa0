// Link: what a stack asks of a network interface card.
//
//           transmit(burst)                       receive(burst)
//   stack ───────────────────> link ── wire ── link ──────────────────> stack
//          TxFrame: headers +                       Packet: from the
//          spans of payload                         receiver's pool
//
// Links are process objects (they may hold descriptors) and live outside the
// arena. They never call into a stack; an "interrupt" only says that frames wait.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <naru/base/bytes.hpp>
#include <naru/buf/packet.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>
#include <span>

namespace naru::link {

// What a link can do by itself; what it cannot, its edge does in software.
struct Caps {
  std::uint32_t mtu = 1500;         // largest IP packet on the wire
  std::uint32_t max_payload = 65'000;  // of a TxFrame with gso_size: largest that transmit() takes
  bool transmits_checksum = false;  // layer-4 checksums are made behind this point
};

// One frame, or one large segment that stands for many, on its way out. The
// payload spans stay the stack's; the link is done with them when transmit() returns.
struct TxFrame {
  static constexpr std::size_t kMaxHeader = 144;  // Ethernet + VLAN + IP + TCP, each at its longest
  static constexpr std::size_t kMaxSpans = 20;

  std::uint16_t header_length = 0;
  std::uint16_t network_offset = 0;    // of the IP header within header
  std::uint16_t transport_offset = 0;  // of the TCP or UDP header; 0 when there is none
  // Not 0: cut the payload into segments of this size, as RFC 9293 would have
  // sent them: sequence numbers and IP ids advance, FIN and PSH only on the last,
  // CWR only on the first.
  std::uint16_t gso_size = 0;
  // The layer-4 checksum field is still to be filled in: the sum over the pseudo
  // header without its length is in pseudo_sum (see wire/checksum.hpp).
  bool needs_checksum = false;
  Protocol protocol{};
  std::uint8_t span_count = 0;
  std::uint32_t payload_length = 0;
  std::uint64_t pseudo_sum = 0;
  alignas(16) std::array<std::uint8_t, kMaxHeader> header;
  std::array<Bytes, kMaxSpans> spans;

  std::uint32_t length() const { return header_length + payload_length; }
  // How many frames this becomes on a wire.
  std::uint32_t wire_frames() const {
    return gso_size == 0 || payload_length <= gso_size ? 1 : (payload_length + gso_size - 1) / gso_size;
  }
};

inline constexpr std::size_t kBurst = 64;

class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;

  virtual Caps caps() const = 0;
  virtual MacAddr mac() const = 0;
  // Down: nothing is carried; the stack keeps its connections.
  virtual bool is_up() const { return true; }

  // Where received frames go. Called once, before the first receive(); the pool
  // outlives the link or is detached with nullptr.
  virtual void attach(PacketPool* pool) = 0;

  // How many frames (as on the wire) transmit() takes now.
  virtual std::size_t transmit_room() = 0;
  // Takes frames in order and returns how many; the rest stay the caller's.
  virtual std::size_t transmit(std::span<const TxFrame> burst, Time now) = 0;

  // Fills `burst` with received frames, Ethernet header first, without FCS.
  virtual std::size_t receive(std::span<Packet*> burst, Time now) = 0;

  // When the link has something to do by itself (a delayed frame).
  virtual Time next_deadline() const { return kTimeNever; }
  // A descriptor that is readable when frames wait, or -1: then set_interrupt.
  virtual int descriptor() const { return -1; }
  // Called when frames begin to wait in an empty ring. Must only schedule a poll.
  virtual void set_interrupt(std::function<void()> callback) { (void)callback; }

  // Statistics of the device itself.
  struct Stats {
    std::uint64_t rx_frames = 0;
    std::uint64_t tx_frames = 0;
    std::uint64_t rx_bad_fcs = 0;
    std::uint64_t rx_no_buffer = 0;
    std::uint64_t rx_ring_full = 0;
    std::uint64_t rx_bad_offload = 0;
    std::uint64_t tx_refused = 0;
  };
  virtual Stats stats() const { return {}; }
};

}  // namespace naru::link
