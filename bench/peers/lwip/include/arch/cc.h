/* What lwIP wants to know of the compiler and the machine. */
#ifndef NARU_BENCH_LWIP_CC_H
#define NARU_BENCH_LWIP_CC_H

#include <stdint.h>
#include <stdlib.h>

#define LWIP_NO_CTYPE_H 0
#define LWIP_RAND() ((uint32_t)rand())
#define LWIP_PLATFORM_ASSERT(text) abort()
#define LWIP_PLATFORM_DIAG(text)

#ifdef __cplusplus
extern "C" {
#endif

/* The AVX2 checksum of bench/limits/checksum.hpp (host.cpp). */
uint16_t naru_bench_checksum(const void* data, int length);
uint16_t naru_bench_copy_and_checksum(void* to, const void* from, uint16_t length);

#ifdef __cplusplus
}
#endif

#endif
