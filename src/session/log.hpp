// What the library has to say, for who asks: NARU_LOG=stderr or NARU_LOG=FILE.
#pragma once

#include <string_view>

namespace naru::session {

// One line. Without NARU_LOG nothing is printed, ever.
void log(std::string_view words);

}  // namespace naru::session
