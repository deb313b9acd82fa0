// Internet Control Message Protocol for IPv4 (RFC 792, RFC 1191).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/checksum.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

enum class Icmpv4Type : std::uint8_t {
  echo_reply = 0,
  unreachable = 3,
  redirect = 5,
  echo_request = 8,
  time_exceeded = 11,
  parameter_problem = 12,
};

// Codes of Icmpv4Type::unreachable.
enum class Icmpv4Unreachable : std::uint8_t {
  network = 0,
  host = 1,
  protocol = 2,
  port = 3,
  fragmentation_needed = 4,
  source_route_failed = 5,
  prohibited = 13,  // RFC 1812 5.2.7.1
};

// The header of a message to be sent: 8 bytes for every type here.
struct Icmpv4 {
  static constexpr std::size_t kHeaderSize = 8;
  static constexpr std::size_t kChecksumOffset = 2;

  Icmpv4Type type = Icmpv4Type::echo_request;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // the four bytes after the checksum, in host order

  static constexpr Icmpv4 echo(Icmpv4Type type, std::uint16_t id, std::uint16_t seq) {
    return {type, 0, (std::uint32_t{id} << 16U) | seq};
  }
  // The next-hop MTU goes with fragmentation_needed only (RFC 1191 4).
  static constexpr Icmpv4 unreachable(Icmpv4Unreachable code, std::uint16_t next_hop_mtu = 0) {
    return {Icmpv4Type::unreachable, static_cast<std::uint8_t>(code), next_hop_mtu};
  }
  // Code 0: TTL exceeded in transit; 1: reassembly time exceeded.
  static constexpr Icmpv4 time_exceeded(std::uint8_t code) {
    return {Icmpv4Type::time_exceeded, code, 0};
  }
  // The pointer is the offset in the quoted packet of the byte that is wrong.
  static constexpr Icmpv4 parameter_problem(std::uint8_t pointer) {
    return {Icmpv4Type::parameter_problem, 0, std::uint32_t{pointer} << 24U};
  }
  static constexpr Icmpv4 redirect(std::uint8_t code, const IpAddr& gateway) {
    return {Icmpv4Type::redirect, code, gateway.to_v4()};
  }

  // Writes kHeaderSize bytes. The checksum covers the whole message:
  // `payload_sum` is what copy_and_sum() said of the bytes behind the header.
  void emit(std::uint8_t* p, std::uint64_t payload_sum) const {
    const std::uint64_t word =
        static_cast<std::uint8_t>(type) | std::uint64_t{code} << 8U | be32(rest) << 32U;
    store_word64(p, word | std::uint64_t{finish(add(word, payload_sum))} << 16U);
  }
};

// A message of at least a header.
class Icmpv4View {
 public:
  static std::optional<Icmpv4View> parse(Bytes message) {
    if (message.size() < Icmpv4::kHeaderSize) return std::nullopt;
    return Icmpv4View(message);
  }

  Icmpv4Type type() const { return static_cast<Icmpv4Type>(message_[0]); }
  std::uint8_t code() const { return message_[1]; }
  std::uint16_t checksum() const { return load_be16(message_.data() + 2); }
  bool checksum_ok() const { return verifies(sum_bytes(message_)); }

  // Of an error: it is never answered with an error (RFC 1122 3.2.2).
  bool is_error() const {
    switch (type()) {
      case Icmpv4Type::unreachable:
      case Icmpv4Type::redirect:
      case Icmpv4Type::time_exceeded:
      case Icmpv4Type::parameter_problem:
        return true;
      default:
        return message_[0] == kSourceQuench;
    }
  }

  // Echo.
  std::uint16_t id() const { return load_be16(message_.data() + 4); }
  std::uint16_t seq() const { return load_be16(message_.data() + 6); }
  // Unreachable, fragmentation needed; 0 from a router older than RFC 1191.
  std::uint16_t next_hop_mtu() const { return load_be16(message_.data() + 6); }
  // Parameter problem.
  std::uint8_t pointer() const { return message_[4]; }
  // Redirect.
  IpAddr gateway() const { return load_ipv4(message_.data() + 4); }
  // Echo: the data. Errors: the start of the packet that is complained about.
  Bytes payload() const { return message_.subspan(Icmpv4::kHeaderSize); }

 private:
  static constexpr std::uint8_t kSourceQuench = 4;  // deprecated by RFC 6633

  explicit Icmpv4View(Bytes message) : message_(message) {}

  Bytes message_;
};

}  // namespace naru::wire
