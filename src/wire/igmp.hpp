// Internet Group Management Protocol: what a host says and hears (RFC 1112, RFC 2236, RFC 3376).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <naru/base/bytes.hpp>
#include <naru/time/time.hpp>
#include <naru/wire/address.hpp>

#include "wire/checksum.hpp"
#include "wire/fields.hpp"
#include "wire/group_record.hpp"

namespace naru::wire {

enum class IgmpType : std::uint8_t {
  query = 0x11,
  report_v1 = 0x12,
  report_v2 = 0x16,
  leave = 0x17,
  report_v3 = 0x22,
};

struct Igmp {
  // Of every message of the versions 1 and 2, and of a query's first part.
  static constexpr std::size_t kSize = 8;
  static constexpr std::size_t kReportSize = 8;  // of version 3, before its records
  static constexpr std::size_t kRecordSize = 8;  // without sources
  static constexpr std::size_t kQueryV3Size = 12;
  static constexpr std::size_t kChecksumOffset = 2;

  // Writes kSize bytes: `group` behind the checksum, which is left to seal().
  static void emit(std::uint8_t* p, IgmpType type, const IpAddr& group) {
    store_be32(p, std::uint32_t{static_cast<std::uint8_t>(type)} << 24U);
    store_ipv4(p + 4, group);
  }
  // Writes kReportSize bytes, to be followed by so many records.
  static void emit_report(std::uint8_t* p, std::uint16_t records) {
    store_be32(p, std::uint32_t{static_cast<std::uint8_t>(IgmpType::report_v3)} << 24U);
    store_be32(p + 4, records);
  }
  // Writes kRecordSize bytes.
  static void emit_record(std::uint8_t* p, GroupRecord type, const IpAddr& group) {
    store_be32(p, std::uint32_t{static_cast<std::uint8_t>(type)} << 24U);
    store_ipv4(p + 4, group);
  }
  // Fills in the checksum of a message that is whole but for it.
  static void seal(MutableBytes message) {
    store_checksum(message.data() + kChecksumOffset, finish(sum_bytes(message)));
  }
};

// A message of at least 8 bytes.
class IgmpView {
 public:
  static std::optional<IgmpView> parse(Bytes message) {
    if (message.size() < Igmp::kSize) return std::nullopt;
    return IgmpView(message);
  }

  IgmpType type() const { return static_cast<IgmpType>(message_[0]); }
  bool checksum_ok() const { return verifies(sum_bytes(message_)); }
  IpAddr group() const { return load_ipv4(message_.data() + 4); }

  // Of a query: the version of who asks, by its length and code (RFC 3376 7.1). 0: none.
  unsigned version() const {
    if (message_.size() == Igmp::kSize) return message_[1] == 0 ? 1 : 2;
    if (message_.size() < Igmp::kQueryV3Size) return 0;
    const std::size_t sources = load_be16(message_.data() + 10);
    return message_.size() - Igmp::kQueryV3Size >= 4 * sources ? 3 : 0;
  }
  // Within which an answer is wanted: tenths of a second, from 128 on with an exponent
  // (RFC 3376 4.1.1); version 1 says nothing and means ten seconds (RFC 2236 4).
  Duration max_response() const {
    constexpr Duration kUnit = 100ms;
    const std::uint32_t code = message_[1];
    if (version() == 1) return 100 * kUnit;
    if (version() == 2 || code < 128) return code * kUnit;
    return (((code & 0x0fU) | 0x10U) << ((code >> 4U & 7U) + 3U)) * kUnit;
  }

 private:
  explicit IgmpView(Bytes message) : message_(message) {}

  Bytes message_;
};

}  // namespace naru::wire
