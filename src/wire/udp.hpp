// User Datagram Protocol (RFC 768).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/checksum.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

// The header to be sent.
struct Udp {
  static constexpr std::size_t kHeaderSize = 8;
  static constexpr std::size_t kChecksumOffset = 6;

  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  std::uint16_t length = kHeaderSize;  // header and payload

  // Writes kHeaderSize bytes with the checksum field 0: "no checksum".
  void emit(std::uint8_t* p) const { store_word64(p, word()); }

  // Writes kHeaderSize bytes, checksum included. `payload_sum` is what
  // copy_and_sum() said of the payload.
  void emit(std::uint8_t* p, const IpAddr& src, const IpAddr& dst,
            std::uint64_t payload_sum) const {
    const std::uint64_t pseudo = pseudo_header_sum(src, dst, Protocol::udp, length);
    const std::uint16_t checksum = finish(add(add(pseudo, payload_sum), word()));
    store_word64(p, word() | std::uint64_t{nonzero(checksum)} << 48U);
  }

  // Zero means "no checksum", so a checksum that comes out as zero is sent as
  // its other representation.
  static constexpr std::uint16_t nonzero(std::uint16_t checksum) {
    return checksum == 0 ? std::uint16_t{0xffff} : checksum;
  }

 private:
  // The header with no checksum.
  std::uint64_t word() const {
    return be16(src_port) | be16(dst_port) << 16U | be16(length) << 32U;
  }
};

// A datagram whose length field agrees with the bytes there are; bytes behind
// it are no part of the view.
class UdpView {
 public:
  static std::optional<UdpView> parse(Bytes datagram) {
    if (datagram.size() < Udp::kHeaderSize) return std::nullopt;
    const std::uint16_t length = load_be16(datagram.data() + 4);
    if (length < Udp::kHeaderSize || length > datagram.size()) return std::nullopt;
    return UdpView(datagram.first(length));
  }

  std::uint16_t src_port() const { return load_be16(datagram_.data()); }
  std::uint16_t dst_port() const { return load_be16(datagram_.data() + 2); }
  std::uint16_t length() const { return static_cast<std::uint16_t>(datagram_.size()); }
  std::uint16_t checksum() const { return load_be16(datagram_.data() + Udp::kChecksumOffset); }
  bool has_checksum() const { return checksum() != 0; }

  // Over IPv4 no checksum is right too; over IPv6 it is not (RFC 8200 8.1).
  bool checksum_ok(const IpAddr& src, const IpAddr& dst) const {
    if (!has_checksum()) return src.is_v4();
    return verifies(sum_bytes(datagram_, pseudo_header_sum(src, dst, Protocol::udp, length())));
  }

  Bytes payload() const { return datagram_.subspan(Udp::kHeaderSize); }
  // Header and payload without what lay behind them.
  Bytes bytes() const { return datagram_; }

 private:
  explicit UdpView(Bytes datagram) : datagram_(datagram) {}

  Bytes datagram_;
};

}  // namespace naru::wire
