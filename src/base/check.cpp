#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace naru {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "naru: %s:%d: check failed: %s (a bug in naru)\n", file, line, condition);
  std::abort();
}

}  // namespace naru
