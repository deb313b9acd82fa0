// Segmentation at the edge of a link: one TxFrame becomes the frames that a wire
// carries, and the layer-4 checksum rides on the copy of the payload.
//
//   TxFrame   | headers | span | span      | span  |
//                            |         |         |      cut every gso_size bytes
//   wire      | headers'| seg  | headers'| seg   | ...
//
// What it writes is, byte for byte, what a stack without segmentation offload
// would have sent.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <naru/link/link.hpp>

namespace naru::link {

struct CutOptions {
  bool whole = false;     // the wire carries large segments: nothing is cut
  bool checksums = true;  // fill in the layer-4 checksums; without, the field stays as it is
};

// The writers below want at least this much room, however short the frame: headers
// are copied in whole vector registers.
inline constexpr std::size_t kMinRoom = TxFrame::kMaxHeader;

// Is it to become more than one frame?
inline bool is_to_be_cut(const TxFrame& frame, CutOptions options) {
  return !options.whole && frame.gso_size != 0 && frame.payload_length > frame.gso_size;
}

// Writes a frame that goes as it is to max(frame.length(), kMinRoom) bytes of room.
void write_whole(std::uint8_t* to, const TxFrame& frame, bool checksums);

// Writes the wire frames of one TxFrame, one after the other.
class Cutter {
 public:
  static constexpr std::size_t kMinRoom = link::kMinRoom;

  // The frame (and its payload) must outlive the cutter.
  explicit Cutter(const TxFrame& frame, CutOptions options = {});

  bool done() const { return done_; }
  // Bytes of the next frame, not padded.
  std::uint32_t size() const { return frame_.header_length + std::min(left_, segment_); }
  // Writes the next frame to max(size(), kMinRoom) bytes of room, and steps on.
  void write(std::uint8_t* to);
  // Steps on without writing.
  void skip();

 private:
  void prepare_template();
  void write_segment(std::uint8_t* to);
  void step(std::uint32_t payload);

  std::uint64_t copy_and_sum_payload(std::uint8_t* to, std::uint32_t size);
  std::uint64_t gather_and_sum(std::uint8_t* to, std::uint32_t size);
  void copy_payload(std::uint8_t* to, std::uint32_t size);
  void skip_payload(std::uint32_t size);
  void next_span();

  const TxFrame& frame_;
  std::uint32_t left_;     // payload bytes not yet written
  std::uint32_t segment_;  // payload bytes of a wire frame
  const bool checksums_;
  const bool cut_;  // into more than one
  bool done_ = false;

  // The rest of the span that the next payload byte is in.
  const std::uint8_t* at_ = nullptr;
  std::uint32_t span_left_ = 0;
  std::uint32_t next_span_ = 0;

  // Only when cut: what the next segment differs in ...
  std::uint32_t seq_ = 0;
  std::uint16_t id_ = 0;
  bool ipv4_ = false;
  std::uint8_t first_flags_ = 0;  // CWR, until the first segment has gone
  std::uint8_t last_flags_ = 0;   // FIN and PSH
  // ... the headers with 0 in the fields that differ, and the sums of those.
  std::uint64_t ip_sum_ = 0;
  std::uint64_t tcp_sum_ = 0;  // with the pseudo header except its length
  alignas(16) std::array<std::uint8_t, TxFrame::kMaxHeader> template_;
};

}  // namespace naru::link
