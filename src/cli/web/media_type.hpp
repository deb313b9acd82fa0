// Content types by file name.
#pragma once

#include <string_view>

namespace naru::cli::web {

// application/octet-stream for what is not known.
std::string_view media_type_of(std::string_view name);

}  // namespace naru::cli::web
