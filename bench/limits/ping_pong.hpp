// How far apart the two cores are at this moment.
#pragma once

namespace naru::bench {

// Nanoseconds for one cache line to go from CPU `a` to CPU `b` and back, by two
// spinning threads; the best of several short tries. The host moves the virtual
// cores, so this is printed beside every two-core figure.
double ping_pong_ns(int a, int b);

}  // namespace naru::bench
