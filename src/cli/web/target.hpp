// The target of a request: from "/a%20b/../c?x" to a path below the served folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace naru::cli::web {

// The decoded path without its leading slash, "." and ".." resolved: "c". Empty for
// the root; a trailing slash is kept. Nothing where the target makes no sense:
// no leading slash, a bad escape, a NUL, or ".." that leaves the root.
std::optional<std::string> path_of_target(std::string_view target);

// Escapes what may not stand in a path of a URL.
std::string escape_path(std::string_view path);
// Escapes what means something in HTML.
std::string escape_html(std::string_view text);

}  // namespace naru::cli::web
