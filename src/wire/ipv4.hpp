// Internet Protocol version 4 (RFC 791).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/checksum.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

// The header to be sent. `tos` is DSCP and ECN (RFC 2474, RFC 3168).
struct Ipv4 {
  static constexpr std::size_t kHeaderSize = 20;
  static constexpr std::size_t kMaxHeaderSize = 60;
  static constexpr std::size_t kMaxOptions = kMaxHeaderSize - kHeaderSize;
  static constexpr std::size_t kMaxPacket = 65535;
  static constexpr std::size_t kChecksumOffset = 10;

  IpAddr src;
  IpAddr dst;
  Protocol protocol = Protocol::tcp;
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t id = 0;
  std::uint16_t fragment_offset = 0;  // in bytes, a multiple of 8
  std::uint16_t total_length = 0;     // header, options and payload

  // The word at offset 6: flags and the offset in units of 8 bytes.
  constexpr std::uint16_t fragment_word() const {
    return static_cast<std::uint16_t>((dont_fragment ? 0x4000U : 0U) |
                                      (more_fragments ? 0x2000U : 0U) | (fragment_offset >> 3U));
  }

  // Writes kHeaderSize bytes, checksum included.
  void emit(std::uint8_t* p) const { emit(p, kHeaderSize, 0); }

  // The same with options (at most kMaxOptions bytes) padded with zeros to a
  // multiple of 4; gives the size written.
  std::size_t emit_with_options(std::uint8_t* p, Bytes options) const;

 private:
  void emit(std::uint8_t* p, std::size_t header_size, std::uint64_t options_sum) const {
    const std::uint64_t first = 0x40U | (header_size / 4) | std::uint64_t{tos} << 8U |
                                be16(total_length) << 16U | be16(id) << 32U |
                                be16(fragment_word()) << 48U;
    const std::uint64_t second = ttl | std::uint64_t{static_cast<std::uint8_t>(protocol)} << 8U |
                                 std::uint64_t{ipv4_word(src)} << 32U;
    const std::uint32_t third = ipv4_word(dst);
    const std::uint64_t sum = add(add(add(first, second), third), options_sum);
    store_word64(p, first);
    store_word64(p + 8, second | std::uint64_t{finish(sum)} << 16U);
    store_word32(p + 16, third);
  }
};

// A packet whose lengths agree with each other and with the bytes there are.
// Lengths are read once, so that bytes which change afterwards cannot lead a
// view outside.
class Ipv4View {
 public:
  // None where the version is not 4, the header is shorter than 20 bytes or
  // longer than the packet, or the packet is longer than the bytes. Bytes
  // behind the total length (Ethernet padding) are no part of the view.
  // The checksum is not looked at: see header_checksum_ok().
  static std::optional<Ipv4View> parse(Bytes packet) {
    if (packet.size() < Ipv4::kHeaderSize) return std::nullopt;
    const std::uint8_t* p = packet.data();
    const unsigned version_ihl = p[0];
    const std::uint16_t total = load_be16(p + 2);
    const unsigned header = (version_ihl & 0x0fU) * 4;
    if (version_ihl >> 4U != 4 || header < Ipv4::kHeaderSize) return std::nullopt;
    if (header > total || total > packet.size()) return std::nullopt;
    return Ipv4View(p, total, static_cast<std::uint8_t>(header));
  }

  // Of the start of a packet, as an ICMP error quotes it: the same, but the
  // packet may be longer than the bytes; total_length() is then what is there.
  static std::optional<Ipv4View> parse_quote(Bytes quote);

  std::size_t header_size() const { return header_size_; }
  std::uint16_t total_length() const { return total_length_; }
  std::uint8_t tos() const { return data_[1]; }
  std::uint8_t dscp() const { return static_cast<std::uint8_t>(tos() >> 2U); }
  std::uint8_t ecn() const { return tos() & 3U; }
  std::uint16_t id() const { return load_be16(data_ + 4); }
  bool dont_fragment() const { return (data_[6] & 0x40U) != 0; }
  bool more_fragments() const { return (data_[6] & 0x20U) != 0; }
  // In bytes.
  std::uint16_t fragment_offset() const {
    return static_cast<std::uint16_t>(load_be16(data_ + 6) << 3U);
  }
  // A piece of a packet, first, middle or last.
  bool is_fragment() const { return (load_be16(data_ + 6) & 0x3fffU) != 0; }
  std::uint8_t ttl() const { return data_[8]; }
  Protocol protocol() const { return static_cast<Protocol>(data_[9]); }
  std::uint16_t checksum() const { return load_be16(data_ + Ipv4::kChecksumOffset); }
  IpAddr src() const { return load_ipv4(data_ + 12); }
  IpAddr dst() const { return load_ipv4(data_ + 16); }

  bool header_checksum_ok() const {
    if (header_size_ == Ipv4::kHeaderSize) return verifies(sum_fixed<Ipv4::kHeaderSize>(data_));
    return long_header_checksum_ok();
  }

  bool has_options() const { return header_size_ > Ipv4::kHeaderSize; }
  Bytes options() const { return {data_ + Ipv4::kHeaderSize, header_size_ - Ipv4::kHeaderSize}; }
  Bytes payload() const {
    return {data_ + header_size_, std::size_t{total_length_} - header_size_};
  }
  // Header and payload without what lay behind them.
  Bytes bytes() const { return {data_, total_length_}; }

 private:
  Ipv4View(const std::uint8_t* data, std::uint16_t total_length, std::uint8_t header_size)
      : data_(data), total_length_(total_length), header_size_(header_size) {}

  bool long_header_checksum_ok() const;

  const std::uint8_t* data_;
  std::uint16_t total_length_;
  std::uint8_t header_size_;
};

}  // namespace naru::wire
