// The lock of a session, when somebody has it for long.
#pragma once

#include <pthread.h>

namespace naru::session {

// As pthread_mutex_lock(3). Who was stopped with the lock (SIGSTOP) stops the session: he may
// go on at any instruction, so nothing can be taken from him. After a second it is said.
int lock_patiently(pthread_mutex_t& mutex);

}  // namespace naru::session
