// NARU_CHECK: assertions against our own bugs, never against what a peer sends.
#pragma once

namespace naru {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace naru

// Always on: a wrong stack must stop, not corrupt. A macro only because the
// message needs the condition's text and place.
#define NARU_CHECK(condition) \
  ((condition) ? void() : ::naru::check_failed(#condition, __FILE__, __LINE__))
