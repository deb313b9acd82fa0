// Which part of a file a request asks for (RFC 9110 14).
#pragma once

#include <cstdint>
#include <string_view>

namespace naru::cli::web {

struct Range {
  // `whole` is also the answer to what we may ignore: other units, several ranges,
  // and what makes no sense.
  enum class Kind : std::uint8_t { whole, part, unsatisfiable };

  Kind kind = Kind::whole;
  std::uint64_t first = 0;   // of a part
  std::uint64_t length = 0;  // of a part, at least 1

  bool operator==(const Range&) const = default;
};

// What a Range field, "bytes=0-499", means for a file of `size` bytes.
Range parse_range(std::string_view field, std::uint64_t size);

}  // namespace naru::cli::web
