#include "link/vnet_hdr.hpp"

#include <cstring>

#include "link/layout.hpp"
#include "wire/checksum.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace naru::link {

namespace {

constexpr std::size_t kTcpFlags = 13;

std::uint16_t load16(const std::uint8_t* p) {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
void store16(std::uint8_t* p, std::uint16_t v) { std::memcpy(p, &v, sizeof v); }

bool is_checksum_of(const Layout& layout, const VnetHeader& header) {
  return header.csum_start == layout.transport_offset &&
         header.csum_offset == layout.checksum_offset;
}

// One segment that stands for many: everything about it has to be true.
std::optional<Offload> check_large(const VnetHeader& header, Bytes frame) {
  const unsigned type = header.gso_type & ~unsigned{VnetHeader::kGsoEcn};
  if (type != VnetHeader::kGsoTcpV4 && type != VnetHeader::kGsoTcpV6) return std::nullopt;
  if (header.gso_size == 0) return std::nullopt;
  const auto layout = find_layout(frame);
  if (!layout || layout->protocol != Protocol::tcp) return std::nullopt;
  if (layout->ipv4 != (type == VnetHeader::kGsoTcpV4)) return std::nullopt;
  if ((header.flags & VnetHeader::kNeedsChecksum) != 0) {
    if (!is_checksum_of(*layout, header)) return std::nullopt;
  } else if ((header.flags & VnetHeader::kDataValid) == 0) {
    return std::nullopt;  // it was merged by somebody who had to know the sums
  }
  const std::uint32_t payload =
      layout->transport_offset + layout->transport_length - layout->header_length;
  const bool is_large = payload > header.gso_size;
  return Offload{ChecksumState::good, is_large ? header.gso_size : std::uint16_t{0}};
}

// What the sender left to be done, as its device would have done it.
void finish_checksum(MutableBytes frame, std::size_t start, std::size_t field) {
  const std::uint16_t checksum = wire::finish(wire::sum_bytes(frame.subspan(start)));
  wire::store_checksum(frame.data() + field, wire::Udp::nonzero(checksum));
}

}  // namespace

VnetHeader VnetHeader::load(const std::uint8_t* p) {
  return {p[0], p[1], load16(p + 2), load16(p + 4), load16(p + 6), load16(p + 8)};
}

void VnetHeader::store(std::uint8_t* p) const {
  p[0] = flags;
  p[1] = gso_type;
  store16(p + 2, header_length);
  store16(p + 4, gso_size);
  store16(p + 6, csum_start);
  store16(p + 8, csum_offset);
}

std::optional<Offload> check_offload(const VnetHeader& header, MutableBytes frame) {
  if (header.header_length > frame.size()) return std::nullopt;
  const bool needs_checksum = (header.flags & VnetHeader::kNeedsChecksum) != 0;
  const std::size_t field = std::size_t{header.csum_start} + header.csum_offset;
  if (needs_checksum && field + 2 > frame.size()) return std::nullopt;
  if (header.gso_type != VnetHeader::kGsoNone) return check_large(header, frame);
  if (needs_checksum) {
    const auto layout = find_layout(frame);
    if (layout && is_checksum_of(*layout, header)) return Offload{ChecksumState::good, 0};
    finish_checksum(frame, header.csum_start, field);
    return Offload{};
  }
  const bool valid = (header.flags & VnetHeader::kDataValid) != 0;
  return Offload{valid ? ChecksumState::good : ChecksumState::unchecked, 0};
}

VnetHeader describe_offload(const TxFrame& frame, std::uint8_t* headers) {
  VnetHeader header;
  header.header_length = frame.header_length;
  std::memcpy(headers, frame.header.data(), frame.header_length);
  if (!frame.needs_checksum) return header;

  const std::uint32_t start = frame.transport_offset;
  header.flags = VnetHeader::kNeedsChecksum;
  header.csum_start = frame.transport_offset;
  header.csum_offset =
      frame.protocol == Protocol::udp ? wire::Udp::kChecksumOffset : wire::Tcp::kChecksumOffset;
  // Here and there the length is that of the whole, also where it will be cut.
  const std::uint64_t sum = wire::add(frame.pseudo_sum, __builtin_bswap32(frame.length() - start));
  wire::store_checksum(headers + start + header.csum_offset, wire::fold(sum));

  if (frame.wire_frames() > 1) {
    const bool ipv4 = headers[frame.network_offset] >> 4U == 4;
    const bool cwr = (headers[start + kTcpFlags] & wire::kCwr) != 0;
    header.gso_type = ipv4 ? VnetHeader::kGsoTcpV4 : VnetHeader::kGsoTcpV6;
    if (cwr) header.gso_type |= VnetHeader::kGsoEcn;
    header.gso_size = frame.gso_size;
  }
  return header;
}

}  // namespace naru::link
