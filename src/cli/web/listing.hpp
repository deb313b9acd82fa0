// The page for a folder without an index.html.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/web/folder.hpp"

namespace naru::cli::web {

// `path` is the folder's, as path_of_target gives it.
std::string listing_page(std::string_view path, std::span<const Entry> entries);

}  // namespace naru::cli::web
