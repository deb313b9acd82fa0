#pragma once

#include <cstdint>

namespace naru {

// Of several default routers a host takes one that is reachable and has the highest
// (RFC 4191 2.1).
enum class RouterPreference : std::uint8_t { low, medium, high };

}  // namespace naru
