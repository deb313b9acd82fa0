// Where the headers of a frame lie, for what a device says or wants to know of it.
#pragma once

#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

namespace naru::link {

// A frame with a whole TCP or UDP header, not a fragment; offsets from its start.
struct Layout {
  bool ipv4 = false;
  Protocol protocol{};
  std::uint32_t transport_offset = 0;
  std::uint32_t transport_length = 0;  // header and payload, without padding behind
  std::uint32_t checksum_offset = 0;   // of the field in the transport header
  std::uint32_t header_length = 0;     // everything before the payload
  IpAddr src;
  IpAddr dst;
};

std::optional<Layout> find_layout(Bytes frame);

// Writes the right TCP or UDP checksum, whatever is in the field. Leaves other
// frames alone, and a UDP datagram over IPv4 that says it has none.
void fill_checksum(MutableBytes frame);

}  // namespace naru::link
