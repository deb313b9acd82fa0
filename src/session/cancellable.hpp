// pthread_cancel(3): a thread that sleeps may be asked to end.
//
// The C library ends a thread by unwinding its stack from where it sleeps. Here the unwinding
// stops in the first frame: the sleep answers as if a signal had come, everything is given
// back on the ordinary way out, and the thread ends when it has left.
#pragma once

#include "session/system.hpp"

namespace naru::session {

namespace detail {
long cancellable(long number, long a, long b, long c, long d, long e, long f);
}

// A system call that waits and takes nothing: -EINTR when the thread is to end.
template <class A = int, class B = int, class C = int, class D = int, class E = int, class F = int>
long cancellable_call(long number, A a = {}, B b = {}, C c = {}, D d = {}, E e = {}, F f = {}) {
  using system::detail::word;
  return detail::cancellable(number, word(a), word(b), word(c), word(d), word(e), word(f));
}

// Such a thread has nothing left to do but to end.
bool is_cancelled();
void end_if_cancelled();

}  // namespace naru::session
