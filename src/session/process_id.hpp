// Which process is it? A pid alone may have been used again.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace naru::session {

// When the process started, in ticks since the machine did; 0: there is none.
std::uint64_t start_time(pid_t pid);

// Was it stopped, by a signal or by a debugger? Also of a thread, by its number.
bool is_stopped(pid_t pid);

// Is a thread of it left? A process whose first thread has ended may have others.
bool is_alive(pid_t pid, std::uint64_t start_time);

}  // namespace naru::session
