// Transmission Control Protocol: the header (RFC 9293 3.1). Its options are in
// tcp_options.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/checksum.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

// Control bits, to be combined with | (RFC 9293 3.1, RFC 3168).
inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kUrg = 0x20;
inline constexpr std::uint8_t kEce = 0x40;
inline constexpr std::uint8_t kCwr = 0x80;

// The header to be sent.
struct Tcp {
  static constexpr std::size_t kHeaderSize = 20;
  static constexpr std::size_t kMaxHeaderSize = 60;
  static constexpr std::size_t kMaxOptions = kMaxHeaderSize - kHeaderSize;
  static constexpr std::size_t kChecksumOffset = 16;

  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint16_t urgent_pointer = 0;

  // Writes kHeaderSize bytes with the checksum field 0 and gives their sum. The
  // caller writes the options behind them (`options_size`, a multiple of 4)
  // and completes the header with emit_checksum().
  std::uint64_t emit(std::uint8_t* p, std::size_t options_size) const {
    const std::uint64_t first = be16(src_port) | be16(dst_port) << 16U | be32(seq) << 32U;
    const std::uint64_t second = be32(ack) | (kHeaderSize + options_size) << 34U |
                                 std::uint64_t{flags} << 40U | be16(window) << 48U;
    const std::uint64_t third = be16(urgent_pointer) << 16U;
    store_word64(p, first);
    store_word64(p + 8, second);
    store_word32(p + 16, static_cast<std::uint32_t>(third));
    return add(add(first, second), third);
  }

  // Fills in the checksum. `length` is that of header and payload, `sum` that of
  // the whole segment: what emit() gave, the options and the payload.
  static void emit_checksum(std::uint8_t* p, const IpAddr& src, const IpAddr& dst,
                            std::uint32_t length, std::uint64_t sum) {
    const std::uint64_t pseudo = pseudo_header_sum(src, dst, Protocol::tcp, length);
    store_checksum(p + kChecksumOffset, finish(add(pseudo, sum)));
  }
};

// A segment whose data offset agrees with the bytes there are. The offset is
// read once.
class TcpView {
 public:
  // None where the segment is shorter than 20 bytes, or the data offset below
  // 5 or past the end.
  static std::optional<TcpView> parse(Bytes segment) {
    if (segment.size() < Tcp::kHeaderSize) return std::nullopt;
    const unsigned header = (segment[12] >> 4U) * 4U;
    if (header < Tcp::kHeaderSize || header > segment.size()) return std::nullopt;
    return TcpView(segment, static_cast<std::uint8_t>(header));
  }

  std::uint16_t src_port() const { return load_be16(segment_.data()); }
  std::uint16_t dst_port() const { return load_be16(segment_.data() + 2); }
  std::uint32_t seq() const { return load_be32(segment_.data() + 4); }
  std::uint32_t ack() const { return load_be32(segment_.data() + 8); }
  std::size_t header_size() const { return header_size_; }
  std::uint8_t flags() const { return segment_[13]; }
  bool has(std::uint8_t flag) const { return (flags() & flag) != 0; }
  std::uint16_t window() const { return load_be16(segment_.data() + 14); }
  std::uint16_t checksum() const { return load_be16(segment_.data() + Tcp::kChecksumOffset); }
  std::uint16_t urgent_pointer() const { return load_be16(segment_.data() + 18); }

  bool checksum_ok(const IpAddr& src, const IpAddr& dst) const {
    const auto length = static_cast<std::uint32_t>(segment_.size());
    return verifies(sum_bytes(segment_, pseudo_header_sum(src, dst, Protocol::tcp, length)));
  }

  Bytes options() const {
    return {segment_.data() + Tcp::kHeaderSize, header_size_ - Tcp::kHeaderSize};
  }
  Bytes payload() const { return {segment_.data() + header_size_, segment_.size() - header_size_}; }
  Bytes bytes() const { return segment_; }

 private:
  TcpView(Bytes segment, std::uint8_t header_size) : segment_(segment), header_size_(header_size) {}

  Bytes segment_;
  std::uint8_t header_size_;
};

}  // namespace naru::wire
