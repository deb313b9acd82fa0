// TxFrame: a frame on its way out, as headers plus references to payload.
#pragma once

#include <array>
#include <cstdint>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru {

// One frame, or one large segment that stands for many, on its way out. The
// payload spans stay the stack's; the link is done with them when transmit() returns.
struct TxFrame {
  static constexpr std::size_t kMaxHeader = 144;  // Ethernet + VLAN + IP + TCP, each at its longest
  static constexpr std::size_t kMaxSpans = 20;

  std::uint16_t header_length = 0;
  std::uint16_t network_offset = 0;    // of the IP header within header
  std::uint16_t transport_offset = 0;  // of the TCP or UDP header; 0 when there is none
  // Not 0: a TCP segment that stands for many of this payload size. The headers
  // are those of the whole: their lengths count all of the payload. Where that is
  // no more than one gso_size it is an ordinary frame. Otherwise protocol is tcp and
  // needs_checksum true, and it is cut as RFC 9293 would have sent it: sequence
  // numbers and IPv4 ids advance, FIN and PSH only on the last, CWR only on the first.
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
    return gso_size == 0 || payload_length <= gso_size ? 1
                                                       : (payload_length + gso_size - 1) / gso_size;
  }
};

}  // namespace naru
