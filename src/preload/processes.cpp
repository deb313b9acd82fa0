// Processes: children must find the sockets that they inherit.

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "preload/state.hpp"

using namespace naru::preload;

// fork(2) needs no words of ours: pthread_atfork (state.cpp) hears of it wherever it is
// called from. These three make a child without asking there.

namespace {

void share_all() {
  if (library != nullptr) library->fds.share_all();
}

}  // namespace

NARU_EXPORT int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                            const posix_spawnattr_t* attributes, char* const argv[],
                            char* const envp[]) {
  share_all();
  return next.posix_spawn(pid, path, actions, attributes, argv, envp);
}

NARU_EXPORT int posix_spawnp(pid_t* pid, const char* file,
                             const posix_spawn_file_actions_t* actions,
                             const posix_spawnattr_t* attributes, char* const argv[],
                             char* const envp[]) {
  share_all();
  return next.posix_spawnp(pid, file, actions, attributes, argv, envp);
}

NARU_EXPORT int system(const char* command) {
  share_all();
  return next.system(command);
}

NARU_EXPORT FILE* popen(const char* command, const char* mode) {
  share_all();
  return next.popen(command, mode);
}

// A child of vfork borrows our memory, tables included: it gets its own.
NARU_EXPORT pid_t vfork() noexcept { return next.fork(); }
NARU_EXPORT pid_t __vfork() noexcept { return next.fork(); }
