#include "session/deferral.hpp"

#include <csignal>
#include <cstring>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "session/system.hpp"

namespace naru::session {
namespace {

constexpr std::size_t kSignalBytes = 8;  // of the kernel's sigset_t

constexpr std::uint64_t bit(int number) { return std::uint64_t{1} << (number - 1); }

// What an instruction causes cannot wait.
constexpr std::uint64_t kDeferrable =
    ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGABRT));

}  // namespace

void Deferral::hold(int number, void* info, void* context) {
  // Blocked now, so that the signal waits when it is sent again; and after the return
  // from the handler, which restores the mask of the context.
  system::call(SYS_rt_sigprocmask, SIG_BLOCK, &kDeferrable, nullptr, kSignalBytes);
  auto& mask = static_cast<ucontext_t*>(context)->uc_sigmask;
  std::uint64_t before = 0;
  std::memcpy(&before, &mask, sizeof before);
  if (!state_.holds) {
    state_.mask = before;
    state_.holds = true;
  }
  before |= kDeferrable;
  std::memcpy(&mask, &before, sizeof before);
  system::call(SYS_rt_tgsigqueueinfo, system::call(SYS_getpid), system::call(SYS_gettid), number,
               info);
}

void Deferral::release() {
  state_.holds = false;
  const std::uint64_t mask = state_.mask;
  system::call(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, kSignalBytes);
}

}  // namespace naru::session
