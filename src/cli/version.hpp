// The version of this build, "0.1.0".
#pragma once

#include <string_view>

namespace naru::cli {

std::string_view version();

}  // namespace naru::cli
