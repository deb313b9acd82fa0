// What a host says of a group in a report of IGMPv3 (RFC 3376 4.2.12) or MLDv2 (RFC 3810
// 5.2.12). Exclude, with no sources: all are wanted; include, with none: nothing is.
#pragma once

#include <cstdint>

namespace naru::wire {

enum class GroupRecord : std::uint8_t {
  is_exclude = 2,
  to_include = 3,
  to_exclude = 4,
};

}  // namespace naru::wire
