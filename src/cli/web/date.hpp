// Dates of HTTP (RFC 9110 5.6.7).
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace naru::cli::web {

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string to_http_date(std::time_t time);
// That form and the two obsolete ones that a recipient must still read.
std::optional<std::time_t> parse_http_date(std::string_view text);

}  // namespace naru::cli::web
