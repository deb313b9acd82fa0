// Internet Control Message Protocol for IPv6 (RFC 4443).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/wire/address.hpp>

#include "wire/checksum.hpp"
#include "wire/fields.hpp"

namespace naru::wire {

enum class Icmpv6Type : std::uint8_t {
  unreachable = 1,
  too_big = 2,
  time_exceeded = 3,
  parameter_problem = 4,
  echo_request = 128,
  echo_reply = 129,
  // Multicast listener discovery: see wire/mld.hpp.
  mld_query = 130,
  mld_report = 131,
  mld_done = 132,
  // Neighbour discovery (RFC 4861): see wire/ndp.hpp.
  router_solicitation = 133,
  router_advertisement = 134,
  neighbour_solicitation = 135,
  neighbour_advertisement = 136,
  redirect = 137,
  mld_report_v2 = 143,
};

// Codes of Icmpv6Type::unreachable.
enum class Icmpv6Unreachable : std::uint8_t {
  no_route = 0,
  prohibited = 1,
  beyond_scope = 2,
  address = 3,
  port = 4,
  source_policy = 5,
  rejected = 6,
};

// Codes of Icmpv6Type::parameter_problem.
enum class Icmpv6Problem : std::uint8_t {
  header_field = 0,
  next_header = 1,
  option = 2,
};

// The header of a message to be sent: 8 bytes for every type here.
struct Icmpv6 {
  static constexpr std::size_t kHeaderSize = 8;
  static constexpr std::size_t kChecksumOffset = 2;

  Icmpv6Type type = Icmpv6Type::echo_request;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // the four bytes after the checksum, in host order

  static constexpr Icmpv6 echo(Icmpv6Type type, std::uint16_t id, std::uint16_t seq) {
    return {type, 0, (std::uint32_t{id} << 16U) | seq};
  }
  static constexpr Icmpv6 unreachable(Icmpv6Unreachable code) {
    return {Icmpv6Type::unreachable, static_cast<std::uint8_t>(code), 0};
  }
  static constexpr Icmpv6 too_big(std::uint32_t mtu) { return {Icmpv6Type::too_big, 0, mtu}; }
  // Code 0: hop limit exceeded in transit; 1: reassembly time exceeded.
  static constexpr Icmpv6 time_exceeded(std::uint8_t code) {
    return {Icmpv6Type::time_exceeded, code, 0};
  }
  // The pointer is the offset in the quoted packet of the byte that is wrong.
  static constexpr Icmpv6 parameter_problem(Icmpv6Problem code, std::uint32_t pointer) {
    return {Icmpv6Type::parameter_problem, static_cast<std::uint8_t>(code), pointer};
  }

  // Writes kHeaderSize bytes, without a checksum: that covers the addresses too, which are
  // known when the packet is on its way (see fill_icmpv6_checksum()).
  void emit(std::uint8_t* p) const {
    store_word64(p,
                 static_cast<std::uint8_t>(type) | std::uint64_t{code} << 8U | be32(rest) << 32U);
  }
};

inline void fill_icmpv6_checksum(MutableBytes message, const IpAddr& src, const IpAddr& dst) {
  std::uint8_t* field = message.data() + Icmpv6::kChecksumOffset;
  store_checksum(field, 0);
  const auto length = static_cast<std::uint32_t>(message.size());
  const std::uint64_t pseudo = pseudo_header_sum(src, dst, Protocol::icmpv6, length);
  store_checksum(field, finish(sum_bytes(message, pseudo)));
}

// A message of at least type, code and checksum.
class Icmpv6View {
 public:
  static constexpr std::size_t kLeast = 4;

  static std::optional<Icmpv6View> parse(Bytes message) {
    if (message.size() < kLeast) return std::nullopt;
    return Icmpv6View(message);
  }

  Icmpv6Type type() const { return static_cast<Icmpv6Type>(message_[0]); }
  std::uint8_t code() const { return message_[1]; }
  bool checksum_ok(const IpAddr& src, const IpAddr& dst) const {
    const auto length = static_cast<std::uint32_t>(message_.size());
    return verifies(sum_bytes(message_, pseudo_header_sum(src, dst, Protocol::icmpv6, length)));
  }

  // Of an error, known or not (RFC 4443 2.1): it is never answered with an error.
  bool is_error() const { return message_[0] < 128; }

  // What follows type, code and checksum is there only with has_rest().
  bool has_rest() const { return message_.size() >= Icmpv6::kHeaderSize; }
  std::uint32_t rest() const { return load_be32(message_.data() + 4); }
  // Echo.
  std::uint16_t id() const { return load_be16(message_.data() + 4); }
  std::uint16_t seq() const { return load_be16(message_.data() + 6); }
  // Echo: the data. Errors: the start of the packet that is complained about.
  Bytes payload() const { return message_.subspan(Icmpv6::kHeaderSize); }
  Bytes bytes() const { return message_; }

 private:
  explicit Icmpv6View(Bytes message) : message_(message) {}

  Bytes message_;
};

}  // namespace naru::wire
