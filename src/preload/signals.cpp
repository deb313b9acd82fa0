// Handlers of signals: see posix/signals.hpp.

#include "posix/signals.hpp"

#include "preload/state.hpp"

using naru::posix::Signals;
using namespace naru::preload;

NARU_EXPORT int sigaction(int number, const struct sigaction* wanted,
                          struct sigaction* before) noexcept {
  if (library != nullptr) return answer_int(Signals::action(number, wanted, before));
  return next_sigaction()(number, wanted, before);
}
NARU_EXPORT int __sigaction(int number, const struct sigaction* wanted,
                            struct sigaction* before) noexcept {
  return sigaction(number, wanted, before);
}

namespace {

sighandler_t set_handler(int number, sighandler_t handler, int flags) {
  struct sigaction wanted {};
  wanted.sa_handler = handler;
  wanted.sa_flags = flags;
  struct sigaction before {};
  return sigaction(number, &wanted, &before) == 0 ? before.sa_handler : SIG_ERR;
}

}  // namespace

NARU_EXPORT sighandler_t signal(int number, sighandler_t handler) noexcept {
  return set_handler(number, handler, SA_RESTART);
}
NARU_EXPORT sighandler_t bsd_signal(int number, sighandler_t handler) noexcept {
  return signal(number, handler);
}
NARU_EXPORT sighandler_t ssignal(int number, sighandler_t handler) noexcept {
  return signal(number, handler);
}
// Of System V: for one signal, which is not blocked meanwhile.
NARU_EXPORT sighandler_t __sysv_signal(int number, sighandler_t handler) noexcept {
  return set_handler(number, handler, static_cast<int>(SA_RESETHAND) | SA_NODEFER);
}
NARU_EXPORT sighandler_t sysv_signal(int number, sighandler_t handler) noexcept {
  return __sysv_signal(number, handler);
}

NARU_EXPORT int siginterrupt(int number, int interrupts) noexcept {
  struct sigaction action {};
  if (sigaction(number, nullptr, &action) != 0) return -1;
  action.sa_flags = interrupts != 0 ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
  return sigaction(number, &action, nullptr);
}
