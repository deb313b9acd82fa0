// Any virtio network header with any frame: what a device says of a frame is
// believed only where it is true of the frame, and nothing is read or written
// outside. The input is the header (10 bytes) and then the frame.
#include "link/vnet_hdr.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <naru/base/bytes.hpp>

#include "base/check.hpp"
#include "link/layout.hpp"

namespace naru::link {
namespace {

using Buffer = std::vector<std::uint8_t>;

void check_layout(const Layout& layout, Bytes frame) {
  NARU_CHECK(layout.transport_offset + layout.transport_length <= frame.size());
  NARU_CHECK(layout.header_length <= layout.transport_offset + layout.transport_length);
  NARU_CHECK(layout.transport_offset + layout.checksum_offset + 2 <= layout.header_length);
}

void check_header(const VnetHeader& header, Bytes bytes) {
  std::array<std::uint8_t, VnetHeader::kSize> stored;
  header.store(stored.data());
  NARU_CHECK(std::equal(stored.begin(), stored.end(), bytes.begin()));
}

void check_believed(const VnetHeader& header, const Offload& offload, Bytes before, Bytes after) {
  NARU_CHECK(header.header_length <= before.size());
  if (offload.gso_size != 0) {
    const auto layout = find_layout(after);
    NARU_CHECK(layout && layout->protocol == Protocol::tcp);
    NARU_CHECK(layout->transport_offset + layout->transport_length - layout->header_length >
               offload.gso_size);
    NARU_CHECK(offload.checksum == ChecksumState::good);
  }
  // Only two bytes may have changed, and only for a checksum made in software.
  const bool finished = (header.flags & VnetHeader::kNeedsChecksum) != 0 &&
                        offload.checksum == ChecksumState::unchecked;
  const std::size_t field = std::size_t{header.csum_start} + header.csum_offset;
  for (std::size_t i = 0; i < before.size(); ++i) {
    NARU_CHECK(before[i] == after[i] || (finished && (i == field || i == field + 1)));
  }
}

void check(Bytes input) {
  const Bytes head = input.first(VnetHeader::kSize);
  const Bytes bytes = input.subspan(VnetHeader::kSize);
  const VnetHeader header = VnetHeader::load(head.data());
  check_header(header, head);
  // A buffer of its own, so that the sanitizer sees the frame's ends.
  Buffer frame(bytes.begin(), bytes.end());
  if (const auto layout = find_layout(frame)) check_layout(*layout, frame);
  const auto offload = check_offload(header, frame);
  if (offload) {
    check_believed(header, *offload, bytes, frame);
  } else {
    NARU_CHECK(std::equal(frame.begin(), frame.end(), bytes.begin(), bytes.end()));
  }
  fill_checksum(frame);
}

}  // namespace
}  // namespace naru::link

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size >= naru::link::VnetHeader::kSize) naru::link::check({data, size});
  return 0;
}
