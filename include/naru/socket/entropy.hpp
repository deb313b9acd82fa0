// The real random source.
#pragma once

#include <naru/random/random.hpp>

namespace naru {

// 32 bytes from the kernel's random source, for Random::secure.
Random::Key entropy();

}  // namespace naru
