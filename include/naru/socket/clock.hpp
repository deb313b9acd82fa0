// The real clock.
#pragma once

#include <naru/time/time.hpp>

namespace naru {

// CLOCK_MONOTONIC as the stack's time.
Time monotonic_now();
// CLOCK_REALTIME minus CLOCK_MONOTONIC now: what makes dates of the stack's times.
Duration wall_clock_offset();

}  // namespace naru
