#include "cli/web/listing.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/web/target.hpp"

namespace naru::cli::web {

std::string listing_page(std::string_view path, std::span<const Entry> entries) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>/{0}</title>\n"
      "<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:50em}}"
      "td{{padding:0 1em 0 0}}td+td{{text-align:right;color:#666}}</style>\n"
      "<h1>/{0}</h1>\n<table>\n",
      escape_html(path));
  if (!path.empty()) page += "<tr><td><a href=\"../\">../</a>\n";
  for (const Entry& entry : entries) {
    const std::string_view slash = entry.is_folder ? "/" : "";
    // "./" in front: a name with a colon is not a scheme.
    page += fmt::format("<tr><td><a href=\"./{}{}\">{}{}</a><td>{}<td>{:%F %T}\n",
                        escape_html(escape_path(entry.name)), slash, escape_html(entry.name), slash,
                        entry.is_folder ? "" : fmt::format("{}", entry.size),
                        fmt::gmtime(entry.modified));
  }
  page += "</table>\n</html>\n";
  return page;
}

}  // namespace naru::cli::web
