// The virtio network header that Linux puts before a frame on a tap or a packet
// socket: which checksum is still to be made, and into what a large segment is
// to be cut (VIRTIO 1.2, 5.1.6; in the machine's byte order).
#pragma once

#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/buf/packet.hpp>
#include <naru/buf/tx_frame.hpp>

namespace naru::link {

struct VnetHeader {
  static constexpr std::size_t kSize = 10;

  // flags
  static constexpr std::uint8_t kNeedsChecksum = 1;
  static constexpr std::uint8_t kDataValid = 2;
  // gso_type
  static constexpr std::uint8_t kGsoNone = 0;
  static constexpr std::uint8_t kGsoTcpV4 = 1;
  static constexpr std::uint8_t kGsoTcpV6 = 4;
  static constexpr std::uint8_t kGsoEcn = 0x80;  // with one of the above: CWR is set

  std::uint8_t flags = 0;
  std::uint8_t gso_type = kGsoNone;
  std::uint16_t header_length = 0;  // a hint: headers before the payload
  std::uint16_t gso_size = 0;
  // The checksum covers everything from csum_start on, and its field stands
  // csum_offset behind that, holding the sum over the pseudo header.
  std::uint16_t csum_start = 0;
  std::uint16_t csum_offset = 0;

  static VnetHeader load(const std::uint8_t* p);
  void store(std::uint8_t* p) const;

  bool operator==(const VnetHeader&) const = default;
};

// What a received frame's header says, where it can be believed.
struct Offload {
  ChecksumState checksum = ChecksumState::unchecked;
  std::uint16_t gso_size = 0;

  bool operator==(const Offload&) const = default;
};

// Checks every field against the frame; none where they contradict it, and then
// the frame must be dropped. A checksum that is still to be made in other places
// than the frame's TCP or UDP header is made here.
std::optional<Offload> check_offload(const VnetHeader& header, MutableBytes frame);

// The header for `frame`, and in `headers` (room for frame.header_length bytes)
// its headers with what the kernel expects in the checksum field.
VnetHeader describe_offload(const TxFrame& frame, std::uint8_t* headers);

}  // namespace naru::link
