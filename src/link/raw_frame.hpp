// A frame that is ready for the wire, as a TxFrame.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <naru/link/link.hpp>

namespace naru::link {

// Makes `frame` carry these bytes and nothing else. They stay the caller's and are
// sent as they are; the first of them stand in the header, like any frame's.
inline void set_raw(TxFrame& frame, Bytes bytes) {
  constexpr std::size_t kEthernetHeader = 14;
  const std::size_t header = std::min(bytes.size(), kEthernetHeader);
  frame.header_length = static_cast<std::uint16_t>(header);
  frame.network_offset = static_cast<std::uint16_t>(header);
  frame.transport_offset = 0;
  frame.gso_size = 0;
  frame.needs_checksum = false;
  frame.span_count = 1;
  frame.payload_length = static_cast<std::uint32_t>(bytes.size() - header);
  frame.pseudo_sum = 0;
  if (header != 0) std::memcpy(frame.header.data(), bytes.data(), header);
  frame.spans[0] = bytes.subspan(header);
}

}  // namespace naru::link
