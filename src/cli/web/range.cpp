#include "cli/web/range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace naru::cli::web {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || stop != end) return std::nullopt;
  // Larger than any file: as good as the largest number.
  return error == std::errc::result_out_of_range ? UINT64_MAX : value;
}

}  // namespace

Range parse_range(std::string_view field, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!field.starts_with(kUnit)) return {};
  field.remove_prefix(kUnit.size());
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view from = field.substr(0, dash);
  const std::string_view to = field.substr(dash + 1);
  const auto last = parse_number(to);
  if (!to.empty() && !last) return {};

  if (from.empty()) {  // "-500": the last 500 bytes
    if (!last) return {};
    if (*last == 0 || size == 0) return {.kind = Range::Kind::unsatisfiable};
    const std::uint64_t length = std::min(*last, size);
    return {Range::Kind::part, size - length, length};
  }
  const auto first = parse_number(from);
  if (!first || (last && *last < *first)) return {};
  if (*first >= size) return {.kind = Range::Kind::unsatisfiable};
  const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return {Range::Kind::part, *first, end - *first + 1};
}

}  // namespace naru::cli::web
