#include "cli/web/date.hpp"

#include <array>

namespace naru::cli::web {

// The program never calls setlocale, so the names are English.
std::string to_http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text;
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), length};
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  const std::string terminated(text);
  for (const char* format : {"%a, %d %b %Y %H:%M:%S GMT",  // IMF-fixdate
                             "%A, %d-%b-%y %H:%M:%S GMT",  // RFC 850
                             "%a %b %e %H:%M:%S %Y"}) {    // asctime()
    std::tm parts{};
    const char* end = ::strptime(terminated.c_str(), format, &parts);
    if (end != nullptr && *end == '\0') return ::timegm(&parts);
  }
  return std::nullopt;
}

}  // namespace naru::cli::web
