#include "cli/version.hpp"

namespace naru::cli {

std::string_view version() { return NARU_VERSION; }

}  // namespace naru::cli
