// System calls that nobody can take over: the preload library gives read(), close()
// and their kind a new meaning, and must not meet it when it needs the kernel's own.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace naru::session::system {

namespace detail {

template <class T>
long word(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else {
    return static_cast<long>(value);
  }
}

#if defined(__x86_64__)
inline long trap(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long answer = number;
  asm volatile("syscall"
               : "+a"(answer)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return answer;
}
#elif defined(__aarch64__)
inline long trap(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}
#else
#error "naru run knows x86-64 and arm64"
#endif

}  // namespace detail

// The kernel's answer: a value, or -errno. errno stays as it is.
template <class A = int, class B = int, class C = int, class D = int, class E = int, class F = int>
long call(long number, A a = {}, B b = {}, C c = {}, D d = {}, E e = {}, F f = {}) {
  using detail::word;
  return detail::trap(number, word(a), word(b), word(c), word(d), word(e), word(f));
}

}  // namespace naru::session::system
