// The ways in which a process ends by itself: what it has open is closed before its parent
// hears of the end. exit(3), a return from main and the end of the last thread come by what
// exit calls; _exit(2) and abort(3) by their names.

#include "preload/ending.hpp"

#include <cstdlib>
#include <unistd.h>
#include <utility>

#include "preload/state.hpp"
#include "preload/streams.hpp"

using namespace naru::preload;

namespace naru::preload {
namespace {

void end() {
  if (library != nullptr) library->end();
}

}  // namespace

void be_called_at_end() {
  // After the destructors of all libraries, which may still make socket calls. All that
  // comes later is that the C library writes out its streams.
  ::on_exit(
      [](int, void*) {
        Streams::flush();
        end();
      },
      nullptr);
  ::at_quick_exit(end);
}

}  // namespace naru::preload

NARU_EXPORT void _exit(int status) {
  end();
  for (;;) naru::session::system::call(SYS_exit_group, status);
}
NARU_EXPORT void _Exit(int status) noexcept { _exit(status); }

// Only where it is certain death: a handler may think better of it.
NARU_EXPORT void abort() noexcept {
  struct sigaction action {};
  ::sigaction(SIGABRT, nullptr, &action);
  if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) end();
  next.abort();
  std::unreachable();
}
