// Processes that were made beforehand and share the listening socket. The parent accepts
// nobody: it replaces the children that die, and ends them when it is ended.

#include <csignal>
#include <cstdlib>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include "echo.hpp"

namespace {

volatile std::sig_atomic_t must_end = 0;

void on_signal(int) { must_end = 1; }

// Without SA_RESTART: wait(2) must return.
void end_on(int number) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(number, &action, nullptr);
}

pid_t make_child(int listener, const echo::Settings& settings) {
  const pid_t child = ::fork();
  if (child < 0) echo::fail("fork");
  if (child > 0) return child;
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  for (;;) echo::converse(echo::accept_from(listener), settings.spins);
}

}  // namespace

int main(int argc, char** argv) {
  const echo::Settings settings = echo::settings(argc, argv);
  const int listener = echo::listen_at(settings);
  end_on(SIGTERM);
  end_on(SIGINT);
  std::set<pid_t> children;
  while (must_end == 0) {
    while (children.size() < static_cast<std::size_t>(settings.workers)) {
      children.insert(make_child(listener, settings));
    }
    if (const pid_t dead = ::wait(nullptr); dead > 0) children.erase(dead);
  }
  for (const pid_t child : children) ::kill(child, SIGTERM);
  while (::wait(nullptr) > 0) {
  }
}
