// Signals: handlers of the program that may make socket calls at any time, and the
// faults of touching bad memory.
//
// The kernel knows one handler, ours; what the program has set stands in a table. Ours
// runs the program's at once, or after the thread has left the stack (Deferral).
#pragma once

#include <csignal>

namespace naru::posix {

class Signals {
 public:
  using Sigaction = int(int, const struct sigaction*, struct sigaction*);

  // The sigaction of the C library, which the kernel is asked through; faults are ours
  // from now on.
  static void init(Sigaction* real);

  // As sigaction(2), as far as the program can tell.
  static long action(int number, const struct sigaction* wanted, struct sigaction* before);
};

}  // namespace naru::posix
