#include "cli/web/media_type.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace naru::cli::web {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 29> kTypes{{
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"woff2", "font/woff2"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
}};
static_assert(std::ranges::is_sorted(kTypes, {},
                                     &std::pair<std::string_view, std::string_view>::first));

}  // namespace

std::string_view media_type_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  std::string suffix(dot == std::string_view::npos ? "" : name.substr(dot + 1));
  std::ranges::transform(suffix, suffix.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  const auto it =
      std::ranges::lower_bound(kTypes, suffix, {}, [](const auto& t) { return t.first; });
  return it != kTypes.end() && it->first == suffix ? it->second : "application/octet-stream";
}

}  // namespace naru::cli::web
