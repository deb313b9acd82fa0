#include "cli/web/condition.hpp"

#include "cli/web/date.hpp"

namespace naru::cli::web {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Whether a list of entity tags, or "*", names this one. Weak comparison ignores
// the W/ of a tag, strong comparison never matches a weak one (8.8.3.2).
bool lists(std::string_view list, std::string_view etag, bool weak) {
  if (trim(list) == "*") return true;
  while (!list.empty()) {
    // A comma may stand inside the quotes of a tag, so tags are cut at quotes.
    const std::size_t open = list.find('"');
    if (open == std::string_view::npos) return false;
    const std::size_t close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    const bool is_weak = open >= 2 && list.substr(open - 2, 2) == "W/";
    if (list.substr(open, close - open + 1) == etag && (weak || !is_weak)) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

// A date that does not parse is as if the field were not there.
bool modified_after(std::string_view date, std::time_t modified, bool otherwise) {
  const auto since = parse_http_date(trim(date));
  return since ? modified > *since : otherwise;
}

}  // namespace

Verdict evaluate(const Conditions& conditions, const Validators& now) {
  if (conditions.if_match) {
    if (!lists(*conditions.if_match, now.etag, false)) return Verdict::precondition_failed;
  } else if (conditions.if_unmodified_since &&
             modified_after(*conditions.if_unmodified_since, now.modified, false)) {
    return Verdict::precondition_failed;
  }
  if (conditions.if_none_match) {
    if (lists(*conditions.if_none_match, now.etag, true)) return Verdict::not_modified;
  } else if (conditions.if_modified_since &&
             !modified_after(*conditions.if_modified_since, now.modified, true)) {
    return Verdict::not_modified;
  }
  return Verdict::proceed;
}

bool range_applies(const Conditions& conditions, const Validators& now) {
  if (!conditions.if_range) return true;
  const std::string_view validator = trim(*conditions.if_range);
  if (validator.find('"') != std::string_view::npos) return lists(validator, now.etag, false);
  const auto date = parse_http_date(validator);
  return date && *date == now.modified;
}

}  // namespace naru::cli::web
