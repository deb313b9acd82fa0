// Cutting packets into fragments (RFC 791 3.2, RFC 8200 4.5).
#pragma once

#include <array>
#include <cstdint>

#include <naru/buf/packet.hpp>

#include "ip/context.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6_extension.hpp"

namespace naru::ip {

// In Packet::flags: the packet is to be cut when its turn in the output queue comes, for
// the MTU in Packet::seq. So a datagram of 64 KiB is one buffer until then, also while
// it waits for a neighbour.
inline constexpr std::uint16_t kToBeCut = 2;

// Cuts one frame after the other. The packet in it may be a fragment itself.
class Fragmenter {
 public:
  bool busy() const { return whole_ != nullptr; }
  // Takes a frame: Ethernet header, then an IPv4 packet, or an IPv6 one without extension
  // headers.
  void start(Context& context, Packet* whole);
  // The next piece as a frame of its own; nullptr when there is none left or no buffer is
  // free (then the rest is dropped: half a packet is of no use).
  Packet* next(Context& context);

 private:
  void start4();
  void start6(const Context& context);
  void write(std::uint8_t* to, std::uint32_t size);
  void write4(std::uint8_t* to, std::uint32_t size);
  void write6(std::uint8_t* to, std::uint32_t size);

  Packet* whole_ = nullptr;
  // What all further pieces begin with: Ethernet header and IP header (with that of the
  // fragment).
  std::array<std::uint8_t, wire::Ethernet::kHeaderSize + wire::Ipv4::kMaxHeaderSize> header_{};
  std::uint32_t header_size_ = 0;
  std::uint32_t mtu_ = 0;
  bool is_v6_ = false;
  std::uint16_t fragment_word_ = 0;  // of the whole: its own offset, and MF
  wire::Ipv6Fragment fragment_;      // of IPv6: the next one
  std::uint32_t packets6_ = 0;       // that were cut, for their identifications
};

}  // namespace naru::ip
