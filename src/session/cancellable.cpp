#include "session/cancellable.hpp"

#include <pthread.h>

// What pthread_cleanup_push(3) is made of in C. In C++ it is a destructor, for which the
// unwinder would have to find its way through frames of two languages.
extern "C" {
void __pthread_register_cancel(__pthread_unwind_buf_t*);
void __pthread_unregister_cancel(__pthread_unwind_buf_t*);
int naru_remember(void*, int) __asm__("__sigsetjmp") __attribute__((returns_twice));
}

namespace naru::session {
namespace {

thread_local constinit bool cancelled __attribute__((tls_model("initial-exec"))) = false;

}  // namespace

bool is_cancelled() { return cancelled; }

// Once: the cleanup handlers of the program may make calls, too.
void end_if_cancelled() {
  if (!cancelled) return;
  cancelled = false;
  ::pthread_exit(PTHREAD_CANCELED);
}

namespace detail {

__attribute__((noinline)) long cancellable(long number, long a, long b, long c, long d, long e,
                                           long f) {
  __pthread_unwind_buf_t here;
  if (naru_remember(here.__cancel_jmp_buf, 0) != 0) {
    __pthread_unregister_cancel(&here);
    cancelled = true;
    return -EINTR;
  }
  __pthread_register_cancel(&here);
  int before = 0;
  ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
  const long answer = system::detail::trap(number, a, b, c, d, e, f);
  ::pthread_setcanceltype(before, nullptr);
  __pthread_unregister_cancel(&here);
  return answer;
}

}  // namespace detail
}  // namespace naru::session
