// Failures at the line of the test that asked.
#pragma once

#include <source_location>
#include <string>

namespace naru::test {

using Where = std::source_location;

// Records the failure at `where` and ends the test's body.
[[noreturn]] void fail(const Where& where, const std::string& message);

}  // namespace naru::test
