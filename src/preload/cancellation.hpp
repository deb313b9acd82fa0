// Calls and pthread_cancel(3).
#pragma once

#include <pthread.h>

#include "session/cancellable.hpp"

namespace naru::preload {

// Makes a call that is a cancellation point (pthreads(7)): a thread that was asked to end
// does so before it, or after it where it slept. Not in the middle, also when the program
// has set PTHREAD_CANCEL_ASYNCHRONOUS: it may have the lock of the session. No object may
// be left to destroy in the frame that calls this one.
template <class Call>
long cancellation_point(const Call& call) {
  int type = PTHREAD_CANCEL_DEFERRED;
  ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
  ::pthread_testcancel();
  const long answer = call();
  session::end_if_cancelled();
  if (type != PTHREAD_CANCEL_DEFERRED) ::pthread_setcanceltype(type, nullptr);
  return answer;
}

// A call that is none, made of such that are.
class NoCancellation {
 public:
  NoCancellation() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancellation() { ::pthread_setcancelstate(before_, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

}  // namespace naru::preload
