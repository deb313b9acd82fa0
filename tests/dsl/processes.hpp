// Processes of a test: they do one thing and end.
#pragma once

#include <functional>
#include <sys/wait.h>
#include <unistd.h>

namespace naru::test {

// Does what `act` says in a process of its own, which ends with that.
inline pid_t in_child(const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(act());
  return child;
}

// The exit status; minus the signal that ended it.
inline int status_of(pid_t child) {
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace naru::test
