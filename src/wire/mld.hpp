// Multicast Listener Discovery: what a host says and hears, as messages of ICMPv6
// (RFC 2710, RFC 3810).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "wire/fields.hpp"
#include "wire/group_record.hpp"
#include "wire/icmpv6.hpp"

namespace naru::wire {

struct Mld {
  static constexpr std::size_t kSize = 24;        // of version 1, and of a query's first part
  static constexpr std::size_t kReportSize = 8;   // of version 2, before its records
  static constexpr std::size_t kRecordSize = 20;  // without sources
  static constexpr std::size_t kQueryV2Size = 28;

  // Writes kSize bytes of a message of version 1. The checksum covers the addresses too:
  // see fill_icmpv6_checksum().
  static void emit(std::uint8_t* p, Icmpv6Type type, const IpAddr& group) {
    Icmpv6{.type = type}.emit(p);
    store_ipv6(p + Icmpv6::kHeaderSize, group);
  }
  // Writes kReportSize bytes, to be followed by so many records.
  static void emit_report(std::uint8_t* p, std::uint16_t records) {
    Icmpv6{.type = Icmpv6Type::mld_report_v2, .rest = records}.emit(p);
  }
  // Writes kRecordSize bytes.
  static void emit_record(std::uint8_t* p, GroupRecord type, const IpAddr& group) {
    store_be32(p, std::uint32_t{static_cast<std::uint8_t>(type)} << 24U);
    store_ipv6(p + 4, group);
  }
};

// A query, or a message of version 1: one with a group.
class MldView {
 public:
  static std::optional<MldView> parse(Bytes message) {
    if (message.size() < Mld::kSize) return std::nullopt;
    return MldView(message);
  }

  Icmpv6Type type() const { return static_cast<Icmpv6Type>(message_[0]); }
  IpAddr group() const { return load_ipv6(message_.data() + Icmpv6::kHeaderSize); }

  // Of a query: the version of who asks, by its length (RFC 3810 8.1). 0: none.
  unsigned version() const {
    if (message_.size() == Mld::kSize) return 1;
    if (message_.size() < Mld::kQueryV2Size) return 0;
    constexpr std::size_t kSourceSize = 16;
    const std::size_t sources = load_be16(message_.data() + 26);
    return message_.size() - Mld::kQueryV2Size >= kSourceSize * sources ? 2 : 0;
  }
  // Within which an answer is wanted: milliseconds, in version 2 from 32768 on with an
  // exponent (RFC 3810 5.1.3).
  Duration max_response() const {
    constexpr Duration kUnit = 1ms;
    const std::uint32_t code = load_be16(message_.data() + 4);
    if (version() == 1 || code < 0x8000) return code * kUnit;
    return (((code & 0x0fffU) | 0x1000U) << ((code >> 12U & 7U) + 3U)) * kUnit;
  }

 private:
  explicit MldView(Bytes message) : message_(message) {}

  Bytes message_;
};

}  // namespace naru::wire
