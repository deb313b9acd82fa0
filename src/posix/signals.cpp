#include "posix/signals.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <sys/syscall.h>

#include "posix/memory.hpp"
#include "session/deferral.hpp"
#include "session/system.hpp"

namespace naru::posix {
namespace {

namespace system = session::system;

using session::Deferral;
// What the program has set. The mask is the kernel's to know.
struct Action {
  std::atomic<sighandler_t> handler{SIG_DFL};  // or sa_sigaction: they share their place
  std::atomic<int> flags{0};
};
std::array<Action, _NSIG> actions;
Signals::Sigaction* real_sigaction = nullptr;

bool is_fault(int number) { return number == SIGSEGV || number == SIGBUS; }

bool is_function(sighandler_t handler) { return handler != SIG_DFL && handler != SIG_IGN; }

// One of one argument takes the first.
void call(sighandler_t handler, int number, siginfo_t* info, void* context) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_sigaction(number, info, context);
}

// The program wants no part in it: as if we had not been there.
void die_of(int number, siginfo_t* info) {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  real_sigaction(number, &plain, nullptr);
  // What an instruction caused it causes again; what was sent is sent again.
  if (info->si_code <= 0) {
    system::call(SYS_rt_tgsigqueueinfo, system::call(SYS_getpid), system::call(SYS_gettid), number,
                 info);
  }
}

void on_signal(int number, siginfo_t* info, void* context) {
  if (is_fault(number) && resume_after_touch(context)) return;
  const Action& action = actions[static_cast<std::size_t>(number)];
  const sighandler_t handler = action.handler.load();
  if (!is_function(handler)) {
    if (is_fault(number) && (handler != SIG_IGN || info->si_code > 0)) die_of(number, info);
    return;
  }
  if (!is_fault(number) && Deferral::is_inside()) {
    Deferral::hold(number, info, context);
    return;
  }
  const bool restarts = (action.flags.load() & SA_RESTART) != 0;
  call(handler, number, info, context);
  Deferral::note_handler(restarts);  // last: the handler may have made calls that forget
}

struct sigaction ours_for(const struct sigaction& wanted) {
  struct sigaction ours = wanted;
  ours.sa_sigaction = on_signal;
  ours.sa_flags |= SA_SIGINFO;
  return ours;
}

// The kernel resets to SIG_DFL, and must not lose ours with it.
constexpr int kFaultFlags = ~static_cast<int>(SA_RESETHAND);

}  // namespace

void Signals::init(Sigaction* real) {
  real_sigaction = real;
  for (const int number : {SIGSEGV, SIGBUS}) {
    struct sigaction before {};
    real(number, nullptr, &before);
    if (before.sa_sigaction == on_signal) continue;
    actions[static_cast<std::size_t>(number)].handler = before.sa_handler;
    actions[static_cast<std::size_t>(number)].flags = before.sa_flags;
    struct sigaction ours = ours_for(before);
    ours.sa_flags |= SA_ONSTACK;
    real(number, &ours, nullptr);
  }
}

long Signals::action(int number, const struct sigaction* wanted, struct sigaction* before) {
  if (number <= 0 || number >= _NSIG) return -EINVAL;
  Action& mine = actions[static_cast<std::size_t>(number)];
  const sighandler_t old_handler = mine.handler.load();
  const int old_flags = mine.flags.load();
  struct sigaction kernels {};
  if (real_sigaction(number, nullptr, &kernels) != 0) return -errno;
  if (wanted != nullptr) {
    struct sigaction set = *wanted;
    if (is_function(set.sa_handler) || is_fault(number)) {
      mine.flags.store(set.sa_flags);
      mine.handler.store(set.sa_handler);
      set = ours_for(set);
      if (is_fault(number)) set.sa_flags = (set.sa_flags & kFaultFlags) | SA_ONSTACK;
    }
    if (real_sigaction(number, &set, nullptr) != 0) return -errno;
  }
  if (before == nullptr) return 0;
  if (kernels.sa_sigaction == on_signal) {
    kernels.sa_handler = old_handler;
    kernels.sa_flags = old_flags;
  }
  *before = kernels;
  return 0;
}

}  // namespace naru::posix
