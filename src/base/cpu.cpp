#include "base/cpu.hpp"

namespace naru {

// The question covers the operating system: registers that it does not save are
// not there.
const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
const bool kHasAvx512 =
    __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
    __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("bmi2") != 0;

}  // namespace naru
