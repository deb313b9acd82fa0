// Cutting packets into fragments (RFC 791 3.2).
#pragma once

#include <array>
#include <cstdint>

#include <naru/buf/packet.hpp>

#include "ip/context.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"

namespace naru::ip {

// In Packet::flags: the packet is to be cut when its turn in the output queue comes, for
// the MTU in Packet::seq. So a datagram of 64 KiB is one buffer until then, also while
// it waits for a neighbour.
inline constexpr std::uint16_t kToBeCut = 2;

// Cuts one frame after the other. The packet in it may be a fragment itself.
class Fragmenter {
 public:
  bool busy() const { return whole_ != nullptr; }
  // Takes a frame: Ethernet header, then an IPv4 packet.
  void start(Packet* whole);
  // The next piece as a frame of its own; nullptr when there is none left or no buffer is
  // free (then the rest is dropped: half a packet is of no use).
  Packet* next(Context& context);

 private:
  void write(std::uint8_t* to, std::uint32_t size);

  Packet* whole_ = nullptr;
  // What all further pieces begin with: Ethernet header and IPv4 header.
  std::array<std::uint8_t, wire::Ethernet::kHeaderSize + wire::Ipv4::kMaxHeaderSize> header_{};
  std::uint32_t header_size_ = 0;
  std::uint32_t mtu_ = 0;
  std::uint16_t fragment_word_ = 0;  // of the whole: its own offset, and MF
};

}  // namespace naru::ip
