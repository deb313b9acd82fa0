// Conditional requests (RFC 9110 13): the client has a copy and asks whether it is
// still the right one.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace naru::cli::web {

// What identifies the present state of a file.
struct Validators {
  std::string etag;  // strong, with its quotes
  std::time_t modified = 0;
};

// The fields of the request; unset where the request has none.
struct Conditions {
  std::optional<std::string_view> if_match{};
  std::optional<std::string_view> if_none_match{};
  std::optional<std::string_view> if_modified_since{};
  std::optional<std::string_view> if_unmodified_since{};
  std::optional<std::string_view> if_range{};
};

enum class Verdict : std::uint8_t { proceed, not_modified, precondition_failed };

// In the order of RFC 9110 13.2.2, for GET and HEAD.
Verdict evaluate(const Conditions& conditions, const Validators& now);
// Whether a Range field counts (13.1.5): true without If-Range.
bool range_applies(const Conditions& conditions, const Validators& now);

}  // namespace naru::cli::web
