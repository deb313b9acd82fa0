// The options of an IPv4 header (RFC 791 3.1), read only.
#pragma once

#include <cstddef>
#include <cstdint>

#include <naru/base/bytes.hpp>

namespace naru::wire {

struct Ipv4Option {
  static constexpr std::uint8_t kEndOfList = 0;
  static constexpr std::uint8_t kNop = 1;
  static constexpr std::uint8_t kRecordRoute = 7;
  static constexpr std::uint8_t kTimestamp = 68;
  static constexpr std::uint8_t kLooseSourceRoute = 131;
  static constexpr std::uint8_t kStrictSourceRoute = 137;
  static constexpr std::uint8_t kRouterAlert = 148;  // RFC 2113

  std::uint8_t type = kEndOfList;
  Bytes bytes;  // the whole option: type, length, data

  // Copied into every fragment.
  bool is_copied() const { return (type & 0x80U) != 0; }
};

// Walks the options one by one. NOPs are passed over; the walk ends at the end
// of the list, of the bytes, or at an option whose length is 0, 1 or leads
// past the end, which makes the rest malformed. Every step moves forward.
class Ipv4OptionWalker {
 public:
  explicit Ipv4OptionWalker(Bytes options) : options_(options) {}

  // False when there is no further option.
  bool next(Ipv4Option& option);
  bool malformed() const { return malformed_; }
  // Where the walk stands, from the start of the options: after malformed(),
  // the offset of the length that is wrong (for a Parameter Problem).
  std::size_t offset() const { return offset_; }

 private:
  Bytes options_;
  std::size_t offset_ = 0;
  bool malformed_ = false;
};

// What a host or router wants to know before it accepts a packet with options.
struct Ipv4OptionSummary {
  bool malformed = false;
  bool loose_source_route = false;
  bool strict_source_route = false;
  bool record_route = false;
  bool timestamp = false;
  bool router_alert = false;
  std::uint8_t error_offset = 0;  // from the start of the options, with malformed

  bool source_route() const { return loose_source_route || strict_source_route; }

  static Ipv4OptionSummary of(Bytes options);
};

}  // namespace naru::wire
