// What the processor can do, found out once. False until the static objects of
// the program have been made: then the portable code runs, which is right too.
#pragma once

namespace naru {

extern const bool kHasAvx2;
extern const bool kHasAvx512;

}  // namespace naru

// Marks a function that only such a processor can run. Macros, since an
// attribute has no name.
#define NARU_AVX2 [[gnu::target("avx2")]]
#define NARU_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,bmi2")]]
