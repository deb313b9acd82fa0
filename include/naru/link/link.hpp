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
#include <span>

#include <naru/base/bytes.hpp>
#include <naru/buf/packet.hpp>
#include <naru/buf/tx_frame.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

namespace naru::link {

// What a link can do by itself; what it cannot, its edge does in software.
struct Caps {
  std::uint32_t mtu = 1500;            // largest IP packet on the wire
  std::uint32_t max_payload = 65'000;  // of a TxFrame with gso_size: largest that transmit() takes
  bool transmits_checksum = false;     // layer-4 checksums are made behind this point, or by nobody
  bool carries_large = false;          // a TxFrame with gso_size stays in one piece, as on a tap
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

  // How many frames (as on the wire) transmit() takes now. A TxFrame is taken
  // whole or not at all, so one of more wire frames than this has to wait.
  virtual std::size_t transmit_room() = 0;
  // Takes frames in order and returns how many; the rest stay the caller's. An
  // empty burst only gives the link a chance to do what is due by `now`.
  virtual std::size_t transmit(std::span<const TxFrame> burst, Time now) = 0;

  // Fills `burst` with received frames, Ethernet header first, without FCS.
  virtual std::size_t receive(std::span<Packet*> burst, Time now) = 0;

  // When the link has something to do by itself (a delayed frame).
  virtual Time next_deadline() const { return kTimeNever; }
  // A descriptor that is readable when frames wait, or -1: then set_interrupt.
  virtual int descriptor() const { return -1; }
  // Before whoever drives the link sleeps on the descriptor: from now on it becomes
  // readable when frames come. False: some wait already, so do not sleep. Devices of
  // the kernel's need not be told.
  virtual bool arm() { return true; }
  // How many processes on this machine would run at once, whoever drives this link
  // included, if it went on looking instead of sleeping. 0: looking never pays.
  virtual unsigned runnable() const { return 0; }
  // Called when frames begin to wait in an empty ring, and when the link goes up or
  // down. Must only schedule a poll.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): those who override it keep it
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
