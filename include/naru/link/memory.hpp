// MemoryWire: a cable between two stacks of one process.
//
//   stack A ── a() ══ rx ring of B ══> b() ── stack B
//              a() <══ rx ring of A ══ b()
//
// transmit() copies each frame once, straight into a buffer of the receiving
// stack's pool, as a network card's DMA would. The rings are finite: a full one
// makes transmit() take fewer frames, a lack of buffers drops them (rx_no_buffer).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <naru/base/bytes.hpp>
#include <naru/link/link.hpp>

namespace naru::link {

struct MemoryWireOptions {
  std::uint32_t mtu = 1500;
  // A CRC-32 behind every frame, made by the sender, checked by the receiver.
  bool fcs = false;
  // Large segments cross as one frame, whatever the MTU.
  bool carries_large = false;
  // True: layer-4 checksums are made here and are for the receiver to verify.
  // False: nobody makes them, and the receiver is told that they are good, as
  // between virtual machines that trust their host. A frame that came with its
  // checksum made is to be verified all the same.
  bool checksums = true;
  // Frames that wait to be received at each end; rounded up to a power of two.
  std::uint32_t ring_size = 256;
  MacAddr mac_a{{0x02, 0x6e, 0x61, 0x72, 0x75, 0x0a}};
  MacAddr mac_b{{0x02, 0x6e, 0x61, 0x72, 0x75, 0x0b}};
};

class MemoryWire {
 public:
  explicit MemoryWire(const MemoryWireOptions& options = {});
  ~MemoryWire();

  Link& a();
  Link& b();

  // Unplugs or plugs the cable. While it is down, what is transmitted is lost
  // (tx_refused); what waits in a ring has arrived before and stays.
  void set_up(bool up);

  // Frame number `index` of those that wait to be received at `end` (one of the
  // two), as on the wire, with its FCS: for tests to look at and to damage.
  MutableBytes waiting(Link& end, std::size_t index);
  std::size_t waiting_count(Link& end);

 private:
  class End;
  End& end_of(Link& end);

  std::unique_ptr<End> a_;
  std::unique_ptr<End> b_;
};

}  // namespace naru::link
